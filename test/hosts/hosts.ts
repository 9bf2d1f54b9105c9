/** The hosts that there is an image for, and what lies in it. */
import path from 'node:path';
import fs from 'fs-extra';
import { imageHosts } from '../../image/hosts.js';
import type { EmulatorManifest } from '../../qemu/manifest.js';
import { ALL_IMAGE, unpackImage } from '../support/docker.js';
import { own } from '../support/machine.js';
import { scratch } from '../support/scratch.js';

export const hosts = imageHosts();
/** Those that are emulated on this machine. */
export const foreign = hosts.filter((host) => host !== own.name);

const unpacked = new Map<string, string>();

/** The files of a host's image, in a directory. */
export function filesOf(host: string): string {
  const dir = unpacked.get(host) ?? path.join(scratch(), host);
  if (!unpacked.has(host)) unpackImage(ALL_IMAGE, `linux/${host}`, dir);
  unpacked.set(host, dir);
  return dir;
}

export function manifestOf(host: string): EmulatorManifest {
  return fs.readJsonSync(path.join(filesOf(host), 'usr/share/binfmt/manifest.json'));
}
