# The image: a stripped Node.js, one bundled program, a native launcher, and QEMU's emulators. No shell.
#
# It is built for five hosts, on any host that an image of Node.js is published for. The build never runs a program of
# another host: programs are cross-compiled, and libraries are unpacked from the other host's packages. The emulators come
# from Debian's package (EMULATORS=debian, which is quick) or are built from QEMU's source (EMULATORS=source, which are
# smaller and start faster).
#
# Node.js, its loader and its libraries are in /usr/lib/binfmt and not in the standard directories. There a probe of a
# dynamically linked emulator would find them and pass, and then fail in every other container.

# debian or source
ARG EMULATORS=debian

FROM --platform=$BUILDPLATFORM node:24-trixie-slim AS base
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends binutils >/dev/null \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY package.json package-lock.json .npmrc ./
RUN npm ci

FROM base AS validate
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends clang-tidy gcc libc6-dev shellcheck >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY . .
RUN test/static

# One stage for each host: Debian's name of it, the prefix and package of its cross compiler, and the Debian package
# that has the libraries of Node.js, or Node.js itself if no image of it is published for the host.
FROM base AS host-amd64
ENV DEBIAN=amd64 CROSS=x86_64-linux-gnu- COMPILER=gcc-x86-64-linux-gnu RUNTIME=libstdc++6
FROM base AS host-arm64
ENV DEBIAN=arm64 CROSS=aarch64-linux-gnu- COMPILER=gcc-aarch64-linux-gnu RUNTIME=libstdc++6
FROM base AS host-ppc64le
ENV DEBIAN=ppc64el CROSS=powerpc64le-linux-gnu- COMPILER=gcc-powerpc64le-linux-gnu RUNTIME=libstdc++6
FROM base AS host-riscv64
ENV DEBIAN=riscv64 CROSS=riscv64-linux-gnu- COMPILER=gcc-riscv64-linux-gnu RUNTIME=nodejs
FROM base AS host-s390x
ENV DEBIAN=s390x CROSS=s390x-linux-gnu- COMPILER=gcc-s390x-linux-gnu RUNTIME=libstdc++6

# Where Node.js comes from.
FROM node:24-trixie-slim AS published
FROM published AS node-amd64
FROM published AS node-arm64
FROM published AS node-ppc64le
FROM scratch AS node-riscv64
FROM published AS node-s390x

FROM host-$TARGETARCH AS host
FROM node-$TARGETARCH AS node

