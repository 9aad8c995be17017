/** Parses JSON texts, one after another, with the positions of objects and arrays. */
import type { JsonValue } from './value.js';
import type { Extent, NodePositions } from './positions.js';

/** Nesting that no Kubernetes object comes near, and that cannot exhaust the stack. */
export const MAX_DEPTH = 200;

export type JsonFault =
  | { readonly kind: 'syntax'; readonly reason: string; readonly offset: number }
  | { readonly kind: 'duplicate-key'; readonly key: string; readonly offset: number }
  | { readonly kind: 'too-deep'; readonly offset: number };

export interface JsonText extends Extent {
  readonly value: JsonValue;
}

export interface JsonTexts {
  readonly texts: readonly JsonText[];
  readonly fault?: JsonFault;
}

class Fault extends Error {
  constructor(readonly fault: JsonFault) {
    super(fault.kind);
  }
}

/** Parses the texts in order and stops at the first fault. */
export function parseJsonTexts(text: string, positions: NodePositions): JsonTexts {
  const texts: JsonText[] = [];
  const scanner = new JsonScanner(text, positions);
  try {
    while (scanner.more()) {
      const start = scanner.offset;
      const value = scanner.value(0);
      texts.push({ value, start, end: scanner.offset });
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { texts, fault: error.fault };
  }
  return { texts };
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;

class JsonScanner {
  #at = 0;

  constructor(
    readonly text: string,
    readonly positions: NodePositions,
  ) {}

  get offset(): number {
    return this.#at;
  }

  more(): boolean {
    this.#skipSpace();
    return this.#at < this.text.length;
  }

  value(depth: number): JsonValue {
    this.#skipSpace();
    const start = this.#at;
    switch (this.text.charCodeAt(start)) {
      case 0x7b:
        return this.#object(start, depth);
      case 0x5b:
        return this.#array(start, depth);
      case 0x22:
        return this.#string();
      case 0x74:
        return this.#word('true', true);
      case 0x66:
        return this.#word('false', false);
      case 0x6e:
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(start: number, depth: number): JsonValue {
    if (depth >= MAX_DEPTH) throw new Fault({ kind: 'too-deep', offset: start });
    const object: Record<string, JsonValue> = {};
    this.#at += 1;
    this.#skipSpace();
    if (this.text.charCodeAt(this.#at) === 0x7d) this.#at += 1;
    else {
      for (;;) {
        this.#skipSpace();
        const keyAt = this.#at;
        if (this.text.charCodeAt(keyAt) !== 0x22) this.#fail('a key in double quotes');
        const key = this.#string();
        if (Object.hasOwn(object, key)) {
          throw new Fault({ kind: 'duplicate-key', key, offset: keyAt });
        }
        this.#expect(0x3a, '`:`');
        const value = this.value(depth + 1);
        if (key === '__proto__') defineOwn(object, key, value);
        else object[key] = value;
        if (this.#closes(0x7d, '`,` or `}`')) break;
      }
    }
    this.positions.record(object, start, this.#at);
    return object;
  }

  #array(start: number, depth: number): JsonValue {
    if (depth >= MAX_DEPTH) throw new Fault({ kind: 'too-deep', offset: start });
    const array: JsonValue[] = [];
    this.#at += 1;
    this.#skipSpace();
    if (this.text.charCodeAt(this.#at) === 0x5d) this.#at += 1;
    else {
      do array.push(this.value(depth + 1));
      while (!this.#closes(0x5d, '`,` or `]`'));
    }
    this.positions.record(array, start, this.#at);
    return array;
  }

  #string(): string {
    const start = this.#at;
    let escaped = false;
    for (let at = start + 1; ; at += 1) {
      const unit = this.text.charCodeAt(at);
      if (unit === 0x22) {
        this.#at = at + 1;
        if (!escaped) return this.text.slice(start + 1, at);
        return this.#unescape(this.text.slice(start, at + 1), start);
      }
      if (unit === 0x5c) {
        escaped = true;
        at += 1;
      } else if (!(unit >= 0x20)) {
        this.#at = Math.min(at, this.text.length);
        this.#fail('the closing `"` of a string');
      }
    }
  }

  #unescape(quoted: string, start: number): string {
    try {
      return JSON.parse(quoted) as string;
    } catch {
      this.#at = start;
      return this.#fail('a string with valid escapes');
    }
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.text);
    if (match === null) return this.#fail('a value');
    this.#at = NUMBER.lastIndex;
    return Number(match[0]);
  }

  #word<Value extends JsonValue>(word: string, value: Value): Value {
    if (!this.text.startsWith(word, this.#at)) this.#fail('a value');
    this.#at += word.length;
    return value;
  }

  /** True where the container closes, false where a comma says that it goes on. */
  #closes(close: number, expected: string): boolean {
    this.#skipSpace();
    const unit = this.text.charCodeAt(this.#at);
    if (unit !== close && unit !== 0x2c) this.#fail(expected);
    this.#at += 1;
    return unit === close;
  }

  #expect(unit: number, expected: string): void {
    this.#skipSpace();
    if (this.text.charCodeAt(this.#at) !== unit) this.#fail(expected);
    this.#at += 1;
  }

  #skipSpace(): void {
    for (;;) {
      const unit = this.text.charCodeAt(this.#at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.#at += 1;
    }
  }

  #fail(expected: string): never {
    const found = this.#at >= this.text.length ? 'the end of the text' : 'something else';
    const reason = `expected ${expected}, found ${found}`;
    throw new Fault({ kind: 'syntax', reason, offset: this.#at });
  }
}

/** A plain assignment to this key would set the prototype. */
function defineOwn(object: object, key: string, value: JsonValue): void {
  Object.defineProperty(object, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}
