/** Reads files that may be missing, unreadable, or not even files, and creates directories. */
import fs from 'node:fs';
import path from 'node:path';

/** The first `size` bytes of a regular file; undefined for anything else, and for a file that cannot be read. */
export function readStart(file: string, size: number): Uint8Array | undefined {
  let fd: number | undefined;
  try {
    // A FIFO would block without O_NONBLOCK.
    fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    if (!fs.fstatSync(fd).isFile()) return undefined;
    const bytes = Buffer.alloc(size);
    return bytes.subarray(0, fs.readSync(fd, bytes, 0, size, 0));
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/**
 * Creates a directory with all above it; returns the errno's name if that failed. Works level by level, because fs.mkdirSync
 * with `recursive` never returns for a path below /proc (Node.js 20).
 */
export function createDirectory(directory: string): string | undefined {
  if (fs.existsSync(directory)) return undefined;
  const errno = createDirectory(path.dirname(path.resolve(directory)));
  if (errno) return errno;
  try {
    fs.mkdirSync(directory);
    return undefined;
  } catch (error) {
    return errnoOf(error);
  }
}

/** A whole file, such as one of /proc; empty if it cannot be read. */
export function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

export function isDirectory(file: string): boolean {
  try {
    return fs.statSync(file).isDirectory();
  } catch {
    return false;
  }
}

export function isThere(file: string): boolean {
  return fs.existsSync(file);
}

/** The target of a symbolic link; undefined if it cannot be read. */
export function readLink(file: string): string | undefined {
  try {
    return fs.readlinkSync(file);
  } catch {
    return undefined;
  }
}

/** The path of a file that the build puts beside the program. */
export function besideProgram(...names: string[]): string {
  return path.join(path.dirname(process.argv[1] ?? ''), ...names);
}

/** The name of the errno that a call failed with, such as `ENOENT`. */
export function errnoOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

/** Nothing else happens in binfmt meanwhile. */
export function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

const LONGEST_LOG = 1 << 24; // bytes

/** The end of it, which says what went wrong. Empty if it cannot be read. */
export function readStandardInput(): string {
  const chunk = Buffer.alloc(1 << 16);
  let text = Buffer.alloc(0);
  for (;;) {
    try {
      const size = fs.readSync(0, chunk);
      if (size === 0) return text.toString();
      text = Buffer.concat([text, chunk.subarray(0, size)]).subarray(-LONGEST_LOG);
    } catch (error) {
      // A pipe that another process has made non-blocking.
      if (errnoOf(error) !== 'EAGAIN') return text.toString();
      pause(10);
    }
  }
}
