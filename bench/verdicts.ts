/** Makes sure that a program judges as it should before it is timed. */
import { PASS } from '../src/codegen/layout.js';
import { testSkb } from '../src/loader/test-skb.js';
import type { Candidate } from './measure.js';
import { packetOf, type Flow, type FlowPart, type Traffic } from './packets.js';

/** Every so many packets one is tried. */
const STEP = 64;

export function checkVerdicts(
  { name, program }: Candidate,
  flows: readonly Flow[],
  part: FlowPart,
  traffic: Traffic,
): void {
  for (let i = 0; i < flows.length; i += STEP) {
    const flow = flows[i];
    if (flow === undefined) continue;
    const { action } = testSkb(program, packetOf(part, flow), { ingressIfindex: 1 });
    if ((action === PASS) !== (traffic === 'allowed')) {
      throw new Error(`${name}: packet ${i}, to be ${traffic}, ended with ${action}`);
    }
  }
}
