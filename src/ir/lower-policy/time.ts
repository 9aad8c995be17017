/** Reads times and sizes: values with a form of their own. */
import { BYTE_UNITS } from '../../byte-sizes.js';
import { nearestName } from '../../did-you-mean.js';
import type { NumberNode, Text } from '../../parser/ast.js';
import type { Reporter } from './context.js';

const TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2}))?Z$/;

/** Milliseconds since the epoch. */
export function readTime({ text, span: at }: Text, reporter: Reporter): number | undefined {
  const match = TIME.exec(text);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] =
    match?.slice(1).map((part: string | undefined) => Number(part ?? 0)) ?? [];
  const time = new Date(0);
  time.setUTCFullYear(year, month - 1, day);
  time.setUTCHours(hour, minute, second, 0);
  // Date rolls over what is out of range, such as the 30th of February.
  const isReal =
    match !== null &&
    time.getUTCFullYear() === year &&
    time.getUTCMonth() === month - 1 &&
    time.getUTCDate() === day &&
    time.getUTCHours() === hour &&
    time.getUTCMinutes() === minute &&
    time.getUTCSeconds() === second;
  if (isReal) return time.getTime();
  reporter.report('policy/bad-time', { text }, at);
  return undefined;
}

/** Bytes. */
export function readSize(amount: NumberNode, unit: Text, reporter: Reporter): number {
  const size = BYTE_UNITS.get(unit.text);
  if (size !== undefined) return amount.value * size;
  const near = nearestName(unit.text, [...BYTE_UNITS.keys()].slice(1));
  reporter.report('policy/unknown-unit', { unit: unit.text, near }, unit.span);
  return 0;
}
