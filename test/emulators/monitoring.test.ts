/** What deploy/kubernetes/monitoring asks Prometheus: of metrics that exist, in a language that Prometheus understands. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import parsePrometheus from 'parse-prometheus-text-format';
import { NO_REQUESTS } from '../../src/core/cluster/api-answer.js';
import { parseSelection } from '../../src/core/install/selection.js';
import { formatMetrics } from '../../src/core/watch/metrics.js';
import { initialState } from '../../src/core/watch/watch-state.js';
import { must, ROOT, run } from '../support/program.js';
import { scratch } from '../support/scratch.js';

const folder = path.join(ROOT, 'deploy/kubernetes/monitoring');
const read = (name: string) => fs.readFileSync(path.join(folder, name), 'utf8');

/** Each metric of the program, with its labels. */
const metrics = new Map(
  parsePrometheus(
    formatMetrics({
      ...{
        running: new Map([['arm64', true]]),
        unknown: 0,
        taken: 0,
        lastProbe: 1,
        ready: true,
        apiRequests: NO_REQUESTS,
      },
      restores: initialState(parseSelection([]), 0).restores,
      build: { version: '1', revision: 'r', node: '1' },
    }),
  ).map(({ name, metrics: [sample] }) => [name, Object.keys(sample?.labels ?? {})]),
);

/** The rules as Prometheus reads them. */
const rules = (read('rules.yaml').split('\nspec:\n')[1] ?? '').replace(/^ {2}/gm, '');
const alertExpressions = [...rules.matchAll(/^ +expr: (.*)$/gm)].map(([, expression = '']) => expression);
const dashboard = JSON.parse(read('dashboard.json')) as { panels: { title: string; targets: { expr: string }[] }[] };
const panelExpressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

describe('alerts and dashboard', () => {
  for (const expression of [...alertExpressions, ...panelExpressions]) {
    it(`ask for metrics and labels that exist in ${expression}`, () => {
      const used = [...expression.matchAll(/\bbinfmt_\w+/g)].map(([name]) => name);
      for (const name of used) expect([...metrics.keys()]).to.include(name);
      const labels = [...expression.matchAll(/(?:by \(([^)]*)\)|\{(\w+)=)/g)].flatMap(([, list = '', one = '']) =>
        [...list.split(', '), one].filter((each) => each !== ''),
      );
      const known = ['instance', 'job', ...used.flatMap((name) => metrics.get(name) ?? [])];
      for (const label of labels) expect(known).to.include(label);
    });
  }

  it('show every metric', () => {
    const shown = panelExpressions.join('\n');
    for (const name of metrics.keys()) expect(shown).to.contain(name);
  });

  it('are understood by Prometheus, and alerts come when they should', () => {
    const dir = scratch();
    const within = (name: string) => path.join(dir, name);
    const recorded = panelExpressions.map((expr, i) => `  - { record: "panel${i}", expr: ${JSON.stringify(expr)} }\n`);
    fs.writeFileSync(within('rules.yaml'), rules);
    fs.writeFileSync(within('panels.yaml'), `groups:\n- name: panels\n  rules:\n${recorded.join('')}`);
    fs.copyFileSync(path.join(import.meta.dirname, 'alerts.yaml'), within('alerts.yaml'));
    const unpacked = path.join(ROOT, 'build/promtool');
    must(path.join(ROOT, 'qemu/fetch'), ['--package', 'promtool', '--suites', 'trixie', unpacked]);
    const promtool = (...args: string[]) => run(path.join(unpacked, 'usr/bin/promtool'), args);
    const checked = promtool('check', 'rules', within('rules.yaml'), within('panels.yaml'));
    expect(checked.stdout).to.contain(`SUCCESS: ${alertExpressions.length} rules found`);
    expect(checked.stdout).to.contain(`SUCCESS: ${panelExpressions.length} rules found`);
    expect(checked.exit, checked.stderr).to.equal(0);
    const tested = promtool('test', 'rules', within('alerts.yaml'));
    expect(tested.exit, tested.stdout + tested.stderr).to.equal(0);
  });
});
