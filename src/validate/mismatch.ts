/** A mismatch as a diagnostic: the packet, both answers and both rules. */
import { formatAddress } from '../address.js';
import { diagnostic, type Diagnostic, type RelatedSpan } from '../diagnostics.js';
import { deciderName, deciderOrigin, type NormalModel } from '../ir/normal-model.js';
import type { Mismatch } from './replay.js';

export function mismatchDiagnostic(mismatch: Mismatch, model: NormalModel): Diagnostic {
  const { pod, program, what, expected, found, packet } = mismatch;
  const answer = (verdict: string, reason: string, decider: number): string => {
    const known = model.deciders[decider];
    const name = known === undefined ? `decider ${decider}` : deciderName(known);
    return name === undefined ? `${verdict} (${reason})` : `${verdict} by \`${name}\` (${reason})`;
  };
  const note = found.note === '' ? '' : `; ${found.note}`;
  const args = {
    program,
    pod: `${pod.namespace}/${pod.name}`,
    flow: flowText(mismatch),
    what,
    model:
      what === 'reply' ? 'it passes' : answer(expected.verdict, expected.reason, expected.decider),
    bytecode: `${answer(found.verdict, found.reason, found.decider)}${note}`,
    packet: Buffer.from(packet).toString('hex'),
  };
  const origin = (decider: number): ReturnType<typeof deciderOrigin> =>
    deciderOrigin(model.deciders[decider] ?? { kind: 'none' });
  const right = origin(expected.decider);
  const wrong = found.decider === expected.decider ? undefined : origin(found.decider);
  const related: readonly RelatedSpan[] =
    wrong === undefined ? [] : [{ span: wrong, message: 'the bytecode answers by this' }];
  return diagnostic('validate/mismatch', args, right, right === undefined ? [] : related);
}

function flowText({ direction, own, remote, protocol, port, localOrigin, what }: Mismatch): string {
  const [from, to] = direction === 'ingress' ? [remote, own] : [own, remote];
  const origin = localOrigin ? ' made by its node' : '';
  const end = port === 0 && !what.startsWith('reply') ? protocol : `${protocol} port ${port}`;
  return `from ${formatAddress(from)} to ${formatAddress(to)}, ${end}${origin}`;
}
