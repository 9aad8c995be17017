/** Hover in Kubernetes manifests: what a policy selects, what a rule allows, who a peer is. */
import type { Policy, Rule } from '../../ir/model.js';
import { plural } from '../../render/terminal.js';
import { placeAt, type SourceFile } from '../../source.js';
import { joined, peersText, type HoverText } from '../hover/hover-policy.js';
import { membersText, podsOf, podsText } from '../hover/members.js';
import { namespaceText } from '../hover/objects.js';
import {
  capital,
  code,
  listWords,
  peersWords,
  podsWords,
  portsWords,
  ruleSentence,
} from '../hover/words.js';
import type { Cursor } from '../language/navigate.js';
import { holds } from '../workspace/positions.js';
import { objectAt, policyOf } from './manifest.js';
import {
  documentAt,
  startsWith,
  type YamlDocument,
  type YamlEntry,
  type YamlPath,
} from './walk.js';

export function hoverManifest(cursor: Cursor, source: SourceFile): HoverText | undefined {
  const { view, path, offset } = cursor;
  const line = placeAt(source, offset).line - 1;
  const document = documentAt(source, line);
  const entry = document.entries.findLast(
    ({ at, value, line: own }) =>
      own === line && (holds(at, offset) || (value !== undefined && holds(value, offset))),
  );
  if (entry === undefined) return undefined;
  const object = objectAt(document, entry.path);
  if (object === undefined) return undefined;
  const inner = entry.path.slice(object.root.length);
  const at = entry.value !== undefined && holds(entry.value, offset) ? entry.value : entry.at;
  if (inner[0] === 'metadata' && inner[1] === 'namespace' && entry.value !== undefined) {
    const name = source.text.slice(entry.value.start, entry.value.end);
    return { text: namespaceText(name, view.cluster), at };
  }
  const policy = policyOf(view, path, document, object);
  if (policy === undefined) return undefined;
  const text = policyText(policy, inner, { ...cursor, source, document, entry, root: object.root });
  return text === undefined ? undefined : { text, at };
}

interface Around extends Cursor {
  readonly source: SourceFile;
  readonly document: YamlDocument;
  readonly entry: YamlEntry;
  readonly root: YamlPath;
}

function policyText(policy: Policy, path: YamlPath, around: Around): string | undefined {
  const [first, second, index, part, peerIndex] = path;
  if (first === 'kind' || first === 'metadata') return summary(policy, around);
  if (first !== 'spec') return undefined;
  if (second === undefined) return summary(policy, around);
  if (second === 'podSelector' || second === 'subject') return subjectText(policy, around);
  if (second === 'policyTypes') return isolationText(policy);
  if (second !== 'ingress' && second !== 'egress') return undefined;
  const rules = policy.rules.filter(({ direction }) => direction === second);
  if (typeof index !== 'number')
    return joined(rules.map((rule) => `- ${sentenceOf(policy, rule)}`));
  const rule = rules[index];
  if (rule === undefined) return undefined;
  if (part === 'ports' || part === 'protocols') return `${capital(portsWords(rule.ports))}.`;
  const isPeer = (part === 'from' || part === 'to') && typeof peerIndex === 'number';
  const peers = isPeer
    ? peersAt(rule, around, [...around.root, 'spec', second, index, part, peerIndex])
    : [];
  if (peers.length > 0) return peersText(peers, around.view.cluster);
  return joined([
    sentenceOf(policy, rule),
    around.view.cluster === undefined ? '' : (membersText(rule.peers, around.view.cluster) ?? ''),
  ]);
}

/** The peers of the model that were made from one item, by their places; none if the text has moved on. */
function peersAt(rule: Rule, { source, document }: Around, item: YamlPath): Rule['peers'] {
  const own = document.entries.filter(({ path }) => startsWith(path, item));
  const first = own[0]?.at.start;
  const after = document.entries.find(
    ({ at, path }) => at.start > (own.at(-1)?.at.start ?? 0) && !startsWith(path, item),
  );
  const end = after?.at.start ?? source.text.length;
  return rule.peers.filter(
    ({ origin }) =>
      origin.file.text === source.text &&
      first !== undefined &&
      origin.start >= first &&
      origin.start < end,
  );
}

function sentenceOf(policy: Policy, rule: Rule): string {
  const subject = listWords([...new Set(policy.subjects.map(podsWords))], 'or');
  const { direction, action, ports, log, reject } = rule;
  return ruleSentence({
    direction,
    action,
    ports,
    log,
    reject,
    subject,
    peers: peersWords(rule.peers),
  });
}

function subjectText(policy: Policy, { view }: Around): string {
  const words = listWords([...new Set(policy.subjects.map(podsWords))], 'or');
  const { cluster } = view;
  return joined([
    `The policy holds for ${words}.`,
    cluster === undefined ? '' : podsText(podsOf(policy.subjects, cluster)),
  ]);
}

function isolationText({ isolates }: Policy): string {
  const directions = (['ingress', 'egress'] as const).filter((one) => isolates[one]);
  if (directions.length === 0) return 'The policy isolates nothing.';
  return `Isolates its pods for ${listWords(directions, 'and')}: what no policy allows is denied.`;
}

function summary(policy: Policy, around: Around): string {
  const title = `**${policy.kind}** ${code(policy.name)}${policy.namespace === undefined ? '' : ` of namespace ${code(policy.namespace)}`}, ${plural(policy.rules.length, 'rule')}`;
  const place =
    policy.namespace === undefined
      ? `Tier ${code(policy.tier)}, priority ${policy.priority}.`
      : isolationText(policy);
  return joined([title, place, subjectText(policy, around)]);
}
