/** What a guest says over its serial line, one JSON line at a time. */

export type Harden = '0' | '2';

export type GuestLine =
  /** A verdict table; what became of each of its flows, in words. */
  | { readonly kind: 'table'; readonly name: string; readonly flows: readonly string[] }
  /** The packet path's cases in one layout, each of which may surprise. */
  | {
      readonly kind: 'cases';
      readonly layout: string;
      readonly cases: number;
      readonly packets: number;
      readonly objects: number;
      readonly surprises: readonly string[];
    }
  /** An object that was loaded for some pods. */
  | { readonly kind: 'object'; readonly name: string; readonly pods: number }
  /** Connections between namespaces, over veths. */
  | { readonly kind: 'wire'; readonly tried: number; readonly surprises: readonly string[] }
  /** Everything that follows is with this setting of net.core.bpf_jit_harden. */
  | { readonly kind: 'harden'; readonly harden: Harden }
  | { readonly kind: 'failed'; readonly what: string; readonly why: string }
  /** The last one: without it, the guest has not come to its end. */
  | { readonly kind: 'end'; readonly release: string; readonly seconds: number };

const MARK = '@policyc ';

export function writeLine(line: GuestLine): string {
  return `${MARK}${JSON.stringify(line)}\n`;
}

/** Undefined for what the kernel or another program of the guest says. */
export function readLine(text: string): GuestLine | undefined {
  const start = text.indexOf(MARK);
  return start < 0 ? undefined : (JSON.parse(text.slice(start + MARK.length)) as GuestLine);
}
