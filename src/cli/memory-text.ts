/** What a bundle takes on a node, in words. */
import type { NodeMemory } from '../codegen/memory.js';

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
    `${total} bytes (${mebibytes(total)}): ${node} of the node's connections, events and gates, ` +
    `${generation} of tables, ${perPod} for each of the pods (${pods}); ` +
    `${duringSwap} while generations change`
  );
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
