/** Sizes in bytes, as people write and read them. */

/** Units by name, smallest first. */
export const BYTE_UNITS: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
]);

/** Such as `640 B` or `1.5 MiB`: in the largest unit that it has one of. */
export function formatBytes(bytes: number): string {
  let text = `${bytes} B`;
  for (const [name, size] of BYTE_UNITS) {
    if (size > 1 && bytes >= size) text = `${(bytes / size).toFixed(1)} ${name}`;
  }
  return text;
}

/** Reads a whole number and a unit, such as `64MiB` or `512 KiB`; undefined where it is neither. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d{1,12}) ?([A-Za-z]+)$/.exec(text);
  const unit = BYTE_UNITS.get(match?.[2] ?? '');
  if (match === null || unit === undefined) return undefined;
  const bytes = Number(match[1]) * unit;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
