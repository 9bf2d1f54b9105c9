# shellcheck shell=bash
# shellcheck disable=SC2154 # logs, label and swarm are those of test/run and host.sh.
# What kinds of tests need, and how a run gets it. Sourced by test/run.

host=       # yes: the state of the host was remembered, and is restored
cluster=    # yes: the cluster was started, and is stopped
ended_pods= # the process that removes pods that have ended
unprepared= # why the program or the emulators could not be had

# why_not KIND: why this machine cannot run it; nothing if it can
why_not() {
  case $1 in container | engines | limits | kubernetes | hosts | typed | machines | confinement | story | guests) ;; *) return ;; esac
  local answer entries
  if ! answer=$(docker info 2>&1 >/dev/null); then
    echo "no Docker Engine answers: ${answer%%$'\n'*}"
    return
  fi
  case $1 in container | engines | limits | kubernetes | hosts | typed) ;; *) return ;; esac
  if [ "$(id -u)" != 0 ]; then echo 'only root may mount binfmt_misc on the host'
  elif [ -n "${BINFMT_TEST_REFUSED-}" ]; then echo 'BINFMT_TEST_REFUSED is for kinds without containers'
  elif [ -z "$host" ] && [ -z "${BINFMT_TEST_REMOVE-}" ] && entries=$(host_entries | grep '^qemu-'); then
    echo "the tests would remove what is registered here: ${entries//$'\n'/ } (BINFMT_TEST_REMOVE=1 allows it)"
  fi
}

# may_use_host KIND: only one run at a time uses the host's binfmt_misc.
may_use_host() {
  [ -z "$host" ] || return 0
  if ! { exec 9>/run/binfmt-test.lock && flock --nonblock 9; }; then
    skip "$1" 'another run of these tests uses the host'
    return 1
  fi
  remove_containers
  remember_host
  host=yes
}

version() { sed -n 's/^Version: [0-9]*:\([0-9.]*\).*/\1/p' "$1/control"; }
# Emulators, and older ones for upgrades: those of trixie itself where backports cannot be used.
fetch_emulators() {
  qemu/fetch build/qemu
  qemu/fetch --suites trixie build/qemu-older && [ "$(version build/qemu-older)" != "$(version build/qemu)" ] && return
  rm -rf build/qemu-older
  qemu/fetch --package qemu-user-static --suites bookworm build/qemu-older
}
# Root directories of hosts (test/support/debian-root.ts).
fetch_roots() { node_modules/.bin/tsx test/support/debian-root.ts; }
build_program() {
  npm run --silent build
  node_modules/.bin/tsx test/support/refused.ts dist/probes
}
export -f version fetch_emulators fetch_roots build_program

set_up=(emulators roots program)
tasks_of_set_up() {
  printf 'set-up/emulators\tset -e; fetch_emulators\n'
  printf 'set-up/roots\tfetch_roots\n'
  printf 'set-up/program\tset -e; build_program\n'
}
# Whether all of that was had.
prepared() {
  local each
  for each in "${set_up[@]}"; do
    grep -qx "had set-up/$each" "$BINFMT_TEST_RESULTS" && continue
    # shellcheck disable=SC2034 # test/run prints it.
    unprepared="$each could not be had; the end of $logs/set-up-$each.log:"$'\n'"$(tail -n 15 "$logs/set-up-$each.log" | sed 's/^/    /')"
    return 1
  done
}

# built LOG COMMAND...: builds an image. The engine sometimes removes a layer just before it needs it (moby/buildkit#6521). Then
# the second try succeeds.
built() {
  logged "$@" && return
  grep -q 'parent snapshot .* does not exist' "$logs/$1.log" || return
  result "the engine had lost a layer of an image ($1), and built it again"
  logged "$@"
}
# from_source LOG COMMAND...: builds an image with emulators from source, or with Debian's if the mirror has no source.
from_source() {
  local missing
  EMULATORS=source built "$@" && return
  missing=$(grep -o -m 1 "[^ ]*: the .* EMULATORS=debian takes Debian's emulators" "$logs/$1.log") || return
  result "instead of emulators from source, the test ($1) has Debian's: $missing"
  EMULATORS=debian built "$@"
}
# The image under test, with Debian's emulators, which take a minute; source_image takes ten the first time.
image() { IMAGE=binfmt-test EMULATORS=debian built image docker buildx bake --progress=plain image; }
source_image() { IMAGE=binfmt-test from_source image docker buildx bake --progress=plain image; }
# With Debian's emulators for all architectures.
full_image() { IMAGE=binfmt-test EMULATORS=debian built images docker buildx bake --progress=plain image-full; }
images_of_all_hosts() { IMAGE=binfmt-test-all EMULATORS=debian built images-all docker buildx bake --progress=plain image-all; }

