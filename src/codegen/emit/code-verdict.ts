/** Emits a direction's rules as compares and jumps, each instruction under its rule's own line. */
import { bug } from '../../diagnostics.js';
import type { Direction } from '../../ir/model.js';
import type { NormalPolicy, NormalRule, Reason } from '../../ir/normal-model.js';
import { NO_DECIDER, deciderName, type DeciderId } from '../../ir/normal-model.js';
import { predicateOf, rulesOf, type VerdictLayout } from '../../ir/plan.js';
import { r1, r2, r3, r7, r8, r9, type Assembler } from '../assembly/assembler.js';
import { emitLoadField } from './fields.js';
import { EXIT } from './frame.js';
import { CLASS_BITS, encodeCell, portIndex, SHAPE, SUBJECT, TABLES } from '../layout.js';

type CodeLayout = Extract<VerdictLayout, { kind: 'code' }>;

/** Predicates of ingress are in the lower word of a class's bits, those of egress in the upper. */
export const BITS_WORD = { ingress: 0, egress: 4, size: 8 } as const;

/** r8 = entry, r9 = port index → r7 = cell, then jumps to `done`. Clobbers r0 to r3. */
export function emitCodeVerdict(
  asm: Assembler,
  direction: Direction,
  layout: CodeLayout,
  done: string,
): void {
  asm.mov(r1, r8);
  asm.and32(r1, (1 << CLASS_BITS) - 1);
  emitLoadField(asm, r3, 'shape', SHAPE.bitsCount);
  asm.branch('ge', r1, r3, EXIT.corrupt);
  asm.lsh(r1, 3);
  asm.loadTable(r3, TABLES.bits, BITS_WORD[direction]);
  asm.add(r3, r1);
  asm.load(4, r1, r3, 0).comment('r1: the predicates that the peer satisfies');
  emitLoadField(asm, r2, 'subject', SUBJECT.policies[direction]);
  const emitter: CodeEmitter = { asm, direction, layout, done };
  for (const tier of tiersOf(layout)) emitTier(emitter, tier);
  emitCell(emitter, 'allow', 'default', NO_DECIDER);
}

interface CodeEmitter {
  readonly asm: Assembler;
  readonly direction: Direction;
  readonly layout: CodeLayout;
  readonly done: string;
}

/** Policies are in decision order, so that those of a tier stand together. */
function tiersOf(layout: CodeLayout): readonly (readonly NormalPolicy[])[] {
  const tiers = new Map<string, NormalPolicy[]>();
  for (const policy of layout.policies) {
    const found = tiers.get(policy.tier);
    if (found === undefined) tiers.set(policy.tier, [policy]);
    else found.push(policy);
  }
  return [...tiers.values()];
}

function emitTier(emitter: CodeEmitter, policies: readonly NormalPolicy[]): void {
  const { asm, direction } = emitter;
  const nextTier = asm.freshLabel('next_tier');
  for (const policy of policies) {
    const rules = rulesOf(policy, direction);
    if (rules.length === 0) continue;
    const nextPolicy = asm.freshLabel('next_policy');
    const selected = 1 << emitter.layout.policies.indexOf(policy);
    asm.withOrigin(policy.origin, () => {
      const selects = asm.freshLabel('selected');
      asm.branch('set', r2, selected, selects);
      asm.jump(nextPolicy);
      asm.label(selects);
    });
    for (const rule of rules) {
      asm.withOrigin(rule.origin, () => emitRule(emitter, policy, rule, nextTier));
    }
    asm.label(nextPolicy);
  }
  for (const policy of policies) {
    if (!policy.isolates[direction]) continue;
    const next = asm.freshLabel('not_isolated');
    asm.withOrigin(policy.origin, () => {
      const isolated = asm.freshLabel('isolated');
      asm.branch('set', r2, 1 << emitter.layout.policies.indexOf(policy), isolated);
      asm.jump(next);
      asm.label(isolated);
      emitCell(emitter, 'deny', 'isolation', policy.isolation[direction], policy.logsIsolation);
    });
    asm.label(next);
  }
  asm.label(nextTier);
}

function emitRule(
  emitter: CodeEmitter,
  policy: NormalPolicy,
  rule: NormalRule,
  nextTier: string,
): void {
  const { asm } = emitter;
  asm.comment(deciderName({ kind: 'rule', policy, rule }) ?? rule.name);
  const next = asm.freshLabel('next_rule');
  emitPeers(emitter, rule, next);
  emitPorts(emitter, rule, next);
  if (rule.action === 'pass') asm.jump(nextTier);
  else emitCell(emitter, rule.action, 'rule', rule.id, rule.log, rule.reject);
  asm.label(next);
}

/** Goes to `next` if no peer of the rule holds. */
function emitPeers(emitter: CodeEmitter, rule: NormalRule, next: string): void {
  const { asm, layout } = emitter;
  if (rule.peers.some((peer) => peer.kind === 'any' && predicateOf(rule, peer) === undefined))
    return;
  let wanted = 0;
  for (const peer of rule.peers) {
    const predicate = predicateOf(rule, peer);
    if (predicate === undefined) continue;
    const bit = layout.predicates.findIndex((one) => one.key === predicate.key);
    if (bit < 0) bug(`the plan lacks the predicate ${predicate.key}`);
    wanted |= 1 << bit;
  }
  const holds = asm.freshLabel('peer');
  if (wanted !== 0) asm.branch('set', r1, wanted, holds);
  asm.jump(next);
  asm.label(holds);
}

/** Goes to `next` if no port of the rule holds. Port indexes make protocol and port one compare. */
function emitPorts(emitter: CodeEmitter, rule: NormalRule, next: string): void {
  const { asm } = emitter;
  if (rule.ports === 'every') return;
  const holds = asm.freshLabel('port');
  for (const match of rule.ports) {
    if (match.kind === 'named') bug('a named port in a code layout');
    const first = portIndex(match.protocol, match.first);
    const last = portIndex(match.protocol, match.last);
    if (first === last) {
      asm.branch('eq', r9, first, holds);
      continue;
    }
    const below = asm.freshLabel('below');
    asm.branch('lt', r9, first, below);
    asm.branch('le', r9, last, holds);
    asm.label(below);
  }
  asm.jump(next);
  asm.label(holds);
}

function emitCell(
  emitter: CodeEmitter,
  verdict: 'allow' | 'deny',
  reason: Reason,
  decider: DeciderId,
  log = false,
  reject = false,
): void {
  emitter.asm.mov32(r7, encodeCell({ verdict, reason, decider, log, reject }));
  emitter.asm.jump(emitter.done);
}
