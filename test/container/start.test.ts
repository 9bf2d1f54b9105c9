import { expect } from 'chai';
import { docker, IMAGE } from '../support/docker.js';

const program = '/usr/lib/binfmt';

describe('the program in the image', () => {
  it('is compiled already, by its own Node.js', () => {
    const script = `const fs = require("fs");
      const text = fs.readFileSync("${program}/program.cjs", "latin1");
      const cachedData = fs.readFileSync("${program}/code-cache");
      const wrapped = "(function (exports, require, module) {" + text + "\\n})";
      console.log(new vm.Script(wrapped, { cachedData }).cachedDataRejected);`;
    const node = ['--library-path', program, `${program}/node`, '--jitless', '--eval', script];
    const ended = docker('run', '--rm', '--entrypoint', `${program}/ld.so`, IMAGE, ...node);
    expect(ended).to.include({ exit: 0, stdout: 'false\n', stderr: '' });
  });
});
