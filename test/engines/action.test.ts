/** The steps of action.yml with podman. */
import { expect } from 'chai';
import { type Inputs, runAction } from '../support/action.js';
import { IMAGE, onCleanHost, uninstallAll } from '../support/docker.js';
import { mustAs, onHostAs, startEngines, stopEngines, type User } from '../support/engines.js';
import { guest, guest2 } from '../support/machine.js';

describe('the action, with podman', () => {
  onCleanHost();
  const act = (user: User, inputs: Inputs) =>
    runAction({ image: IMAGE, ...inputs }, (script) => onHostAs(user, script));

  before(() => {
    startEngines([`${IMAGE}:latest`]);
    for (const user of ['root', 'alice'] as const) {
      const { exit, stderr } = onHostAs(user, 'podman load --quiet --input /images.tar');
      expect(exit, stderr).to.equal(0);
    }
    mustAs('root', "echo 'carol ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/carol");
  });
  after(stopEngines);
  beforeEach(() => uninstallAll());

  it('says to a user without root why it does not work, and what to do', () => {
    const { exit, stdout, annotations } = act('alice', { platforms: guest.name });
    expect(exit, stdout).to.equal(1);
    expect(annotations).to.have.length(1);
    expect(annotations[0]).to.contain('this is a user namespace').and.to.contain('register on the host itself');
  });

  it('installs as root', () => {
    const { exit, stdout, outputs } = act('root', { platforms: `${guest.name},${guest2.name}` });
    expect(exit, stdout).to.equal(0);
    expect(outputs['platforms']?.split(',')).to.include.members([guest.platform, guest2.platform]);
  });

  it('installs for a user with sudo', () => {
    const { exit, stdout, outputs } = act('carol', { platforms: guest.name });
    expect(exit, stdout).to.equal(0);
    expect(outputs['platforms']?.split(',')).to.include(guest.platform);
  });

  it('needs no root if everything runs already', () => {
    act('root', { platforms: guest.name });
    const { exit, stdout, outputs } = act('alice', { platforms: guest.name });
    expect(exit, stdout).to.equal(0);
    expect(outputs['platforms']?.split(',')).to.include(guest.platform);
  });
});
