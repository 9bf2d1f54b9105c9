/** Directories for a test's own files. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const directories: string[] = [];
process.on('exit', () => {
  for (const dir of directories) fs.rmSync(dir, { recursive: true, force: true });
});

/** A fresh directory; removed when the process ends. */
export function scratch(): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'binfmt-test-'));
  directories.push(dir);
  return dir;
}
