/**
 * Which machines are tested: a few by default, all with BINFMT_TEST_MACHINES=all. A list of words takes those whose names have
 * one of them: BINFMT_TEST_MACHINES=riscv64,bookworm.
 */
const words = (process.env['BINFMT_TEST_MACHINES'] ?? '').split(',').filter((word) => word !== '');

const matched = new Set<string>(['all']);

export function chosen(name: string, byDefault: boolean): boolean {
  if (words.length === 0) return byDefault;
  const matching = words.filter((word) => word === 'all' || name.includes(word));
  for (const word of matching) matched.add(word);
  return matching.length > 0;
}

after(() => {
  const wrong = words.filter((word) => !matched.has(word));
  if (wrong.length > 0) throw new Error(`BINFMT_TEST_MACHINES: no machine has "${wrong.join('", "')}" in its name`);
});
