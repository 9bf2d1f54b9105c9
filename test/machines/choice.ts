/**
 * Which machines are tested: a few by default, all with BINFMT_TEST_MACHINES=all. A list of words takes those whose names have
 * one of them: BINFMT_TEST_MACHINES=riscv64,bookworm.
 */
const words = (process.env['BINFMT_TEST_MACHINES'] ?? '').split(',').filter((word) => word !== '');

export function chosen(name: string, byDefault: boolean): boolean {
  if (words.length === 0) return byDefault;
  return words.some((word) => word === 'all' || name.includes(word));
}
