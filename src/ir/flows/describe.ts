/** Flows in words, for messages. */
import type { Flow } from '../flows.js';

/** `shop/web to shop/db at 5432/TCP (IPv4)`. */
export function describeFlow({ from, to, protocol, port, family }: Flow): string {
  const at = protocol.startsWith('ICMP') ? `by ${protocol}` : `at ${port}/${protocol}`;
  return `\`${from.text}\` to \`${to.text}\` ${at} (IPv${family})`;
}
