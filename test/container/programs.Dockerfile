# Static programs for every architecture that Debian has a cross compiler for, in one image without
# anything else: /ARCHITECTURE/hello, /ARCHITECTURE/openat2 and /ARCHITECTURE/jumps, from hello.c, openat2.c and jumps.c.
FROM debian:trixie-slim AS compilers
# Each compiler recommends the C library that it needs.
# Which there are depends on the machine that they run on.
RUN apt-get update -qq \
 && apt-get install -y -qq gcc $(apt-cache pkgnames gcc- | grep -xE 'gcc-(\
aarch64-linux-gnu|alpha-linux-gnu|arm-linux-gnueabihf|hppa-linux-gnu|i686-linux-gnu|loongarch64-linux-gnu|\
m68k-linux-gnu|mips-linux-gnu|mips64-linux-gnuabi64|mips64el-linux-gnuabi64|mipsel-linux-gnu|powerpc-linux-gnu|\
powerpc64-linux-gnu|powerpc64le-linux-gnu|riscv64-linux-gnu|s390x-linux-gnu|sh4-linux-gnu|sparc64-linux-gnu|\
x86-64-linux-gnu)') >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY hello.c openat2.c jumps.c exec.c compile /source/
RUN /source/compile /out

FROM scratch
COPY --from=compilers /out /
