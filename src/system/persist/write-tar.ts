/** Writes exported files as a tar archive. */
import { type ExportedFile, MANIFEST } from '../../core/persist/entry-files.js';
import { formatHostManifest } from '../../core/persist/host-manifest.js';
import { tarEnd, tarHeader, tarPadding } from '../../core/persist/tar.js';
import { bytesOf, hashOf } from './host-write.js';

/** Writes to standard output; returns the errno's name if that failed. */
export type Write = (bytes: Uint8Array) => string | undefined;

/** The archive has no entries for directories, so that unpacking it at / leaves their modes alone. Returns as `write`. */
export function writeTar(files: readonly ExportedFile[], write: Write): string | undefined {
  const hashes = Object.fromEntries(files.map((file) => [file.path, hashOf(bytesOf(file))]));
  const manifest = Buffer.from(formatHostManifest({ files: hashes }));
  const append = ({ path: name, mode }: Pick<ExportedFile, 'path' | 'mode'>, bytes: Uint8Array) =>
    write(tarHeader(name, mode, bytes.length)) ?? write(bytes) ?? write(tarPadding(bytes.length));
  for (const file of files) {
    const errno = append(file, bytesOf(file));
    if (errno) return errno;
  }
  return append({ path: MANIFEST, mode: 0o644 }, manifest) ?? write(tarEnd());
}
