/** Doctor's answer as data (what --json prints) and as text. */
import { architectures } from '../architectures.js';
import { takesProgramsOf } from '../elf.js';
import type { Entry } from '../entry.js';
import { printable } from '../failure.js';
import { formatPlatform } from '../platform.js';
import { describeVerdict } from '../probe.js';
import type { Diagnosis } from './diagnose.js';
import { type Examination, type Patient, patientsOf } from './examination.js';

/** One platform: does it run, and through what? */
export interface PlatformLine {
  readonly platform: string;
  readonly runs: boolean;
  /** One line; null where it runs. */
  readonly why: string | null;
  /** null: the processor itself, or nothing. */
  readonly handler: string | null;
  readonly native: boolean;
  /** The interpreter's path; null where none is known. */
  readonly emulator: string | null;
  /** QEMU's, as it answers through the kernel; null where it does not. */
  readonly version: string | null;
  /** null where the file could not be seen. */
  readonly static: boolean | null;
  /** It is the one that this program ships. */
  readonly shipped: boolean | null;
  readonly flags: string | null;
}

/** One entry of binfmt_misc. */
export interface HandlerLine {
  readonly name: string;
  readonly enabled: boolean;
  readonly interpreter: string;
  readonly flags: string;
  /** Platforms whose programs its magic matches. */
  readonly matches: readonly string[];
  /** Those of which the kernel takes the programs to it, of the platforms that were asked for. */
  readonly takes: readonly string[];
}

export interface Chart {
  readonly platforms: readonly PlatformLine[];
  readonly handlers: readonly HandlerLine[];
  readonly findings: readonly Diagnosis[];
}

export function chartOf(examination: Examination, findings: readonly Diagnosis[]): Chart {
  const patients = patientsOf(examination);
  return {
    platforms: patients.map(lineOf),
    handlers: examination.entries.map((entry) => handlerOf(entry, patients)),
    findings,
  };
}

function lineOf({ name, runs, verdict, picked, probe, version, elf, interpreter }: Patient): PlatformLine {
  const failed = verdict.kind === 'runs' ? `runs up to v${verdict.level} only` : describeVerdict(verdict);
  return {
    platform: name,
    runs,
    why: runs ? null : failed,
    handler: picked?.name ?? null,
    native: verdict.kind === 'runs' && probe?.interpreter === undefined && picked === undefined,
    emulator: picked?.interpreter ?? probe?.interpreter ?? null,
    version: version ?? null,
    static: elf ? elf.loader === undefined : null,
    shipped: interpreter?.shipped ?? null,
    flags: picked?.flags ?? null,
  };
}

function handlerOf({ name, enabled, interpreter, flags, ...entry }: Entry, patients: readonly Patient[]): HandlerLine {
  const matched = architectures.filter((row) => takesProgramsOf(row, entry));
  return {
    ...{ name, enabled, interpreter, flags },
    matches: matched.map((row) => formatPlatform(row)),
    takes: patients.filter(({ picked }) => picked?.name === name).map((patient) => patient.name),
  };
}

/** `verbose`: also the handlers. */
export function formatChart(chart: Chart, verbose: boolean): string {
  const parts = [
    ...(chart.platforms.length > 0 ? [formatPlatforms(chart)] : []),
    ...(verbose && chart.handlers.length > 0 ? [formatHandlers(chart)] : []),
    ...groupsOf(chart.findings).map(formatGroup),
  ];
  return parts.join('\n').split('\n').map(printable).join('\n');
}

function formatPlatforms({ platforms, handlers }: Chart): string {
  const lines = platforms.flatMap((line) => {
    const { platform, runs, handler, native, flags } = line;
    const others = handlers.filter(
      ({ name, matches: matched }) => name !== handler && matched.includes(plain(platform)),
    );
    return [
      [
        platform,
        runs ? 'yes' : 'NO',
        handler ?? '-',
        native ? 'none: the processor runs it' : emulatorOf(line),
        flags ?? '',
      ],
      ...others.map(({ name, enabled, interpreter, flags }) => {
        return [
          '',
          '',
          name,
          `${interpreter} (${enabled ? `not taken${handler === null ? '' : ': it is older'}` : 'disabled'})`,
          flags,
        ];
      }),
    ];
  });
  return table([['PLATFORM', 'RUNS', 'HANDLER', 'EMULATOR', 'FLAGS'], ...lines]);
}

