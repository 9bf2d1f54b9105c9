#!/usr/bin/env bash
# Two emulators whose entries look the same: what /proc says, and what doctor says. Prints commands and their output.
# Needs the program (npm run build), and Linux 6.7 or later with user namespaces. Changes nothing on the machine.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1-}" != inside ]; then
  qemu/fetch build/qemu >&2
  qemu/fetch --package qemu-user --suites bookworm build/qemu-debian12 >&2
  exec unshare --user --map-root-user --mount --pid --fork --mount-proc "$0" inside
fi

binfmt_misc=/proc/sys/fs/binfmt_misc
name=qemu-aarch64
mount -t binfmt_misc binfmt_misc "$binfmt_misc"
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work
mount -t overlay overlay -o lowerdir=/usr/bin,upperdir=/mnt/upper,workdir=/mnt/work /usr/bin
# As in the image, where the static emulator is in /usr/bin.
binfmt() {
  # shellcheck disable=SC2016 # The inner shell expands it.
  BINFMT_IMAGE=binfmt unshare --mount sh -c 'mount --bind "$0" "$1" && shift && exec dist/binfmt "$@"' \
    "build/qemu/usr/bin/$name" "/usr/bin/$name" "$@"
}
show() { # COMMAND
  echo "\$ $1"
  eval "$1" || true
}
# The emulator lies at the same path both times. The kernel keeps the file open that was there when it was registered.
place() { # DIRECTORY
  cp "$1/usr/bin/$name" "/usr/bin/$name.new"
  mv "/usr/bin/$name.new" "/usr/bin/$name"
}
register() {
  [ ! -e "$binfmt_misc/$name" ] || echo -1 >"$binfmt_misc/$name"
  sed -e "s,:[^:]*:[A-Z]*\$,:/usr/bin/$name:POCF," "build/qemu/usr/share/qemu/binfmt.d/$name.conf" >"$binfmt_misc/register"
}

echo '# registered by the image, whose emulator is statically linked'
place build/qemu
register
place build/qemu-debian12
show "cat $binfmt_misc/$name"
show 'binfmt doctor'
echo
echo "# registered by systemd-binfmt: a dynamically linked emulator, with the same entry"
register
show "cat $binfmt_misc/$name"
show 'binfmt doctor'
