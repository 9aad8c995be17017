/** Explanations for machines: the same facts as the text, all of them. */
import type { Answer, ExplainedSide, Explanation } from '../../analysis/explain.js';
import type { Changes } from '../../analysis/explain/changes.js';
import { nameOf } from '../../analysis/explain/members.js';
import { clauseText, demandText, remoteName } from '../../analysis/explain/words.js';
import type { SideCase } from '../../analysis/explain/sides.js';
import { portRanges } from '../../analysis/port-set.js';
import { formatAddress } from '../../address.js';
import { reportJudgement } from '../../ir/flows.js';
import { firstMiss, type Alternative, type Clause } from '../../ir/interpret/clauses.js';
import type { PacketView } from '../../ir/interpret/match.js';
import type { RuleTrace, TierTrace } from '../../ir/interpret/trace.js';
import { policyName, type NormalModel } from '../../ir/normal-model.js';
import { formatPlace } from '../../source.js';
import { nearestAlternative } from '../../analysis/explain/nearness.js';
import { editText } from './changes-text.js';
import { linesOf } from './edit-lines.js';

export function explanationJson(explanation: Explanation, model: NormalModel): object {
  const { from, to, answers, others, otherFamily } = explanation;
  return {
    from: from.text,
    to: to.text,
    answers: answers.map((answer) => answerJson(answer, model)),
    pods: others,
    otherFamily: otherFamily ?? null,
  };
}

function answerJson({ ports, flow, judged, sides, changes }: Answer, model: NormalModel): object {
  const { from, to, protocol, port, targets } = flow;
  return {
    ports: portRanges(ports),
    flow: {
      from: formatAddress(from.address),
      to: formatAddress(to.address),
      protocol,
      port,
      targets: targets.map(({ address, port: at, pod }) => ({
        address: formatAddress(address),
        port: at,
        pod: pod === undefined ? null : nameOf(pod),
      })),
    },
    verdict: judged.verdict,
    sides: sides.map((side) => sideJson(side, model)),
    changes: changes === undefined ? null : changesJson(changes),
  };
}

function changesJson({ to, changes, tried, never }: Changes): object {
  return {
    to,
    tried,
    never: never ?? null,
    changes: changes.map(({ edits, besides }) => ({
      edits: edits.map((edit) => ({
        kind: edit.kind,
        text: editText(edit),
        write: linesOf(edit),
        ...('set' in edit ? { set: edit.set, remove: edit.remove } : {}),
        ...('policy' in edit ? { policy: policyName(edit.policy) } : {}),
        ...('rule' in edit ? { rule: edit.rule.name, at: formatPlace(edit.rule.origin) } : {}),
      })),
      besides: besides ?? null,
    })),
  };
}

function sideJson(side: ExplainedSide, model: NormalModel): object {
  const { direction, subject, judgement, cases, alike, service, path, nearSubject } = side;
  return {
    direction,
    pod: nameOf(subject),
    service: service === undefined ? null : nameOf(service),
    alike: alike.map(nameOf),
    ...reportJudgement(model, judgement),
    cases: cases.map((one) => caseJson(one, model)),
    nearestUnselecting:
      nearSubject === undefined
        ? null
        : {
            policy: policyName(nearSubject.policy),
            requirement: nearSubject.requirement,
            value: nearSubject.value ?? null,
            at: formatPlace(nearSubject.origin),
          },
    bytecode: { ...path, judgement: reportJudgement(model, path.judgement) },
  };
}

function caseJson({ remote, port, judgement, trace, alike }: SideCase, model: NormalModel): object {
  return {
    remote: remoteName(remote),
    address: formatAddress(remote.address),
    port,
    alike,
    ...reportJudgement(model, judgement),
    tiers: (trace?.tiers ?? []).map((tier) => trace && tierJson(tier, trace.packet)),
  };
}

function tierJson({ tier, outcome, policies, elsewhere }: TierTrace, packet: PacketView): object {
  return {
    tier: tier.name,
    outcome,
    policies: policies.map(({ policy, isolates, rules }) => ({
      kind: policy.kind,
      policy: policyName(policy),
      at: formatPlace(policy.origin),
      ...(policy.owner === undefined ? {} : { owner: policy.owner }),
      ...(policy.contact === undefined ? {} : { contact: policy.contact }),
      isolates,
      rules: rules.map((rule) => ruleJson(rule, packet)),
    })),
    otherDirection: elsewhere.map(policyName),
  };
}

function ruleJson(trace: RuleTrace, packet: PacketView): object {
  const { rule, matches, expired, alternatives } = trace;
  const nearest = nearestAlternative(trace);
  const missed = !matches && nearest ? firstMiss(nearest.alternative) : undefined;
  return {
    rule: rule.name,
    action: rule.action,
    at: formatPlace(rule.origin),
    matches,
    expired,
    distance: nearest?.distance ?? null,
    firstMiss: missed === undefined ? null : clauseJson(missed, packet),
    peers: alternatives.map((one) => alternativeJson(one, packet)),
  };
}

function alternativeJson({ peer, clauses }: Alternative, packet: PacketView): object {
  return {
    peer: peer?.kind ?? null,
    clauses: clauses.map((clause) => clauseJson(clause, packet)),
  };
}

function clauseJson(clause: Clause, packet: PacketView): object {
  return {
    clause: clause.kind,
    holds: clause.holds,
    asks: demandText(clause) ?? null,
    why: clauseText(clause, packet),
    at: formatPlace(clause.origin),
  };
}
