import { expect } from 'chai';
import { CODE_CACHE, PART } from '../../src/start/compile.js';
import { docker, IMAGE } from '../support/docker.js';

const program = '/usr/lib/binfmt';

describe('the program in the image', () => {
  it('is compiled already, by its own Node.js', () => {
    const script = `const fs = require("fs");
      const accepted = fs.readdirSync("${program}").filter((name) => name.endsWith("${CODE_CACHE}")).map((cache) => {
        const text = fs.readFileSync("${program}/" + cache.replace("${CODE_CACHE}", "${PART}"), "latin1");
        const cachedData = fs.readFileSync("${program}/" + cache);
        return !new vm.Script(text, { cachedData }).cachedDataRejected;
      });
      console.log(accepted.length > 1 && accepted.every(Boolean));`;
    const node = ['--library-path', program, `${program}/node`, '--jitless', '--eval', script];
    const ended = docker('run', '--rm', '--entrypoint', `${program}/ld.so`, IMAGE, ...node);
    expect(ended).to.include({ exit: 0, stdout: 'true\n', stderr: '' });
  });
});
