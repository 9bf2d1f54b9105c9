/**
 * Draws docs/images/doctor.svg from what the commands of docs/screenshot.sh really print: `npm run screenshot`. Reads their
 * output from standard input.
 */
import fs from 'node:fs';
import path from 'node:path';

const CHARACTER = 8.43; // The width of one in pixels, at a font size of 14.
const LINE = 19;
const MARGIN = 18;
const COLUMNS = 112;

const colours: readonly (readonly [RegExp, string])[] = [
  [/^\$ .*/, '#ffffff'],
  [/^# .*/, '#8b949e'],
  [/\bNO\b/, '#ff7b72'],
  [/\byes\b/, '#7ee787'],
  [/\[[\w-]+\]$/, '#ff7b72'],
  [/^ {2}(you see|because|evidence|do)\b/, '#79c0ff'],
];

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** One line of text: its first match of each pattern has the colour. */
function line(text: string, index: number): string {
  const found = colours.flatMap(([pattern, colour]) => {
    const match = pattern.exec(text);
    return match ? [{ from: match.index, to: match.index + match[0].length, colour }] : [];
  });
  const spans = found.sort((one, other) => one.from - other.from);
  let at = 0;
  let content = '';
  for (const { from, to, colour } of spans) {
    if (from < at) continue;
    content += `${escaped(text.slice(at, from))}<tspan fill="${colour}">${escaped(text.slice(from, to))}</tspan>`;
    at = to;
  }
  content += escaped(text.slice(at));
  return `<text x="${MARGIN}" y="${MARGIN + LINE * (index + 0.75)}" xml:space="preserve">${content}</text>`;
}

const lines = fs.readFileSync(0, 'utf8').trimEnd().split('\n');
const tooLong = lines.find((each) => each.length > COLUMNS);
if (tooLong !== undefined) throw new Error(`longer than ${COLUMNS} characters: ${tooLong}`);
const width = Math.ceil(2 * MARGIN + CHARACTER * Math.max(...lines.map((each) => each.length)));
const height = 2 * MARGIN + LINE * lines.length;
fs.writeFileSync(
  path.join(import.meta.dirname, 'images/doctor.svg'),
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, monospace" font-size="14" fill="#c9d1d9">
${lines.map(line).join('\n')}
</g>
</svg>
`,
);
