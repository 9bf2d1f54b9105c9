# A Debian with podman, buildah and a Docker Engine, and users with and without subordinate ids. The program is that of the image under test.
FROM binfmt-test AS program

FROM debian:trixie-slim
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    podman catatonit buildah crun uidmap slirp4netns passt docker.io docker-cli rootlesskit iptables nftables sudo systemd >/dev/null \
 && rm -rf /var/lib/apt/lists/* \
 && for user in alice:61000 bob:61001 carol:61002; do useradd --create-home --uid "${user#*:}" "${user%:*}"; done \
 && printf '%s\n' alice:100000:65536 bob:165536:65536 | tee /etc/subuid >/etc/subgid
# A container has no systemd to make cgroups and /run/user; some machines allow no raising of limits.
RUN printf '%s\n' '[containers]' 'default_ulimits=[]' 'cgroups="disabled"' '[engine]' 'cgroup_manager="cgroupfs"' 'events_logger="file"' \
    >/etc/containers/containers.conf \
 && printf '%s\n' '[storage]' 'driver="vfs"' 'runroot="/run/containers/storage"' 'graphroot="/var/lib/containers/storage"' >/etc/containers/storage.conf \
 && for user in alice bob carol; do install -d -o $user -m 700 /run/user/$(id -u $user); done
COPY --from=program /usr/lib/binfmt /usr/lib/binfmt
COPY --from=program /usr/bin/binfmt /usr/bin/binfmt
COPY --from=program /usr/bin/qemu-* /opt/binfmt/
