# shellcheck shell=bash
# What tests change on the host, and how that is undone. Sourced by test/run.

binfmt_misc=/proc/sys/fs/binfmt_misc
label=binfmt.test # test/support/docker.ts gives it to containers and networks

# with_entries COMMAND...: runs it where the host's entries can be seen, mounted or not.
with_entries() {
  # shellcheck disable=SC2016
  unshare --mount --propagation private bash -euc \
    '[ -e "$1/register" ] || mount -t binfmt_misc none "$1"; exec "${@:2}"' bash "$binfmt_misc" "$@"
}
host_entries() { with_entries find "$binfmt_misc" -mindepth 1 -not -name register -not -name status -printf '%f\n' | sort; }
host_mounts() { grep -c " $binfmt_misc binfmt_misc " /proc/mounts || true; }

remember_host() {
  entries_before=$(host_entries)
  mounts_before=$(host_mounts)
  propagation_before=$(findmnt --noheadings --first-only --output PROPAGATION /)
}

# Containers of the tests, also those that an earlier run has left: a watcher would keep its entries alive.
remove_containers() {
  docker ps --all --quiet --filter "label=$label" | xargs --no-run-if-empty docker rm --force --volumes >/dev/null
  docker network ls --quiet --filter "label=$label" | xargs --no-run-if-empty docker network rm >/dev/null
}

restore_host() {
  local added
  remove_containers || echo 'test/run: containers of the tests may be left' >&2
  [ "$propagation_before" = shared ] || mount --make-rprivate / || true
  added=$(comm -13 <(echo "$entries_before") <(host_entries))
  if [ -n "$added" ]; then
    echo "test/run: removes what the tests left registered: ${added//$'\n'/ }" >&2
    # shellcheck disable=SC2016
    with_entries bash -c 'cd "$1" && while read -r entry; do echo -1 >"$entry"; done' bash "$binfmt_misc" <<<"$added"
  fi
  while [ "$(host_mounts)" -gt "$mounts_before" ]; do umount "$binfmt_misc"; done
}
