/** The VM's arithmetic: 64-bit numbers as two signed 32-bit halves, as the kernel computes them. */
import type { AluOperation, Test } from '../assembly/listing.js';
import { bigOf, type Cell, setBig } from './memory.js';

/** Changes `d`, which holds a number, by `s`, which holds one too. */
export type Operate = (d: Cell, s: Cell) => void;
export type Compare = (l: Cell, r: Cell) => boolean;

const TWO_32 = 0x1_0000_0000;

/** Division by zero gives 0 and modulo by zero leaves the dividend (RFC 9669, section 4.1). */
export const OPERATE_64: Readonly<Record<AluOperation, Operate>> = {
  mov: (d, s) => {
    d.lo = s.lo;
    d.hi = s.hi;
  },
  add: (d, s) => {
    const sum = (d.lo >>> 0) + (s.lo >>> 0);
    d.hi = (d.hi + s.hi + (sum >= TWO_32 ? 1 : 0)) | 0;
    d.lo = sum | 0;
  },
  sub: (d, s) => {
    const borrow = d.lo >>> 0 < s.lo >>> 0 ? 1 : 0;
    d.hi = (d.hi - s.hi - borrow) | 0;
    d.lo = (d.lo - s.lo) | 0;
  },
  mul: (d, s) => {
    const product = (d.lo >>> 0) * (s.lo >>> 0);
    if (d.hi === 0 && s.hi === 0 && product <= Number.MAX_SAFE_INTEGER) {
      d.lo = product | 0;
      d.hi = (product / TWO_32) | 0;
    } else setBig(d, bigOf(d) * bigOf(s));
  },
  div: (d, s) => {
    if (d.hi === 0 && s.hi === 0) d.lo = divide(d.lo, s.lo);
    else if (s.lo === 0 && s.hi === 0) {
      d.lo = 0;
      d.hi = 0;
    } else setBig(d, bigOf(d) / bigOf(s));
  },
  mod: (d, s) => {
    if (s.lo === 0 && s.hi === 0) return;
    if (d.hi === 0 && s.hi === 0) d.lo = ((d.lo >>> 0) % (s.lo >>> 0)) | 0;
    else setBig(d, bigOf(d) % bigOf(s));
  },
  or: (d, s) => {
    d.lo |= s.lo;
    d.hi |= s.hi;
  },
  and: (d, s) => {
    d.lo &= s.lo;
    d.hi &= s.hi;
  },
  xor: (d, s) => {
    d.lo ^= s.lo;
    d.hi ^= s.hi;
  },
  lsh: (d, s) => {
    const count = s.lo & 63;
    if (count >= 32) {
      d.hi = d.lo << (count - 32);
      d.lo = 0;
    } else if (count > 0) {
      d.hi = (d.hi << count) | (d.lo >>> (32 - count));
      d.lo <<= count;
    }
  },
  rsh: (d, s) => {
    const count = s.lo & 63;
    if (count >= 32) {
      d.lo = (d.hi >>> (count - 32)) | 0;
      d.hi = 0;
    } else if (count > 0) {
      d.lo = (d.lo >>> count) | (d.hi << (32 - count));
      d.hi = (d.hi >>> count) | 0;
    }
  },
  arsh: (d, s) => {
    const count = s.lo & 63;
    if (count >= 32) {
      d.lo = d.hi >> (count - 32);
      d.hi >>= 31;
    } else if (count > 0) {
      d.lo = (d.lo >>> count) | (d.hi << (32 - count));
      d.hi >>= count;
    }
  },
};

/** Every 32-bit operation clears the upper half of the result. */
export const OPERATE_32: Readonly<Record<AluOperation, Operate>> = {
  mov: (d, s) => setLow(d, s.lo),
  add: (d, s) => setLow(d, d.lo + s.lo),
  sub: (d, s) => setLow(d, d.lo - s.lo),
  mul: (d, s) => setLow(d, Math.imul(d.lo, s.lo)),
  div: (d, s) => setLow(d, divide(d.lo, s.lo)),
  mod: (d, s) => setLow(d, s.lo === 0 ? d.lo : (d.lo >>> 0) % (s.lo >>> 0)),
  or: (d, s) => setLow(d, d.lo | s.lo),
  and: (d, s) => setLow(d, d.lo & s.lo),
  xor: (d, s) => setLow(d, d.lo ^ s.lo),
  lsh: (d, s) => setLow(d, d.lo << (s.lo & 31)),
  rsh: (d, s) => setLow(d, d.lo >>> (s.lo & 31)),
  arsh: (d, s) => setLow(d, d.lo >> (s.lo & 31)),
};

function setLow(d: Cell, value: number): void {
  d.lo = value | 0;
  d.hi = 0;
}

function divide(dividend: number, divisor: number): number {
  return divisor === 0 ? 0 : ((dividend >>> 0) / (divisor >>> 0)) | 0;
}

export function negate(d: Cell, width: 32 | 64): void {
  const low = -d.lo | 0;
  d.hi = width === 32 ? 0 : (~d.hi + (low === 0 ? 1 : 0)) | 0;
  d.lo = low;
}

/** The hosts that policyc knows are little-endian, so that this reverses bytes. */
export function toBigEndian(d: Cell, bits: 16 | 32 | 64): void {
  const { lo, hi } = d;
  switch (bits) {
    case 16:
      setLow(d, reverse(lo) >>> 16);
      break;
    case 32:
      setLow(d, reverse(lo));
      break;
    case 64:
      d.lo = reverse(hi);
      d.hi = reverse(lo);
      break;
  }
}

function reverse(word: number): number {
  return (
    (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | ((word >>> 24) & 0xff) | 0
  );
}

function below(l: Cell, r: Cell): boolean {
  return l.hi === r.hi ? l.lo >>> 0 < r.lo >>> 0 : l.hi >>> 0 < r.hi >>> 0;
}

function belowSigned(l: Cell, r: Cell): boolean {
  return l.hi === r.hi ? l.lo >>> 0 < r.lo >>> 0 : l.hi < r.hi;
}

export const COMPARE_64: Readonly<Record<Test, Compare>> = {
  eq: (l, r) => l.lo === r.lo && l.hi === r.hi,
  ne: (l, r) => l.lo !== r.lo || l.hi !== r.hi,
  gt: (l, r) => below(r, l),
  ge: (l, r) => !below(l, r),
  lt: (l, r) => below(l, r),
  le: (l, r) => !below(r, l),
  set: (l, r) => (l.lo & r.lo) !== 0 || (l.hi & r.hi) !== 0,
  sgt: (l, r) => belowSigned(r, l),
  sge: (l, r) => !belowSigned(l, r),
  slt: (l, r) => belowSigned(l, r),
  sle: (l, r) => !belowSigned(r, l),
};

export const COMPARE_32: Readonly<Record<Test, Compare>> = {
  eq: (l, r) => l.lo === r.lo,
  ne: (l, r) => l.lo !== r.lo,
  gt: (l, r) => l.lo >>> 0 > r.lo >>> 0,
  ge: (l, r) => l.lo >>> 0 >= r.lo >>> 0,
  lt: (l, r) => l.lo >>> 0 < r.lo >>> 0,
  le: (l, r) => l.lo >>> 0 <= r.lo >>> 0,
  set: (l, r) => (l.lo & r.lo) !== 0,
  sgt: (l, r) => l.lo > r.lo,
  sge: (l, r) => l.lo >= r.lo,
  slt: (l, r) => l.lo < r.lo,
  sle: (l, r) => l.lo <= r.lo,
};
