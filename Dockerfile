# The image: a stripped Node.js, one bundled program, a native launcher, and QEMU's emulators. No shell.
#
# Everything that only this image has (loader, libraries, node) lies in /usr/lib/binfmt, off the
# standard paths: a test program must not pass on what no other container has.

FROM node:24-trixie-slim AS base
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends binutils gcc libc6-dev >/dev/null \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY package.json package-lock.json .npmrc ./
RUN npm ci

FROM base AS validate
COPY . .
RUN npm run lint && npm run types

FROM base AS program
COPY src src
ARG REVISION=dev
RUN npm run build
RUN mkdir -p /out/usr/lib/binfmt /out/usr/bin /out/usr/share/doc/minimist \
 && cp dist/* /out/usr/lib/binfmt/ \
 && ln -s ../lib/binfmt/binfmt /out/usr/bin/binfmt \
 && cp node_modules/minimist/LICENSE /out/usr/share/doc/minimist/copyright \
 && mkdir -m 1777 /out/tmp \
 && mkdir /out/run

# Node.js with its own loader and libraries, as the program's alone (src/native/entry.c).
FROM base AS node
RUN mkdir -p /out/usr/lib/binfmt /out/usr/share/doc \
 && cp "$(command -v node)" /out/usr/lib/binfmt/node \
 && for file in $(ldd /out/usr/lib/binfmt/node | grep -oE '/[^ ]+'); do \
      case $file in *ld*.so.*) name=ld.so ;; *) name=${file##*/} ;; esac; \
      cp -L "$file" "/out/usr/lib/binfmt/$name"; \
    done \
 && strip /out/usr/lib/binfmt/node \
 && for package in libc6 libgcc-s1 libstdc++6; do \
      install -D -m 644 "/usr/share/doc/$package/copyright" "/out/usr/share/doc/$package/copyright"; \
    done \
 && if [ -e /usr/local/LICENSE ]; then install -D -m 644 /usr/local/LICENSE /out/usr/share/doc/node/copyright; fi

FROM debian:trixie-slim AS package
COPY qemu/fetch /fetch
ARG QEMU_VERSION=
RUN /fetch --version "$QEMU_VERSION" /package

FROM base AS collected
COPY src/core src/core
COPY qemu qemu
COPY --from=package /package /package
ARG SET=image
RUN npx tsx qemu/collect.ts --package /package --set "$SET" --out /out

FROM scratch AS emulators
COPY --from=collected /out/usr/bin/ /

FROM scratch AS image
COPY --from=node /out/ /
COPY --from=collected /out/ /
COPY --from=program /out/ /
ARG REVISION=dev
LABEL org.opencontainers.image.title="binfmt" \
      org.opencontainers.image.description="Runs programs and containers of other processor architectures" \
      org.opencontainers.image.licenses="MIT AND GPL-2.0-or-later" \
      org.opencontainers.image.version="$REVISION" \
      org.opencontainers.image.revision="$REVISION"
# What doctor's remedies call it by.
ARG IMAGE=binfmt
ENV QEMU_BINARY_PATH=/usr/bin BINFMT_IMAGE=$IMAGE
ENTRYPOINT ["/usr/bin/binfmt"]
# Passes also where nothing watches. Seldom, as each check starts Node.js; often only at the start.
HEALTHCHECK --interval=2m --timeout=10s --start-period=1m --start-interval=2s CMD ["/usr/bin/binfmt", "healthcheck"]
