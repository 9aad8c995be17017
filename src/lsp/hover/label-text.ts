/** Labels of a condition: which values the cluster has, and who carries them. */
import type { Condition, PeerNode } from '../../parser/ast.js';
import { plural } from '../../render/terminal.js';
import { labelsOf, type LabelOwner, type LabelSource } from '../completion/labels.js';
import { holds } from '../workspace/positions.js';
import { bullets } from './members.js';
import { code } from './words.js';

type Test = Extract<Condition, { readonly kind: 'test' }>;

/** @param peer that the condition belongs to; @param here the namespace block around it */
export function ownerAt(peer: PeerNode, offset: number, here: string | undefined): LabelOwner {
  if (peer.kind === 'nodes') return { kind: 'nodes' };
  if (peer.kind !== 'pods') return { kind: 'pods' };
  const { scope } = peer;
  if (scope.kind === 'matching' && holds(scope.where.span, offset)) return { kind: 'namespaces' };
  const namespace =
    scope.kind === 'named' ? scope.namespace.text : scope.kind === 'here' ? here : undefined;
  return namespace === undefined ? { kind: 'pods' } : { kind: 'pods', namespace };
}

export function labelText({ key, values }: Test, owner: LabelOwner, source: LabelSource): string {
  const noun = { pods: 'pod', namespaces: 'namespace', nodes: 'node' }[owner.kind];
  const where =
    owner.kind === 'pods' && owner.namespace !== undefined
      ? ` in namespace ${code(owner.namespace)}`
      : '';
  const found = labelsOf(owner, source).get(key.text) ?? new Map<string, number>();
  if (source.cluster === undefined || found.size === 0) {
    return source.cluster === undefined
      ? `Label ${code(key.text)} of ${noun}s${where}.`
      : `**No ${noun}**${where} of the cluster has a label ${code(key.text)}.`;
  }
  const wanted = new Set(values.map(({ text }) => text));
  const missing = [...wanted].filter((value) => !found.has(value));
  const lines = [...found].map(([value, count]) => {
    const line = `${code(value)}: ${plural(count, noun)}`;
    return wanted.has(value) ? `**${line}**` : line;
  });
  const title = `Label ${code(key.text)} of ${noun}s${where}, in the cluster:`;
  const lost = missing.map((value) => `**No ${noun}** has the value ${code(value)}.`);
  return [title, bullets(lines), ...lost].join('\n\n');
}
