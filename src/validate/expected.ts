/** Expected ends: what the model says becomes of a packet, in the terms in which bytecode answers. */
import { decodeCell, DROP, OUTCOMES, PASS, REDIRECT, type Cell } from '../codegen/layout.js';
import type { PacketVerdict } from '../codegen/packet-judge.js';
import type { Judgement, NormalModel } from '../ir/normal-model.js';

/** A judgement, and what else its decider asks for. */
export type Expected = Omit<Cell, 'decider'> & { readonly decider: number };

/** Turns judgements into what the cell must say; the same judgement gives the same object. */
export function createExpectations(model: NormalModel): (judgement: Judgement) => Expected {
  const known = new Map<string, Expected>();
  return ({ verdict, reason, decider }) => {
    const key = `${verdict} ${reason} ${decider}`;
    let expected = known.get(key);
    if (expected === undefined) {
      expected = { verdict, reason, decider, ...effectsOf(model, decider, verdict) };
      known.set(key, expected);
    }
    return expected;
  };
}

function effectsOf(
  { deciders }: NormalModel,
  id: number,
  verdict: Judgement['verdict'],
): Pick<Cell, 'log' | 'reject'> {
  const decider = deciders[id];
  switch (decider?.kind) {
    case 'rule':
      return { log: decider.rule.log, reject: decider.rule.reject && verdict === 'deny' };
    case 'isolation':
      return { log: decider.policy.logsIsolation, reject: false };
    case 'none':
    case undefined:
      return { log: false, reject: false };
  }
}

/** What the bytecode said, for people: `allow, by rule 3`, or how the packet ended without a judgement. */
export interface Answer {
  readonly verdict: 'allow' | 'deny';
  readonly reason: string;
  readonly decider: number;
  readonly note: string;
}

/** Undefined where the run ended as expected. */
export function firstPacketFault(
  expected: Expected,
  { result, cb: [word = 0, outcome = 0] }: PacketVerdict,
): Answer | undefined {
  const passed = result === PASS;
  const dropped = result === DROP || (result === REDIRECT && expected.reject);
  const judged = OUTCOMES[outcome] === 'judged';
  const cell = judged ? readCell(word) : undefined;
  if (
    cell !== undefined &&
    (expected.verdict === 'allow' ? passed : dropped) &&
    cell.verdict === expected.verdict &&
    cell.reason === expected.reason &&
    cell.decider === expected.decider &&
    cell.log === expected.log &&
    cell.reject === expected.reject
  ) {
    return undefined;
  }
  const notes = [
    ...(judged ? [] : [`it ended as ${OUTCOMES[outcome] ?? `outcome ${outcome}`}`]),
    ...(cell === undefined && judged ? [`its cell is 0x${word.toString(16)}`] : []),
    ...(cell !== undefined && (cell.verdict === 'allow') !== passed
      ? [`its cell says ${cell.verdict}, but it returned ${result}`]
      : []),
    ...(cell !== undefined && cell.log !== expected.log ? ['it does not log alike'] : []),
    ...(cell !== undefined && cell.reject !== expected.reject ? ['it does not reject alike'] : []),
  ];
  return {
    verdict: passed ? 'allow' : 'deny',
    reason: cell?.reason ?? 'none',
    decider: cell?.decider ?? 0,
    note: notes.join('; '),
  };
}

function readCell(word: number): Cell | undefined {
  try {
    return decodeCell(word);
  } catch {
    return undefined;
  }
}
