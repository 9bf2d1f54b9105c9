/** The hosts that there is an image for, and what lies in it. */
import path from 'node:path';
import fs from 'fs-extra';
import { imageHosts } from '../../image/hosts.js';
import type { EmulatorManifest } from '../../qemu/manifest.js';
import { ALL_IMAGE, unpackImage } from '../support/docker.js';
import { MOUNT } from '../support/kernel.js';
import { own } from '../support/machine.js';
import { scratch } from '../support/scratch.js';

export const hosts = imageHosts();
/** Those that are emulated on this machine. */
export const foreign = hosts.filter((host) => host !== own.name);

export interface SbomPackage {
  readonly SPDXID: string;
  readonly name: string;
  readonly versionInfo: string;
  readonly licenseConcluded: string;
  readonly externalRefs: readonly { readonly referenceLocator: string }[];
}

export interface Sbom {
  readonly packages: readonly SbomPackage[];
  readonly relationships: readonly {
    readonly spdxElementId: string;
    readonly relationshipType: string;
    readonly relatedSpdxElement: string;
  }[];
  readonly hasExtractedLicensingInfos: readonly { readonly licenseId: string; readonly extractedText: string }[];
}

const unpacked = new Map<string, string>();

/** The files of a host's image, in a directory. */
export function filesOf(host: string, image = ALL_IMAGE): string {
  const key = `${image} ${host}`;
  const dir = unpacked.get(key) ?? path.join(scratch(), host);
  if (!unpacked.has(key)) unpackImage(image, `linux/${host}`, dir);
  unpacked.set(key, dir);
  return dir;
}

export function manifestOf(host: string, image = ALL_IMAGE): EmulatorManifest {
  return fs.readJsonSync(path.join(filesOf(host, image), 'usr/share/binfmt/manifest.json'));
}

export function sbomOf(host: string, image = ALL_IMAGE): Sbom {
  return fs.readJsonSync(path.join(filesOf(host, image), 'usr/share/binfmt/sbom.spdx.json'));
}

/** What is statically linked into one of its packages. */
export function linkedWith(name: string, { packages, relationships }: Sbom): (SbomPackage | undefined)[] {
  const id = packages.find((each) => each.name === name)?.SPDXID;
  return relationships
    .filter((each) => each.spdxElementId === id && each.relationshipType === 'STATIC_LINK')
    .map((each) => packages.find(({ SPDXID }) => SPDXID === each.relatedSpdxElement));
}

/** Lets an emulated container register: that takes no more than write permission. */
export function writable(name: string, mode: number): void {
  fs.chmodSync(path.join(MOUNT, name), mode);
}

/** Options of a container that registers without capabilities. */
export const BIND = ['--cap-drop', 'ALL', '-v', `${MOUNT}:/binfmt_misc`];