cluster() { KUBECONFIG=$BINFMT_TEST_KUBECONFIG kubectl "$@"; }
cluster_answers() { [ -n "${BINFMT_TEST_KUBECONFIG-}" ] && cluster get --raw /readyz >/dev/null 2>&1; }

# start_cluster RUNTIME: a cluster that the tests may change, whose kubelet has this runtime. If it fails, $why says why.
start_cluster() {
  step "set-up: cluster on $1"
  cluster=yes
  # It would keep the temporary directory of this run, which is soon gone.
  logged "cluster-$1" env --unset TMPDIR bash -c "$BINFMT_TEST_KUBERNETES $1"
}
# Why there is no cluster, and none can be started; nothing if there is one.
why_no_cluster() {
  if cluster_answers; then return
  elif [ -z "${BINFMT_TEST_KUBECONFIG-}" ]; then
    echo 'BINFMT_TEST_KUBECONFIG names no cluster that the tests may change'
  elif [ -z "${BINFMT_TEST_KUBERNETES-}" ]; then
    echo "the cluster of $BINFMT_TEST_KUBECONFIG does not answer, and BINFMT_TEST_KUBERNETES names no command that starts one"
  fi
}

# A kubelet may remove a pod from the API server a minute after its containers have ended: that of Kubernetes 1.20.2 waits for its next
# collection of garbage. Those of the tests are removed for it.
remove_ended_pods() {
  local columns='custom-columns=:.metadata.namespace,:.metadata.name,:.metadata.deletionTimestamp,:.status.containerStatuses[*].state.running'
  local namespace name deleted running removed=
  while read -r namespace name deleted running; do
    # Pods of other architectures have no such delay: they are deleted when they have ended.
    [[ $namespace = binfmt* && $namespace != *-guests && $deleted != '<none>' && $running = '<none>' && $name != "$removed" ]] || continue
    removed=$name
    cluster delete pod --namespace "$namespace" "$name" --force --grace-period=0 --wait=false || true
  done < <(cluster get pods --all-namespaces --watch --no-headers --output "$columns")
}
export -f cluster remove_ended_pods

# Stops it if this run has started it; else removes what tests have left in it. The same for a Swarm.
leave_cluster() {
  [ -z "$ended_pods" ] || kill -- "-$ended_pods" 2>/dev/null || true
  ended_pods=
  [ "$swarm" != inactive ] || docker swarm leave --force >/dev/null 2>&1 || true
  swarm=
  if [ -n "$cluster" ]; then
    cluster=
    bash -c "$BINFMT_TEST_KUBERNETES --stop" >/dev/null
  elif cluster_answers; then
    cluster delete namespace --selector "$label" >/dev/null
  fi
}

# Kinds or tests that were skipped for one reason become one line.
join_skipped() {
  awk -F '\t' '/^skipped .*\t/ { sub(/^skipped /, "", $1)
      if ($2 in count) what[$2] = what[$2] ", " $1; else { what[$2] = $1; reasons[n++] = $2 }
      count[$2]++; if ($1 ~ / /) tests[$2] = 1; why = $2; next }
    /^ / && why { if (count[why] == 1) more[why] = more[why] "\n" $0; next }
    { why = ""; print }
    END { for (i = 0; i < n; i++) { why = reasons[i]
      print "skipped " (tests[why] && count[why] > 1 ? count[why] " tests" : what[why]) ": " why more[why] } }'
}
