/** Commands of a shell on a virtual machine, and what its console shows of them. */

/** How a command ended. */
export interface Done {
  readonly exit: number;
  /** Both streams. */
  readonly output: string;
}

/** A script of named commands, which prints what `resultsOf` reads. Each finds the exit status of the one before in `$?`. */
export function scriptOf(commands: Readonly<Record<string, string>>): string {
  return Object.entries(commands)
    .map(
      ([name, command]) =>
        `echo "== ${name}"\n(exit \${status-0})\n{\n${command}\n}\nstatus=$?; echo "== exit $status"\n`,
    )
    .join('');
}

/** What each named command printed on a console, and its exit status, without the kernel's own messages. */
export function resultsOf<Name extends string>(names: readonly Name[], console: string): Record<Name, Done> {
  // The kernel's labels end with a null byte.
  const lines = console
    .replaceAll('\0', '\n')
    .split(/\r?\n/)
    .filter((line) => !/^\[ *\d+\.\d+\] /.test(line));
  return Object.fromEntries(
    names.map((name) => {
      const [, after = ''] = lines.join('\n').split(`== ${name}\n`);
      const [output = '', exit] = after.split(/== exit (\d+)/);
      if (exit === undefined)
        throw new Error(`the machine did not come as far as "${name}":\n${lines.slice(-40).join('\n')}`);
      return [name, { exit: Number(exit), output }];
    }),
  ) as Record<Name, Done>;
}
