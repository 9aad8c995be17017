/** What a bundle takes on a node, in words. */
import { formatBytes } from '../byte-sizes.js';
import type { NodeMemory } from '../codegen/layout/memory.js';

/** Bytes to the byte, as the kernel accounts them; and whom they belong to. */
export function memoryText({
  total,
  node,
  generation,
  perPod,
  pods,
  duringSwap,
}: NodeMemory): string {
  return (
    `${total} bytes (${formatBytes(total)}): ${node} of the node's connections, events and gates, ` +
    `${generation} of tables, ${perPod} for each of the pods (${pods}); ` +
    `${duringSwap} while generations change`
  );
}
