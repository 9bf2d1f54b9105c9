import { expect } from 'chai';
import { categoriesOf, isLabel, withoutCategories } from '../../src/core/binfmt/selinux-label.js';

describe('labels of SELinux', () => {
  const labels: readonly [label: string | undefined, categories: string | undefined, withoutThem: string][] = [
    ['system_u:object_r:container_file_t:s0:c1022,c1023', 'c1022,c1023', 'system_u:object_r:container_file_t:s0'],
    ['system_u:object_r:container_file_t:s0:c0.c3', 'c0.c3', 'system_u:object_r:container_file_t:s0'],
    ['system_u:object_r:container_ro_file_t:s0', undefined, 'system_u:object_r:container_ro_file_t:s0'],
    // Of a range, the lower level counts for files.
    ['unconfined_u:object_r:user_home_t:s0-s0:c0.c1023', undefined, 'unconfined_u:object_r:user_home_t:s0'],
    ['system_u:object_r:my-file_t:s0:c1,c2', 'c1,c2', 'system_u:object_r:my-file_t:s0'],
    // A policy without levels.
    ['system_u:object_r:bin_t', undefined, 'system_u:object_r:bin_t'],
    ['', undefined, ''],
    [undefined, undefined, ''],
  ];
  for (const [label, categories, without] of labels) {
    it(`${label}: has ${categories ? `the categories ${categories}` : 'no categories'}`, () => {
      expect(categoriesOf(label)).to.equal(categories);
      expect(withoutCategories(label ?? '')).to.equal(without);
    });
  }

  it('are told from profiles of AppArmor', () => {
    expect(isLabel('system_u:system_r:spc_t:s0\0')).to.equal(true);
    expect(isLabel('unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023')).to.equal(true);
    for (const text of [
      '',
      'unconfined\n',
      'docker-default (enforce)\n',
      'kernel\0',
      ':lxd-box:unconfined (unconfined)\n',
    ]) {
      expect(isLabel(text), text).to.equal(false);
    }
  });
});