# Recommended packages are installed too: they include the C library of the host, whose package has a different name
# for each.
FROM host AS compiler
RUN apt-get update -qq \
 && apt-get install -y -qq "$COMPILER" >/dev/null \
 && rm -rf /var/lib/apt/lists/*

FROM compiler AS native
# Record the packages of the libraries that become part of the programs, for the SBOM.
RUN for library in libc.a libgcc.a; do \
      file=$(realpath "$("${CROSS}gcc" -print-file-name="$library")") \
   && dpkg-query --search "$file" | cut -d: -f1 | xargs --no-run-if-empty dpkg-query --show --showformat \
      'Package: ${Package}\nVersion: ${Version}\nSource: ${source:Package} (${source:Version})\nArchitecture: ${Architecture}\n\n' \
   || exit; \
    done >/linked
COPY src/native src/native
RUN CC="${CROSS}gcc" src/native/build /out/usr/lib/binfmt \
 && mkdir -p /out/usr/bin \
 && ln /out/usr/lib/binfmt/binfmt /out/usr/bin \
 && mkdir -m 1777 /out/tmp \
 && mkdir /out/run

# The program is the same for every host.
FROM base AS program
COPY src src
ARG REVISION=dev
RUN npm run build:program && mkdir -p /out/usr/lib && mv dist /out/usr/lib/binfmt

# Node.js with a loader and libraries that only the program uses (src/native/main.c).
FROM native AS runtime
COPY qemu/apt qemu/fetch qemu/
RUN qemu/fetch --package "$RUNTIME" --with-dependencies --architecture "$DEBIAN" --suites 'trixie forky' /packages
COPY src/core src/core
COPY image image
RUN --mount=type=bind,from=node,target=/published \
    npx tsx image/runtime.ts --published /published --packages /packages --tools "$CROSS" --out /runtime --components /runtime.json

# The emulators as Debian's package has them.
FROM host AS emulators-debian
COPY qemu/apt qemu/fetch qemu/
ARG QEMU_VERSION=
RUN qemu/fetch --version "$QEMU_VERSION" --architecture "$DEBIAN" /package

# The emulators from source. It is the same source for every host.
FROM base AS source
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends dpkg-dev patch xz-utils >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY qemu/apt qemu/fetch-source qemu/
COPY qemu/patches qemu/patches
ARG QEMU_VERSION=
RUN qemu/fetch-source --version "$QEMU_VERSION" /qemu

# The newest version of each, for .ci/release.
FROM scratch AS versions
COPY --from=emulators-debian /package/control /debian
COPY --from=source /qemu/control /source

# GLib, and what it needs.
FROM host AS libraries
COPY qemu/apt qemu/fetch qemu/fetch-libraries qemu/
RUN qemu/fetch-libraries --architecture "$DEBIAN" /libraries

# A list of its own, so that a change in src or another word for the same set builds nothing again.
FROM host AS targets
COPY src/core src/core
COPY qemu/sets.ts qemu/sets.ts
ARG SET=image
RUN npx tsx qemu/sets.ts --set "$SET" --architecture "$DEBIAN" >/targets

FROM compiler AS emulators-source
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends \
      bison ccache dpkg-dev flex gcc libc6-dev libglib2.0-dev meson ninja-build pkg-config python3-pycotap python3-venv >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY qemu/build qemu/configure-options qemu/later-libc.c qemu/
# 1: compiles everything again, and does not take it from the cache (ccache reads it).
ARG CCACHE_RECACHE
RUN --mount=type=bind,from=source,source=/qemu,target=/qemu \
    --mount=type=bind,from=libraries,source=/libraries,target=/libraries \
    --mount=type=bind,from=targets,source=/targets,target=/targets \
    --mount=type=cache,target=/ccache \
    CCACHE_DIR=/ccache qemu/build --source /qemu --libraries /libraries --tools "$CROSS" --architecture "$DEBIAN" \
    --targets "$(cat /targets)" /package

FROM emulators-$EMULATORS AS packaged

FROM host AS collected
COPY src/core src/core
COPY image image
COPY qemu qemu
ARG SET=image
RUN --mount=type=bind,from=packaged,source=/package,target=/package \
    npx tsx qemu/collect.ts --package /package --set "$SET" --out /out --components /emulators.json

FROM base AS sbom
COPY image image
COPY --from=program /source/build/bundle.json build/
COPY --from=native /linked /
COPY --from=runtime /runtime.json /
COPY --from=collected /emulators.json /
ARG REVISION=dev
ARG TARGETPLATFORM
ARG SOURCE_DATE_EPOCH
RUN npx tsx image/sbom.ts --platform "$TARGETPLATFORM" --revision "$REVISION" --metafile build/bundle.json \
    --linked /linked --out /out /runtime.json /emulators.json

FROM scratch AS emulators
COPY --from=collected /out/usr/bin/ /

# Compiled in advance (src/start), the program starts in less time. This takes the Node.js of the host, which can run here only if
# the host has the architecture of this machine.
#
# Node.js, libraries, emulators and the program get a layer each (bench/size.ts knows their order). All files have the
# same date, so that a layer with the same contents is the same layer, and is not pulled again.
FROM base AS layers
ARG BUILDARCH
ARG TARGETARCH
RUN --mount=type=bind,from=runtime,source=/runtime,target=/parts/libraries \
    --mount=type=bind,from=collected,source=/out,target=/parts/emulators \
    --mount=type=bind,from=native,source=/out,target=/parts/native \
    --mount=type=bind,from=program,source=/out,target=/parts/program \
    --mount=type=bind,from=program,source=/source/build,target=/parts/build \
    --mount=type=bind,from=sbom,source=/out,target=/parts/sbom \
    mkdir -p /layers/node/usr/lib/binfmt /layers/program \
 && cp -a /parts/libraries /parts/emulators /layers \
 && mv /layers/libraries/usr/lib/binfmt/node /layers/node/usr/lib/binfmt \
 && cp -a /parts/native/. /parts/program/. /parts/sbom/. /layers/program \
 && if [ "$BUILDARCH" = "$TARGETARCH" ]; then \
      /parts/libraries/usr/lib/binfmt/ld.so --library-path /parts/libraries/usr/lib/binfmt \
      /parts/libraries/usr/lib/binfmt/node --jitless --hash-seed=1 --random-seed=1 \
      /parts/build/write-code-cache.cjs /layers/program/usr/lib/binfmt; \
    fi \
 && find /layers -exec touch --no-dereference --date=@0 {} +

FROM scratch AS image
COPY --from=layers /layers/node/ /
COPY --from=layers /layers/libraries/ /
COPY --from=layers /layers/emulators/ /
COPY --from=layers /layers/program/ /
ARG VERSION REVISION=dev
LABEL org.opencontainers.image.title="binfmt" \
      org.opencontainers.image.description="Runs programs and containers of other processor architectures" \
      org.opencontainers.image.licenses="MIT AND GPL-2.0-or-later" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
# The name by which doctor calls the image in the commands that it suggests.
ARG IMAGE=binfmt
ENV QEMU_BINARY_PATH=/usr/bin BINFMT_IMAGE=$IMAGE
ENTRYPOINT ["/usr/bin/binfmt"]
# Without a watcher the check passes too. It runs rarely, since each one starts Node.js, and often only at the start.
HEALTHCHECK --interval=2m --timeout=10s --start-period=1m --start-interval=2s CMD ["/usr/bin/binfmt", "healthcheck"]
