import { expect } from 'chai';
import { matches, parseEntry, registerLine, sameFlags } from '../../src/core/binfmt/entry.js';

const text = `enabled
interpreter /usr/bin/qemu-aarch64
flags: POCF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
`;

describe('entries', () => {
  it("are parsed from the kernel's text", () => {
    expect(parseEntry('qemu-aarch64', text)).to.deep.equal({
      name: 'qemu-aarch64',
      enabled: true,
      interpreter: '/usr/bin/qemu-aarch64',
      flags: 'POCF',
      offset: 0,
      magic: '7f454c460201010000000000000000000200b700',
      mask: 'ffffffffffffff00fffffffffffffffffeffffff',
      extension: undefined,
      handler: undefined,
    });
  });

  it('of Linux 7.3 may have new flags', () => {
    // What Linux 7.3.4 shows for `:t:E::foo::/bin/x:TF` and `:l:E::bar::/bin/x:LF`.
    const transparent = parseEntry('t', 'enabled\ninterpreter /bin/x\nflags: OFT\nextension .foo\n');
    expect(transparent).to.include({ flags: 'OFT', extension: 'foo' });
    expect(parseEntry('l', 'enabled\ninterpreter /bin/x\nflags: FL\nextension .bar\n')).to.include({ flags: 'FL' });
  });

  it('of Linux 7.3 may leave it to a BPF program which programs they take', () => {
    // From reports: no kernel of Debian has them.
    const text = 'enabled\nbpf chooser\nbpf-interpreter arm /usr/bin/qemu-arm\nflags: F\n';
    const entry = parseEntry('b', text);
    expect(entry).to.include({ enabled: true, handler: 'chooser', interpreter: '', flags: 'F', magic: '' });
    expect(matches(entry, Uint8Array.of(0x7f, 0x45))).to.equal(false);
  });

  it('may be disabled, without flags, without a mask, by extension, and of a later kernel', () => {
    const disabled = parseEntry('a', 'disabled\ninterpreter /bin/x y\nflags: \noffset 4\nmagic 4d5a\n');
    expect(disabled).to.include({ enabled: false, flags: '', offset: 4, interpreter: '/bin/x y', mask: 'ffff' });
    const extension = parseEntry('b', 'enabled\ninterpreter /bin/x\nflags: \nextension .jar\n');
    expect(extension).to.include({ extension: 'jar', magic: '' });
    const later = parseEntry('c', 'enabled\ntype bpf\nflags: FZ\nprogram 7\n');
    expect(later).to.include({ enabled: true, flags: 'FZ', interpreter: '', magic: '' });
  });

  it('are registered with O left to the kernel, and a delimiter that the path does not have', () => {
    const entry = { name: 'n', magic: '7f45', mask: 'ffff', interpreter: '/a', flags: 'POCF' };
    expect(registerLine(entry)).to.equal(':n:M::\\x7f\\x45:\\xff\\xff:/a:PCF');
    expect(registerLine({ ...entry, flags: 'F' })).to.match(/:F$/);
    expect(registerLine({ ...entry, interpreter: '/a:b' })).to.equal('|n|M||\\x7f\\x45|\\xff\\xff|/a:b|PCF');
  });

  it('match where all bits of the mask agree', () => {
    const entry = { magic: 'aabb', mask: 'fff0' };
    expect(matches(entry, Uint8Array.of(0xaa, 0xb7, 1))).to.equal(true);
    expect(matches(entry, Uint8Array.of(0xaa, 0xc7))).to.equal(false);
    expect(matches(entry, Uint8Array.of(0xaa))).to.equal(false);
    expect(matches({ ...entry, offset: 1 }, Uint8Array.of(0, 0xaa, 0xbf))).to.equal(true);
    expect(matches({ magic: '', mask: '' }, Uint8Array.of(1))).to.equal(false);
  });

  it('have the same flags in any order', () => {
    expect(sameFlags('POCF', 'FCOP')).to.equal(true);
    expect(sameFlags('PF', 'POCF')).to.equal(false);
  });
});
