# Static programs for every architecture that Debian has a cross compiler for, in one image without
# anything else: /ARCHITECTURE/hello. See hello.c.
FROM debian:trixie-slim AS compilers
# Each compiler recommends the C library that it needs.
RUN apt-get update -qq \
 && apt-get install -y -qq gcc \
      gcc-aarch64-linux-gnu gcc-alpha-linux-gnu gcc-arm-linux-gnueabihf gcc-hppa-linux-gnu gcc-i686-linux-gnu \
      gcc-loongarch64-linux-gnu gcc-m68k-linux-gnu gcc-mips-linux-gnu gcc-mips64-linux-gnuabi64 \
      gcc-mips64el-linux-gnuabi64 gcc-mipsel-linux-gnu gcc-powerpc-linux-gnu gcc-powerpc64-linux-gnu \
      gcc-powerpc64le-linux-gnu gcc-riscv64-linux-gnu gcc-s390x-linux-gnu gcc-sh4-linux-gnu \
      gcc-sparc64-linux-gnu >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY hello.c exec.c compile /source/
RUN /source/compile /out

FROM scratch
COPY --from=compilers /out /
