/**
 * OCI platform names: `linux/arm/v7`, and everything that people type for it. A name is parsed
 * once, at the edge, to a `Platform`; inside there is no raw string.
 */
import { type Architecture, architectures } from './architectures.js';

export interface Platform {
  readonly architecture: Architecture;
  /** Asked for explicitly, never the plain one: 7 of `linux/arm/v7`. */
  readonly level?: number;
}

export type ParsedPlatform =
  | { readonly kind: 'platform'; readonly platform: Platform }
  | { readonly kind: 'unknown'; readonly cause: string };

const byName = new Map<string, string>();
for (const { name, aliases, target } of architectures) {
  for (const alias of aliases) {
    const [typed = alias, variant] = alias.split('/');
    byName.set(typed, variant === undefined ? name : `${name}/${variant}`);
  }
  byName.set(`qemu-${target}`, name);
}

/** The row of an OCI architecture name (`arm64`); undefined when there is none. */
export function architectureNamed(name: string): Architecture | undefined {
  return architectures.find((row) => row.name === name);
}

/** Parses `arm64`, `aarch64`, `linux/arm/v7`, `arm/v7`, `armhf`, `qemu-arm`, in any case. */
export function parsePlatform(text: string): ParsedPlatform {
  const parts = text.trim().toLowerCase().split('/');
  const os = parts.length > 1 && architectureOf(parts[0]) === undefined ? parts.shift() : 'linux';
  if (os !== 'linux') {
    return unknown(text, `"${os}" is not an operating system whose programs run here; only "linux" is`);
  }
  const [typed = '', ...variants] = parts;
  const [name, implied] = (byName.get(typed) ?? typed).split('/');
  const architecture = architectureNamed(name ?? '');
  if (!architecture) return unknown(text, `"${typed}" is no architecture that QEMU emulates${suggestion(typed)}`);
  if (variants.length > 1) return unknown(text, `too many parts after "${typed}"`);
  return withVariant(text, architecture, variants[0] ?? implied);
}

function withVariant(text: string, architecture: Architecture, variant: string | undefined): ParsedPlatform {
  if (variant === undefined || variant === architecture.plainVariant) return platform({ architecture });
  const level = Number(/^v(\d)$/.exec(variant)?.[1]);
  const known = Object.values(architecture.levels ?? {});
  if (!known.includes(level)) return unknown(text, `"${variant}" is no variant of ${architecture.name}`);
  return platform({ architecture, level });
}

/** Writes one platform as containerd does: no `/v8` on arm64, no `/v1` on amd64. */
export function formatPlatform(architecture: Architecture, level?: number): string {
  const plain = level === undefined || `v${level}` === architecture.plainVariant;
  return plain ? `linux/${architecture.name}` : `linux/${architecture.name}/v${level}`;
}

/** The platforms that a machine has which runs `architecture` up to the variant `level`. */
export function platformsUpTo(architecture: Architecture, level?: number): string[] {
  if (level === undefined) return [formatPlatform(architecture)];
  const levels = architecture.listed?.filter((listed) => listed <= level) ?? [];
  return (levels.length > 0 ? levels : [level]).map((each) => formatPlatform(architecture, each));
}

function architectureOf(typed = ''): string | undefined {
  return byName.get(typed) ?? architectureNamed(typed)?.name;
}

function platform(value: Platform): ParsedPlatform {
  return { kind: 'platform', platform: value };
}

function unknown(text: string, why: string): ParsedPlatform {
  return {
    kind: 'unknown',
    cause: text.includes('/') ? `unknown platform "${text}": ${why}` : `unknown platform: ${why}`,
  };
}

/** The known name that shares the longest beginning with what was typed, three letters at least. */
function suggestion(typed: string): string {
  const names = [...architectures.map((row) => row.name), ...byName.keys()];
  for (let length = typed.length; length >= 3; length--) {
    const near = names.find((name) => name.startsWith(typed.slice(0, length)));
    if (near) return `; did you mean "${near}"?`;
  }
  return '';
}
