/** File name patterns: `*`, `?`, `[a-z]`, `{a,b}` within a path segment, `**` for any folders. */
import { lstatSync, readdirSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';

export function isGlob(path: string): boolean {
  return /[*?[{]/.test(path);
}

/** The paths that the pattern matches, files and folders; hidden ones only where it names the dot. */
export function expandGlob(pattern: string): readonly string[] {
  const found = new Set<string>();
  for (const plain of expandBraces(pattern)) {
    const absolute = plain.startsWith('/');
    const segments = plain.split('/').filter((segment) => segment !== '');
    walk(absolute ? '/' : '', segments, found);
  }
  return [...found];
}

/** `a{b,c}` → `ab`, `ac`. */
function expandBraces(pattern: string): readonly string[] {
  const match = /^(.*?)\{([^{}]*)\}(.*)$/s.exec(pattern);
  if (match === null) return [pattern];
  const [, before = '', inside = '', after = ''] = match;
  return inside.split(',').flatMap((one) => expandBraces(before + one + after));
}

function walk(folder: string, segments: readonly string[], found: Set<string>): void {
  const [segment, ...rest] = segments;
  if (segment === undefined) {
    found.add(folder);
    return;
  }
  if (segment === '**') {
    // No folder at all, or any folder and on from there.
    walk(folder, rest, found);
    for (const name of entries(folder)) {
      const path = join(folder, name);
      if (!name.startsWith('.') && isOwnFolder(path)) walk(path, segments, found);
    }
    return;
  }
  if (!isGlob(segment)) {
    const path = join(folder, segment);
    if (exists(path)) walk(path, rest, found);
    return;
  }
  const matcher = segmentMatcher(segment);
  for (const name of entries(folder)) {
    if (name.startsWith('.') && !segment.startsWith('.')) continue;
    const path = join(folder, name);
    if (matcher.test(name) && (rest.length === 0 || isFolder(path))) walk(path, rest, found);
  }
}

function segmentMatcher(segment: string): RegExp {
  const source = segment.replace(/\[!?[^\]]+\]|[*?]|[^*?[]+|\[/g, (part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (part.startsWith('[') && part.length > 1) {
      const inside = part.slice(1, -1).replace(/^!/, '^').replaceAll('\\', '\\\\');
      return `[${inside}]`;
    }
    return part.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
  });
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    // A class such as `[z-a]` matches nothing.
    return /(?!)/;
  }
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder === '' ? '.' : folder).sort();
  } catch {
    return [];
  }
}

function exists(path: string): boolean {
  return statOf(path, statSync) !== undefined;
}

function isFolder(path: string): boolean {
  return statOf(path, statSync)?.isDirectory() ?? false;
}

/** Not a link, so that one to a folder above cannot make `**` go round. */
function isOwnFolder(path: string): boolean {
  return statOf(path, lstatSync)?.isDirectory() ?? false;
}

function statOf(path: string, stat: (path: string) => Stats): Stats | undefined {
  try {
    return stat(path);
  } catch {
    return undefined;
  }
}
