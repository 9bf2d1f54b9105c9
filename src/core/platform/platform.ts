/**
 * OCI platform names such as `linux/arm/v7`, and everything that people type for them. A name is parsed once, where it
 * comes in, to a `Platform`; everything else works with that value.
 */
import { closest } from '../text.js';
import { type Architecture, architectures, emulatorName } from './architectures.js';

export interface Platform {
  readonly architecture: Architecture;
  /** The variant, if one was asked for that is not the plain one: 7 for `linux/arm/v7`. */
  readonly level?: number;
}

/** Why a name is not a platform, and the part of it that is wrong. */
export type PlatformError =
  | { readonly kind: 'os'; readonly part: string }
  | { readonly kind: 'architecture'; readonly part: string; readonly suggestion?: string }
  | { readonly kind: 'variant'; readonly part: string; readonly architecture: string }
  | { readonly kind: 'too-many-parts'; readonly part: string };

export type ParsedPlatform =
  | { readonly kind: 'platform'; readonly platform: Platform }
  | { readonly kind: 'unknown'; readonly error: PlatformError };

/** What people type → the OCI name, with the variant that the word implies. */
const byAlias = new Map<string, string>();
for (const architecture of architectures) {
  const { name, aliases } = architecture;
  for (const alias of aliases) {
    const [typed = alias, variant] = alias.split('/');
    byAlias.set(typed, variant === undefined ? name : `${name}/${variant}`);
  }
  byAlias.set(emulatorName(architecture), name);
}

/** The architecture with this OCI name (`arm64`); undefined if there is none. */
export function architectureNamed(name: string): Architecture | undefined {
  return architectures.find((architecture) => architecture.name === name);
}

/** Parses `arm64`, `aarch64`, `linux/arm/v7`, `arm/v7`, `armhf`, `qemu-arm`, in upper or lower case. */
export function parsePlatform(text: string): ParsedPlatform {
  const typed = text.trim().split('/');
  const parsed = parseParts(typed.map((part) => part.toLowerCase()));
  if (parsed.kind === 'platform') return parsed;
  const part = typed.find((each) => each.toLowerCase() === parsed.error.part) ?? parsed.error.part;
  return unknown({ ...parsed.error, part });
}

function parseParts(parts: string[]): ParsedPlatform {
  const os = parts.length > 1 && !isArchitecture(parts[0]) ? parts.shift() : 'linux';
  if (os !== 'linux') return unknown({ kind: 'os', part: os ?? '' });
  const [typed = '', ...variants] = parts;
  const [name = '', implied] = (byAlias.get(typed) ?? typed).split('/');
  const architecture = architectureNamed(name);
  if (!architecture) {
    const names = [...architectures.map((each) => each.name), ...byAlias.keys()];
    return unknown({ kind: 'architecture', part: typed, suggestion: closest(typed, names) });
  }
  if (variants.length > 1) return unknown({ kind: 'too-many-parts', part: typed });
  return withVariant(architecture, variants[0] ?? implied);
}

function withVariant(architecture: Architecture, variant: string | undefined): ParsedPlatform {
  if (variant === undefined || variant === architecture.plainVariant) {
    return { kind: 'platform', platform: { architecture } };
  }
  const level = Number(/^v(\d)$/.exec(variant)?.[1]);
  if (!Object.values(architecture.levels ?? {}).includes(level)) {
    return unknown({ kind: 'variant', part: variant, architecture: architecture.name });
  }
  return { kind: 'platform', platform: { architecture, level } };
}

/** Writes a platform as containerd does: no `/v8` for arm64, no `/v1` for amd64. */
export function formatPlatform(platform: Platform): string {
  return `linux/${shortPlatform(platform)}`;
}

/** The same without `linux/`, as people type it: `arm64`, `arm/v7`. */
export function shortPlatform({ architecture, level }: Platform): string {
  const plain = level === undefined || `v${level}` === architecture.plainVariant;
  return plain ? architecture.name : `${architecture.name}/v${level}`;
}

/** The platforms of a machine that runs `architecture` up to the variant `level`. */
export function platformsUpTo(architecture: Architecture, level?: number): string[] {
  if (level === undefined) return [formatPlatform({ architecture })];
  const levels = architecture.listed?.filter((listed) => listed <= level) ?? [];
  return (levels.length > 0 ? levels : [level]).map((each) => formatPlatform({ architecture, level: each }));
}

function isArchitecture(typed = ''): boolean {
  return byAlias.has(typed) || architectureNamed(typed) !== undefined;
}

function unknown(error: PlatformError): ParsedPlatform {
  return { kind: 'unknown', error };
}
