/** What can stand at a place of a policy file, proposal by proposal. */
import { CompletionItemKind } from 'vscode-languageserver';
import type { IToken } from 'chevrotain';
import * as t from '../../../grammar/tokens.js';
import { isPolicyPod } from '../../ir/cluster.js';
import type { Home } from '../../ir/lower-policy/context.js';
import { readString } from '../../parser/policy/strings.js';
import { KEYWORD_DOCS } from '../hover/keyword-docs.js';
import { occurrencesIn } from '../language/navigate.js';
import type { View } from '../workspace/view.js';
import type { Place, Proposal } from './context.js';
import {
  keyOffers,
  namedPortOffers,
  namespaceOffers,
  RANK,
  serviceNamespaceOffers,
  serviceOffers,
  servicePortOffers,
  valueOffers,
  writtenName,
  type Offer,
} from './items.js';
import { labelsOf, type LabelOwner } from './labels.js';
import { nameOffers, placeOwner } from './names.js';
import { SNIPPETS } from './snippets.js';

/** Words of kinds that this version does not build. */
const UNBUILT: ReadonlySet<string> = new Set([
  'limit',
  'route',
  'observe',
  'rule',
  'trace',
  'feed',
]);
const SIGNS: ReadonlySet<string> = new Set(['->', '==', '!=', '=', '<=']);

