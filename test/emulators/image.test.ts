/** Parts of an image, made from the packages, the bundle and the compiler of this machine. */
import path from 'node:path';
import { expect } from 'chai';
import fs from 'fs-extra';
import { bundleComponents, packageComponent } from '../../image/components.js';
import { collectRuntime } from '../../image/runtime.js';
import { ROOT } from '../support/program.js';
import { dynamicEmulator } from '../support/programs.js';
import { scratch } from '../support/scratch.js';

describe('the components of an image', () => {
  it("include the emulators' package with its licence and the libraries that are linked in", async () => {
    const component = await packageComponent(path.join(ROOT, 'build/qemu'));
    expect(component).to.include({ kind: 'deb', name: 'qemu-user', licence: 'GPL-2.0-or-later' });
    expect(component.copyright).to.contain('GNU General Public License');
    expect(component.contains?.map(({ name }) => name)).to.include.members(['glibc', 'glib2.0']);
    expect(component.contains?.every(({ licence }) => licence !== undefined)).to.equal(true);
  });

  it('include the npm packages of the built program', async () => {
    const components = await bundleComponents(path.join(ROOT, 'build/bundle.json'), ROOT);
    expect(components.map(({ name }) => name)).to.include.members(['minimist', 'node-fetch']);
  });
});

describe('collecting the Node.js of an image', () => {
  it('fails if there is no Node.js', async () => {
    const parts = { published: scratch(), packages: scratch(), tools: '', out: scratch() };
    expect(await collectRuntime(parts).catch(String)).to.contain('no Node.js');
  });

  it('fails if a library is in no package', async () => {
    const parts = { published: scratch(), packages: scratch(), tools: '', out: scratch() };
    // Any program with a loader will do: it fails at the loader.
    await fs.copy(dynamicEmulator(), path.join(parts.published, 'usr/local/bin/node'));
    expect(await collectRuntime(parts).catch(String)).to.match(/no package has the library ld[-\w.]*\.so/);
  });
});
