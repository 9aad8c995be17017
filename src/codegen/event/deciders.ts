/** The deciders that log, by the numbers that cells have: what turns an event into a rule and its line. */
import { createHash } from 'node:crypto';
import {
  deciderName,
  deciderOrigin,
  type Decider,
  type NormalModel,
} from '../../ir/normal-model.js';
import { placeOf } from '../../source.js';

export interface LoggingDecider {
  readonly id: number;
  readonly name: string;
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** By number. */
export function loggingDeciders(model: NormalModel): readonly LoggingDecider[] {
  return model.deciders.flatMap((decider, id) => {
    if (!logs(decider)) return [];
    const name = deciderName(decider);
    const origin = deciderOrigin(decider);
    if (name === undefined || origin === undefined) return [];
    return [{ id, name, ...placeOf(origin) }];
  });
}

/**
 * Tells one policy's numbers from another's: events stay in the buffer while the policy is replaced.
 * The first four bytes of a SHA-256.
 */
export function fingerprintOf(deciders: readonly LoggingDecider[]): number {
  const rows = deciders.map(({ id, name, path, line, column }) => [id, name, path, line, column]);
  return createHash('sha256').update(JSON.stringify(rows)).digest().readUInt32LE(0);
}

function logs(decider: Decider): boolean {
  switch (decider.kind) {
    case 'none':
      return false;
    case 'rule':
      return decider.rule.log;
    case 'isolation':
      return decider.policy.logsIsolation;
  }
}
