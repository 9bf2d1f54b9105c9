/** What is typed on the machine, as commands of a shell. Each foreign platform has an image there, `busybox:NAME`. */
export const misc = '/proc/sys/fs/binfmt_misc';

/** Prints a program's processor, as foreign containers see it. */
export const inContainer = (name: string) => `docker run --rm --platform linux/${name} busybox:${name} uname -m`;

/** The same without Docker: a root directory that has only the program. */
export const inEmptyRoot = (name: string) => `chroot root/${name} /busybox uname -m`;

/** The same on the host. */
export const onHost = (name: string) => `root/${name}/busybox uname -m`;

export const doctor = (platform: string) => `docker run --privileged --rm binfmt doctor ${platform}`;

/** A foreign service that is to run after each boot. It writes a line each time that it has started. */
export const startService = (name: string) =>
  `docker run --detach --restart always --platform linux/${name} --name ${name} --volume /srv/${name}:/log busybox:${name} \
    sh -c 'echo started >>/log/starts; trap exit TERM; while :; do busybox sleep 1; done'`;
export const inService = (name: string) => `docker exec ${name} uname -m`;
/** How often Docker has started it again since boot, what it said, and how often it has started in its life. */
export const historyOf = (name: string) =>
  `docker inspect --format '{{.State.Status}}, restarted {{.RestartCount}} times' ${name}
  docker logs --since "$(awk '/^btime/ { print $2 }' /proc/stat)" ${name}
  echo "starts: $(wc -l </srv/${name}/starts)"`;

/** Is the watcher ready? */
export const READY = 'docker exec binfmt /usr/bin/binfmt healthcheck --strict';

/** Tries a command until it succeeds, for five minutes at most. Prints what it said at last, and the age of the machine. */
export const waitUntil = (command: string) =>
  `for try in $(seq 300); do said=$(${command} 2>&1) && break; sleep 1; done; echo "$said"; cut -d. -f1 /proc/uptime
  ${command} >/dev/null`;

/** Keeps what a command says in a file too, and its exit status. */
export const into = (file: string, command: string) =>
  `${command} >${file} 2>&1; status=$?; cat ${file}; (exit $status)`;

/** Types a command of that file exactly as it was printed, below `do` or after `next:`. */
export const typeAsPrinted = (file: string, command: string) =>
  `typed=$(sed -n -E 's/^ *(do +|next: )?(${command}.*)/\\2/p' ${file} | head -n 1); echo "# $typed"; eval "$typed"`;
