/** What would have to change, for people: each edit in a sentence, with its place and what it does besides. */
import type { Change, Changes } from '../../analysis/explain/changes.js';
import type { Edit } from '../../analysis/explain/edits.js';
import { matchText } from '../../analysis/explain/words.js';
import type { FlowEnd } from '../../ir/flows.js';
import { policyName, type NormalPolicy, type NormalRule } from '../../ir/normal-model.js';
import { plural } from '../../render/terminal.js';
import { visible } from '../../render/visible-text.js';
import { linesOf, peerText } from './edit-lines.js';
import { at, policyTitle, type TextOptions } from './rule-text.js';
import { verdictWord } from './side-text.js';

export function changesText(
  { to, changes, never, tried }: Changes,
  ends: { readonly from: FlowEnd; readonly to: FlowEnd },
  { paint }: TextOptions,
): readonly string[] {
  const title = paint('strong', `What would have to change for this to be ${verdictWord(to)}`);
  if (never !== undefined) return [title, `  ${NEVER[never]}`];
  if (changes.length === 0) {
    const count = tried === 0 ? '' : ` (${tried} were tried)`;
    return [title, `  no edit of one rule or label does it, nor two together${count}`];
  }
  const several = (changes[0]?.edits.length ?? 0) > 1;
  const lead = to === 'allow' && several ? ['  no single edit does it; together these do:'] : [];
  return [
    `${title}${paint('faint', ' (each was tried: it gives that verdict)')}`,
    ...lead,
    ...changes.flatMap((change, i) => changeLines(change, i, to, ends, paint)),
  ];
}

const NEVER = {
  self: 'nothing: no policy keeps a pod from itself',
  'own-node': 'nothing: no policy keeps a node from its own pods',
  unheld:
    'no policy: the address is in a pod range, and no pod of the cluster that was given has it; is the cluster up to date?',
  'no-endpoint': 'no policy: the Service needs a ready endpoint that serves this port',
} as const;

function changeLines(
  { edits, besides }: Change,
  index: number,
  to: Changes['to'],
  ends: { readonly from: FlowEnd; readonly to: FlowEnd },
  paint: TextOptions['paint'],
): readonly string[] {
  const lines = edits.flatMap((edit, i) => {
    const lead = i === 0 ? `  ${index + 1}. ` : '     and ';
    return [
      `${lead}${visible(editText(edit))}`,
      ...linesOf(edit).map((line) => `       ${paint('code', visible(line))}`),
    ];
  });
  const labels = edits.some(({ kind }) => kind === 'label-pods' || kind === 'label-namespace');
  const more = labels ? '; whatever else goes by the label changes too' : '';
  return [...lines, `     ${paint('faint', visible(besidesText(besides, to, ends) + more))}`];
}

export function editText(edit: Edit): string {
  switch (edit.kind) {
    case 'label-pods': {
      const what = labelWords(edit);
      const many = edit.pods.length > 1 ? ` (${plural(edit.pods.length, 'pod')})` : '';
      return `label ${edit.name.includes(' ') ? edit.name : `pod ${edit.name}`} in ${edit.namespace}${many}: ${what}`;
    }
    case 'label-namespace':
      return `label namespace ${edit.namespace}: ${labelWords(edit)}`;
    case 'add-port':
      return `add port ${matchText(edit.port)} to ${ruleAt(edit)}`;
    case 'add-peer':
      return `add ${peerText(edit.peer)} to the peers of ${ruleAt(edit)}`;
    case 'add-rule': {
      const where =
        edit.policy.kind === 'namespace'
          ? `namespace ${edit.policy.namespace ?? ''}`
          : policyTitle(edit.policy);
      const first = edit.policy.tier === 'networkpolicy' ? '' : ' in front of its others';
      const every = edit.port === undefined ? ', for every port: no rule can name ICMP alone' : '';
      return `add ${edit.action === 'pass' ? 'a pass' : 'an allow'} rule for ${edit.direction} to ${where}${first} (${at(edit.policy.origin)})${every}`;
    }
    case 'remove-rule':
      return `remove ${ruleAt(edit)}`;
    case 'remove-port':
      return `take port ${matchText(edit.port)} out of ${ruleAt(edit)}`;
    case 'remove-peer':
      return `take the peer at ${at(edit.peer.origin)} out of ${ruleAt(edit)}`;
    case 'isolate': {
      const what = edit.direction === 'ingress' ? 'comes in' : 'goes out';
      return `add a NetworkPolicy that isolates ${edit.pod.namespace}/${edit.pod.name} for ${edit.direction}; it denies all that ${what}, until rules allow it`;
    }
  }
}

function ruleAt({
  policy,
  rule,
}: {
  readonly policy: NormalPolicy;
  readonly rule: NormalRule;
}): string {
  return `${policyName(policy)} ${rule.name} (${at(rule.origin)})`;
}

function labelWords({
  set,
  remove,
}: Extract<Edit, { kind: 'label-pods' | 'label-namespace' }>): string {
  return [
    ...Object.entries(set).map(([key, value]) => `${key}=${value}`),
    ...remove.map((key) => `without ${key}`),
  ].join(', ');
}

function besidesText(
  besides: Change['besides'],
  to: Changes['to'],
  ends: { readonly from: FlowEnd; readonly to: FlowEnd },
): string {
  if (besides === undefined)
    return 'what else it changes was not counted: too many rules select the two';
  const { senders, receivers } = besides;
  const gain = to === 'allow';
  const parts: string[] = [];
  if (senders > 0) {
    const others = plural(senders, 'other pod');
    parts.push(
      `${others} ${gain ? `could then reach ${ends.to.text} too` : `could no longer reach ${ends.to.text}`}`,
    );
  }
  if (receivers > 0) {
    const others = plural(receivers, 'other pod');
    parts.push(
      `${ends.from.text} could ${gain ? 'then reach' : 'no longer reach'} ${others}${gain ? ' too' : ''}`,
    );
  }
  return parts.length === 0
    ? 'over this port nothing else changes between the two and other pods'
    : `besides: over this port ${parts.join(', and ')}`;
}
