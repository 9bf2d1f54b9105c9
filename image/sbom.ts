/**
 * Writes the software bill of materials (SBOM) of an image, /usr/share/binfmt/sbom.spdx.json (SPDX 2.3 in JSON), and
 * the licences of its components, /usr/share/doc/NAME/copyright. Source: the SPDX Specification 2.3; the package URL
 * types deb, npm and generic.
 *
 *   tsx image/sbom.ts --platform linux/arm64 --revision NAME --metafile FILE --linked FILE --out DIR COMPONENTS...
 *
 * metafile    esbuild's metafile of the program
 * linked      control fields of the packages that launcher and entry program are linked with
 * out         root file system of the image
 * COMPONENTS  files that qemu/collect.ts and image/runtime.ts have written
 *
 * The date is now, or SOURCE_DATE_EPOCH if that is set.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import fs from 'fs-extra';
import minimist from 'minimist';
import { bundleComponents, type Component, controlComponents } from './components.js';

export interface Subject {
  /** `linux/arm64` */
  readonly platform: string;
  readonly revision: string;
  readonly created: Date;
  /** Packages that its native programs are linked with. */
  readonly linked: readonly Component[];
}

/** The SPDX document. For the same components only its date differs from one call to the next. */
export function spdx({ platform, revision, created, linked }: Subject, parts: readonly Component[]) {
  const image: Component = { kind: 'generic', name: 'binfmt', version: revision, licence: 'MIT', contains: linked };
  const whole = [image, ...parts];
  const digest = createHash('sha256')
    .update(JSON.stringify([platform, whole]))
    .digest('hex');
  const inner = whole.flatMap(({ contains = [] }) => contains);
  const all = [...new Map([...whole, ...inner].map((part) => [idOf(part), part])).values()];
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `binfmt ${revision} for ${platform}`,
    documentNamespace: `https://spdx.org/spdxdocs/binfmt-${digest}`,
    creationInfo: { created: created.toISOString().replace(/\.\d+Z$/, 'Z'), creators: [`Tool: binfmt-${revision}`] },
    packages: all.map((part) => packageOf(part, part === image ? 'CONTAINER' : 'LIBRARY')),
    hasExtractedLicensingInfos: parts.filter(({ licence }) => licence === undefined).map(extracted),
    relationships: [
      relationship('SPDXRef-DOCUMENT', 'DESCRIBES', idOf(image)),
      ...parts.map((part) => relationship(idOf(image), 'CONTAINS', idOf(part))),
      ...whole.flatMap((part) =>
        (part.contains ?? []).map((each) => relationship(idOf(part), 'STATIC_LINK', idOf(each))),
      ),
    ],
  };
}

function packageOf(part: Component, purpose: string) {
  return {
    SPDXID: idOf(part),
    name: part.name,
    versionInfo: part.version,
    downloadLocation: 'NOASSERTION',
    ...(part.patches && {
      sourceInfo: `built from Debian's source package; patches: ${part.patches.join(', ') || 'none'}`,
    }),
    filesAnalyzed: false,
    licenseConcluded: licenceOf(part),
    licenseDeclared: licenceOf(part),
    copyrightText: 'NOASSERTION',
    primaryPackagePurpose: purpose,
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: packageUrl(part) }],
  };
}

/** If there is only a text, the licence is named after the component. */
function licenceOf(part: Component): string {
  return part.licence ?? (part.copyright === undefined ? 'NOASSERTION' : `LicenseRef-${idWord(part.name)}`);
}

function extracted(part: Component) {
  return { licenseId: licenceOf(part), extractedText: part.copyright };
}

function relationship(spdxElementId: string, relationshipType: string, relatedSpdxElement: string) {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}

function idOf({ kind, name, version, architecture }: Component): string {
  return `SPDXRef-${[kind, name, version, architecture]
    .filter(Boolean)
    .map((each) => idWord(`${each}`))
    .join('-')}`;
}

/** SPDX identifiers consist of letters, digits, dots and hyphens. */
function idWord(text: string): string {
  return text.replace(/[^A-Za-z0-9.-]/g, '-');
}

function packageUrl({ kind, name, version, architecture }: Component): string {
  const start = `pkg:${kind === 'deb' ? 'deb/debian' : kind}`;
  const end = architecture === undefined ? '' : `?arch=${architecture}`;
  return `${start}/${encodeURIComponent(name)}@${encodeURIComponent(version)}${end}`;
}

if (process.argv[1] === import.meta.filename) {
  const { platform, revision, metafile, linked, out, _ } = minimist(process.argv.slice(2), {
    string: ['platform', 'revision', 'metafile', 'linked', 'out'],
  });
  const bundled = await bundleComponents(metafile, process.cwd());
  const others = (await Promise.all(_.map((file) => fs.readJson(file)))) as Component[][];
  const parts = [...others.flat(), ...bundled];
  const epoch = process.env['SOURCE_DATE_EPOCH'];
  const created = epoch ? new Date(Number(epoch) * 1000) : new Date();
  const subject = { platform, revision, created, linked: controlComponents(await fs.readFile(linked, 'utf8')) };
  await fs.outputJson(path.join(out, 'usr/share/binfmt/sbom.spdx.json'), spdx(subject, parts), { spaces: 2 });
  for (const { name, copyright } of parts) {
    if (copyright !== undefined) await fs.outputFile(path.join(out, 'usr/share/doc', name, 'copyright'), copyright);
  }
}