/** Without the variant. */
function plain(platform: string): string {
  return platform.split('/').slice(0, 2).join('/');
}

function emulatorOf({ emulator, version, static: isStatic, shipped }: PlatformLine): string {
  if (emulator === null) return '-';
  const whose = shipped ? "this program's" : emulator;
  const name = version === null ? emulator : `QEMU ${version} (${whose})`;
  return isStatic === false ? `${name}, dynamic` : name;
}

function formatHandlers({ handlers }: Chart): string {
  const lines = handlers.map(({ name, enabled, interpreter, flags, matches: matched, takes }) => {
    const what = matched.map((each) => (takes.some((taken) => plain(taken) === each) ? `${each} (takes it)` : each));
    return [name, enabled ? 'enabled' : 'disabled', interpreter, flags, what.join(', ') || 'no platform of the table'];
  });
  return table([['HANDLER', 'STATE', 'EMULATOR', 'FLAGS', 'MATCHES'], ...lines]);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** What one check found of several platforms for the same reason is told once. */
function groupsOf(findings: readonly Diagnosis[]): Diagnosis[][] {
  const groups = new Map<string, Diagnosis[]>();
  for (const finding of findings) {
    // But for the names of platform, entry, file and version.
    const reason = finding.because.replaceAll(/\S*(linux\/|qemu-|\/)\S*|\d+(\.\d+)+/g, '…');
    const key = `${finding.severity} ${finding.check} ${reason}`;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()];
}

const INDENT = '  ';
const LABEL = 11;
const WIDTH = 110;

function formatGroup(group: readonly Diagnosis[]): string {
  const [finding, ...others] = group as [Diagnosis, ...Diagnosis[]];
  const { severity, check, title, see, because, evidence, remedies } = finding;
  const also = others.map(({ subject }) => subject).join(', ');
  const lines = [
    ...(also ? labelled('also', [`the same of ${also}`]) : []),
    ...(see ? labelled('you see', [see]) : []),
    ...labelled('because', [because]),
    ...labelled('evidence', evidence),
    ...labelled(
      'do',
      remedies
        .flatMap(({ when }, i) => ({ when, command: commandFor(group, i) }))
        .flatMap(({ when, command }) => [
          ...(when ? [command ? `${when}:` : when] : []),
          ...(command ? [{ command }] : []),
        ]),
    ),
  ];
  return `${severity === 'problem' ? '' : `${severity}: `}${title}  [${check}]\n${lines.map((line) => `${line}\n`).join('')}`;
}

/** One command for all of them, where they differ in the platform or entry only: lists have commas. */
function commandFor(group: readonly Diagnosis[], index: number): string | undefined {
  const commands = group.map(({ remedies }) => remedies[index]?.command ?? '');
  const operand = /(--(?:un)?install|export systemd) (\S+)/;
  const [first = ''] = commands;
  const names = commands.map((command) => operand.exec(command)?.[2] ?? '');
  const common = new Set(commands.map((command) => command.replace(operand, '$1 …')));
  if (first === '' || common.size > 1 || names.includes('')) return first || undefined;
  return first.replace(operand, `$1 ${[...new Set(names)].join(',')}`);
}

/** Words are wrapped; a command never is, so that it can be pasted. */
function labelled(label: string, paragraphs: readonly (string | { readonly command: string })[]): string[] {
  const room = WIDTH - INDENT.length - LABEL;
  const lines = paragraphs.flatMap((each) => (typeof each === 'string' ? wrapped(each, room) : [each.command]));
  return lines.map((line, i) => `${INDENT}${(i === 0 ? label : '').padEnd(LABEL)}${line}`);
}

function wrapped(text: string, room: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