export interface Surroundings {
  readonly view: View;
  readonly home: Home;
  readonly place: Place;
  /** Files that `use` may name, as it writes them. */
  readonly usable: () => readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function offersFor(proposal: Proposal, around: Surroundings): readonly Offer[] {
  const own = proposal.token === t.Name ? declaredName(around.place) : undefined;
  return offersOf(proposal, around).filter(({ label }) => label !== own);
}

const DECLARING = new Set([t.Group, t.SetWord, t.Ports]);

/** What a statement declares cannot name itself. */
function declaredName({ statement: [word, name] }: Place): string | undefined {
  const declares = word !== undefined && name !== undefined && DECLARING.has(word.tokenType);
  return declares ? name.image : undefined;
}

function offersOf(proposal: Proposal, around: Surroundings): readonly Offer[] {
  const { token } = proposal;
  const pattern = token.PATTERN;
  if (typeof pattern === 'string') return wordOffers(pattern, around);
  switch (token) {
    case t.Name:
      return names(proposal, around);
    case t.Word:
      return words(proposal, around);
    case t.StringLiteral:
      return texts(proposal, around);
    case t.NumberLiteral:
      return numbers(proposal, around);
    case t.Time:
      return times(around);
    default:
      return [];
  }
}

function wordOffers(word: string, { place }: Surroundings): readonly Offer[] {
  if (SIGNS.has(word))
    return [{ label: word, kind: CompletionItemKind.Operator, rank: RANK.keyword }];
  if (!t.KEYWORDS.has(word) || UNBUILT.has(word)) return [];
  const snippet = place.begins ? SNIPPETS[word] : undefined;
  const doc = KEYWORD_DOCS[word];
  return [
    {
      label: word,
      kind: CompletionItemKind.Keyword,
      rank: RANK.keyword,
      ...(doc === undefined ? {} : { doc }),
      ...(snippet === undefined ? {} : { snippet }),
    },
  ];
}

/** The rule that asks, past the ones that only hold a name. */
function asking({ rules, occurrences }: Proposal): {
  readonly rule: string;
  readonly occurrence: number;
} {
  const last = rules.length - 1;
  const isName = rules[last] === 'name' || rules[last] === 'anyName';
  return {
    rule: rules[isName ? last - 1 : last] ?? '',
    occurrence: (isName ? occurrences[last] : 0) ?? 0,
  };
}

function names(proposal: Proposal, around: Surroundings): readonly Offer[] {
  const { view, home } = around;
  const { rule, occurrence } = asking(proposal);
  switch (rule) {
    case 'reference':
      if (proposal.rules.includes('testEnd')) return podOffers(around);
      if (proposal.rules.includes('decider')) return deciderOffers(around);
      return nameOffers(view, home, ['group', 'set'], isClaim(proposal));
    case 'setOperand':
    case 'setItem':
      return nameOffers(view, home, ['set'], false);
    case 'portItem':
      return nameOffers(view, home, ['ports'], false);
    case 'policyHeader':
      return tierOffers(view);
    case 'exceptionBlock':
      return occurrence === 2 ? thingOffers(view, 'policy') : [];
    default:
      return [];
  }
}

function isClaim({ rules }: Proposal): boolean {
  return rules.includes('assertStatement');
}

function thingOffers(view: View, kind: 'policy' | 'tier'): readonly Offer[] {
  const found = occurrencesIn(view)
    .filter(({ declares, thing }) => declares && thing.kind === kind)
    .map(({ thing }) => thing.name);
  return [...new Set(found)].map((name) => ({
    label: name,
    insert: writtenName(name),
    kind: CompletionItemKind.Reference,
    detail: kind,
    rank: RANK.name,
  }));
}

function tierOffers(view: View): readonly Offer[] {
  const builtIn = ['admin', 'baseline'].map((label) => ({
    label,
    kind: CompletionItemKind.Reference,
    detail: 'built-in tier',
    rank: RANK.known,
  }));
  return [...thingOffers(view, 'tier'), ...builtIn];
}

function podOffers({ view }: Surroundings): readonly Offer[] {
  const names = new Map<string, string>();
  for (const pod of view.cluster?.pods.filter(isPolicyPod) ?? []) {
    const { namespace, name, workload } = pod;
    if (workload === undefined) names.set(`${namespace}/${name}`, 'pod');
    else names.set(`${namespace}/${workload.name}`, workload.kind);
  }
  return [...names].map(([label, detail]) => ({
    label,
    kind: CompletionItemKind.Reference,
    detail,
    rank: RANK.name,
  }));
}

function deciderOffers({ view }: Surroundings): readonly Offer[] {
  return (view.model?.policies ?? []).map(({ name, kind, namespace }) => ({
    label: name,
    insert: writtenName(name),
    kind: CompletionItemKind.Reference,
    detail: namespace === undefined ? kind : `${kind} of ${namespace}`,
    rank: RANK.name,
  }));
}

function words(proposal: Proposal, around: Surroundings): readonly Offer[] {
  const { view, place } = around;
  const { cluster } = view;
  const { rule, occurrence } = asking(proposal);
  switch (rule) {
    case 'labelKey':
      return labelKeys(proposal, around);
    case 'protocol':
      return ['tcp', 'udp', 'sctp'].map((label) => constant(label));
    case 'podScope':
    case 'namespaceBlock':
      return namespaceOffers(cluster);
    case 'givenStatement':
      return occurrence === 2 ? namespaceOffers(cluster) : [];
    case 'servicePeer':
      return occurrence === 2
        ? serviceOffers(cluster, textOf(place.statement.at(-2)))
        : serviceNamespaceOffers(cluster);
    case 'reference':
      if (proposal.rules.includes('testEnd')) {
        const namespace = `${textOf(place.statement.at(-2))}/`;
        return podOffers(around)
          .filter(({ label }) => label.startsWith(namespace))
          .map((one) => ({ ...one, label: one.label.slice(namespace.length) }));
      }
      return nameOffers(view, view.homeOf('', undefined), ['group', 'set', 'ports'], false, {
        scope: around.home.loaded.scope,
        namespace: textOf(place.statement.at(-2)),
      });
    case 'setStatement':
      return [constant('cidr')];
    case 'mapsClaim':
      return ['MiB', 'KiB', 'GiB', 'B'].map((label) => constant(label));
    default:
      return [];
  }
}

function constant(label: string): Offer {
  return { label, kind: CompletionItemKind.Constant, rank: RANK.name };
}

/** The text of a name, quoted or not. */
export function textOf(token: IToken | undefined): string {
  if (token === undefined) return '';
  return token.tokenType === t.StringLiteral ? readString(token.image) : token.image;
}

function labelKeys(proposal: Proposal, around: Surroundings): readonly Offer[] {
  const labels = labelsOf(ownerOf(proposal, around), around.view);
  const { statement } = around.place;
  if (statement.at(-1)?.tokenType !== t.Slash) return keyOffers(labels);
  // Behind `app.kubernetes.io/` the rest of such keys.
  const prefix = `${textOf(statement.at(-2))}/`;
  return keyOffers(labels)
    .filter(({ label }) => label.startsWith(prefix))
    .map((one) => ({ ...one, insert: one.label.slice(prefix.length) }));
}

function ownerOf(proposal: Proposal, { home, place }: Surroundings): LabelOwner {
  return placeOwner(proposal, place.statement, home.namespace);
}

function texts(proposal: Proposal, around: Surroundings): readonly Offer[] {
  const { view, place } = around;
  const { rule } = asking(proposal);
  switch (rule) {
    case 'useStatement':
      return around.usable().map((path) => ({
        label: path,
        insert: `"${path}"`,
        kind: CompletionItemKind.File,
        rank: RANK.name,
      }));
    case 'labelTest':
    case 'textList':
    case 'labelPair': {
      const owner = ownerOf(proposal, around);
      const what = { pods: 'pod', namespaces: 'namespace', nodes: 'node' }[owner.kind];
      return valueOffers(labelsOf(owner, view), keyBefore(place.statement), what);
    }
    case 'portItem': {
      // The protocol may stand behind what is typed already.
      const { file, end } = place.typed;
      const hasProtocol = file.text[end] === '/';
      return namedPortOffers(view.cluster, (name, protocol) =>
        hasProtocol ? `"${name}"` : `"${name}"/${protocol}`,
      );
    }
    default:
      return [];
  }
}

/** The label key that a value is asked for. */
function keyBefore(statement: readonly IToken[]): string {
  const operators = new Set([t.Equal, t.NotEqual, t.In]);
  let at = statement.findLastIndex(({ tokenType }) => operators.has(tokenType)) - 1;
  if (statement[at]?.tokenType === t.Not) at -= 1;
  const last = textOf(statement[at]);
  if (statement[at - 1]?.tokenType !== t.Slash) return last;
  return `${textOf(statement[at - 2])}/${last}`;
}

/** Ports of the Service that the rule speaks of, or none: ports are easier typed than found. */
function numbers(proposal: Proposal, { view, place }: Surroundings): readonly Offer[] {
  if (asking(proposal).rule !== 'portItem') return [];
  const { statement } = place;
  return statement.flatMap((token, at) =>
    token.tokenType === t.Service && statement[at + 2]?.tokenType === t.Slash
      ? servicePortOffers(view.cluster, textOf(statement[at + 1]), textOf(statement[at + 3]))
      : token.tokenType === t.Apiserver
        ? servicePortOffers(view.cluster, 'default', 'kubernetes')
        : [],
  );
}

const DAY = 24 * 60 * 60 * 1000;

function times({ now }: Surroundings): readonly Offer[] {
  const ahead = [
    ['in a day', 1],
    ['in a week', 7],
    ['in 30 days', 30],
    ['in 90 days', 90],
  ] as const;
  return ahead.map(([detail, days], rank) => ({
    label: `${new Date(now() + days * DAY).toISOString().slice(0, 16)}Z`,
    kind: CompletionItemKind.Value,
    detail,
    rank,
  }));
}
