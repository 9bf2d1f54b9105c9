import { expect } from 'chai';
import { parseControl } from '../../image/packages.js';

describe('control fields of packages', () => {
  const required = 'Package: x\nVersion: 1-2+b1\nArchitecture: all\n';

  it("give the source's name and version, which default to the package's", () => {
    const sourceOf = (line: string) => parseControl(`${required}${line}`).source;
    expect(sourceOf('')).to.deep.equal({ name: 'x', version: '1-2+b1' });
    expect(sourceOf('Source: y')).to.deep.equal({ name: 'y', version: '1-2+b1' });
    expect(sourceOf('Source: y (1-2)')).to.deep.equal({ name: 'y', version: '1-2' });
  });

  it('give the sources that are linked in', () => {
    const builtUsing = 'Built-Using: glibc (= 2.41-12), zlib (= 1:1.3)\nStatic-Built-Using: a (= 1)\n';
    expect(parseControl(`${required}${builtUsing}`).builtUsing).to.deep.equal([
      { name: 'glibc', version: '2.41-12' },
      { name: 'zlib', version: '1:1.3' },
      { name: 'a', version: '1' },
    ]);
  });

  it('say which patches a package has that was built from source', () => {
    expect(parseControl(`${required}Patches: a b\n`).patches).to.deep.equal(['a', 'b']);
    expect(parseControl(`${required}Patches:\n`).patches).to.deep.equal([]);
    expect(parseControl(required).patches).to.equal(undefined);
  });

  it('are refused if a required one is missing', () => {
    expect(() => parseControl('Package: x\n')).to.throw('"Version"');
  });
});
