/**
 * What `doctor --explain` answers, as text for people: the cause and what to type first, in a few lines; what doctor
 * sees on this machine only if that does not show the cause, or if the user asks for it; the public reports last.
 */
import { mergeAdvice } from '../../advice.js';
import type { Invocation } from '../../invocation.js';
import type { Problem } from '../../problem.js';
import { adviceFor, textOf } from '../../report/render.js';
import { printable, shortened } from '../../text.js';
import { groupByCause } from '../diagnose.js';
import { formatGroup, formatReport, labelled, paragraphsOf } from '../format.js';
import { addressOf } from '../known/index.js';
import type { DoctorReport } from '../report.js';
import { type Explanation, isCause } from './explain.js';
import { describeHere } from './explain-text.js';

/** Lines of an explanation, with its cause and what helps. */
const MOST_LINES = 8;
/** Letters of the line that is explained. */
const LONGEST_LINE = 90;

/** `verbose`: also everything that doctor sees. */
export function formatAnswer(
  explanations: readonly Explanation[],
  report: DoctorReport,
  invocation: Invocation,
  verbose: boolean,
): string {
  const found = explanations.some(({ standing }) => standing === 'shown' || standing === 'told');
  const parts = [
    ...explanations.map((each) => formatExplanation(each, invocation, verbose)),
    ...(found && !verbose ? otherGroups(explanations, invocation) : [formatReport(report, invocation, verbose)]),
    ...formatSources(explanations),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

/** The causes of a message that doctor finds here, those that share a paragraph together. */
const causesOf = ({ row, findings }: Explanation) => groupByCause(findings.filter(isCause(row)));

/** The first cause that doctor finds here, or what the row says. */
function formatExplanation(explanation: Explanation, invocation: Invocation, verbose: boolean): string {
  const { row, line } = explanation;
  const [group] = causesOf(explanation);
  const cause = group?.[0] ? textOf(group[0]).cause : row.cause;
  const advice = group ? mergeAdvice(group.flatMap((problem) => problem.advice)) : explanation.advice;
  const lines = [
    ...labelled('because', [`${cause}.`]),
    ...labelled('spoke', explanation.speaker ? [`${explanation.speaker}.`] : []),
    ...labelled('here', describeHere(explanation, group && titleOf(group))),
  ];
  const helps = adviceFor(advice, invocation).map((each) => paragraphsOf([each]));
  const room = verbose ? Number.POSITIVE_INFINITY : MOST_LINES - 1 - lines.length;
  const all = [`${shortened(line, LONGEST_LINE)}  [${row.id}]`, ...lines, ...linesThatFit(helps, room)];
  return all.map((each) => `${printable(each)}\n`).join('');
}

function titleOf(group: readonly Problem[]): string {
  const [first] = group as [Problem, ...Problem[]];
  return `${
    textOf(
      first,
      group.map(({ subject }) => subject),
    ).title
  } [${first.definition.id}]`;
}

/** The first one in any case. */
function linesThatFit(helps: readonly ReturnType<typeof paragraphsOf>[], room: number): string[] {
  let fitting: string[] = [];
  for (let count = 1; count <= helps.length; count++) {
    const lines = labelled('do', helps.slice(0, count).flat());
    if (count > 1 && lines.length > room) break;
    fitting = lines;
  }
  return fitting;
}

/** Further causes that doctor finds here. */
function otherGroups(explanations: readonly Explanation[], invocation: Invocation): string[] {
  const shown = new Set(
    explanations.flatMap((each) => causesOf(each)[0]?.map(({ definition }) => definition.id) ?? []),
  );
  const all = groupByCause(explanations.flatMap((each) => each.findings.filter(isCause(each.row))));
  return all
    .filter(([first]) => first && !shown.has(first.definition.id))
    .map((group) => formatGroup(group, invocation));
}

function formatSources(explanations: readonly Explanation[]): string[] {
  const sources = new Set(explanations.flatMap(({ row }) => row.sources.map(addressOf)));
  const lines = labelled('reports', [...sources]);
  return lines.length > 0 ? [lines.map((line) => `${line}\n`).join('')] : [];
}
