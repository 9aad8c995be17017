/** Rules in an explanation: what each asked of the packet, under its own source lines. */
import { clauseText, demandText } from '../../analysis/explain/words.js';
import { nearestAlternative } from '../../analysis/explain/nearness.js';
import {
  firstMiss,
  matchesWhole,
  type Alternative,
  type Clause,
} from '../../ir/interpret/clauses.js';
import { originOfClause } from '../../ir/clause-origins.js';
import type { PacketView } from '../../ir/interpret/match.js';
import type { RuleTrace } from '../../ir/interpret/trace.js';
import { policyName, type NormalPolicy } from '../../ir/normal-model.js';
import { markOf, type Mark } from '../../render/excerpt.js';
import { excerptOptions, framesOf, renderFrames } from '../../render/frames.js';
import type { Paint } from '../../render/paint.js';
import { formatPlace, type Span } from '../../source.js';

export interface TextOptions {
  readonly paint: Paint;
  readonly columns: number;
  /** Every rule, and not only those that come nearest. */
  readonly all: boolean;
}

/** `NetworkPolicy shop/db`, `policy pci`, `shop/isolate`. */
export function policyTitle(policy: NormalPolicy): string {
  const name = policyName(policy);
  return policy.kind === 'namespace' ? name : `${policy.kind} ${name}`;
}

/** Owner, contact, and what the rule itself says of why it is there. */
export function notesText({ owner, contact }: NormalPolicy, rule?: RuleTrace['rule']): string {
  const notes = [
    owner === undefined ? '' : `owner ${owner}`,
    contact === undefined ? '' : `contact ${contact}`,
    rule?.reason === undefined ? '' : `reason "${rule.reason}"`,
    rule?.ticket === undefined ? '' : `ticket ${rule.ticket}`,
  ].filter((one) => one !== '');
  return notes.length === 0 ? '' : ` (${notes.join(', ')})`;
}

/** The rule that matched: each of its clauses with why it holds. */
export function matchedRule(
  trace: RuleTrace,
  packet: PacketView,
  options: TextOptions,
): readonly string[] {
  const alternative = trace.alternatives.find(matchesWhole);
  const clauses = alternative?.clauses ?? [];
  if (clauses.length === 0) {
    return frames([markOf(trace.rule.origin, 'success', '-', 'everyone, on every port')], options);
  }
  const marks = clauseMarks(
    clauses,
    packet,
    () => 'success',
    () => '-',
  );
  // A clause without its own line stands for the whole rule.
  return frames(marks, options);
}

/** The rule that came nearest: what held, and what did not. */
export function missedRule(
  trace: RuleTrace,
  packet: PacketView,
  options: TextOptions,
): readonly string[] {
  const alternative = nearestAlternative(trace)?.alternative;
  if (alternative === undefined) return [];
  const first = firstMiss(alternative);
  const marks = clauseMarks(
    relevant(alternative),
    packet,
    ({ holds }) => (holds ? 'success' : 'error'),
    (clause) => (clause === first ? '^' : '-'),
  );
  return frames(marks, options);
}

/** The first clause that the packet failed, alone. */
export function firstMissOf(
  trace: RuleTrace,
  packet: PacketView,
  options: TextOptions,
): readonly string[] {
  const alternative = nearestAlternative(trace)?.alternative;
  const first = alternative && firstMiss(alternative);
  if (first === undefined) return [];
  return frames(
    clauseMarks(
      [first],
      packet,
      () => 'error',
      () => '^',
    ),
    options,
  );
}

/** `the label app and its ports`. */
export function missText({ clauses }: Alternative): string {
  const missed = relevant({ peer: undefined, clauses }).filter(({ holds }) => !holds);
  const words = [...new Set(missed.map(missWord))];
  const last = words.pop() ?? 'nothing';
  return words.length === 0 ? last : `${words.join(', ')} and ${last}`;
}

/** Where the remote is of another kind, it has no labels that could hold. */
function relevant({ clauses }: Alternative): readonly Clause[] {
  const kind = clauses.some(({ kind, holds }) => !holds && (kind === 'a-pod' || kind === 'a-node'));
  return clauses.filter(
    ({ kind: one }) =>
      !(kind && (one === 'namespace-label' || one === 'pod-label' || one === 'node-label')),
  );
}

function missWord(clause: Clause): string {
  switch (clause.kind) {
    case 'a-pod':
    case 'a-node':
    case 'outside':
    case 'own-node':
    case 'endpoint':
      return 'who its peers are';
    case 'pod-label':
    case 'node-label':
      return `the label ${clause.requirement.key}`;
    case 'namespace-label':
      return clause.requirement.key === 'kubernetes.io/metadata.name'
        ? 'the namespace'
        : `the namespace's label ${clause.requirement.key}`;
    case 'inside':
      return 'the address';
    case 'except':
      return 'an exception';
    case 'held':
      return 'an address that nobody holds';
    case 'passed-over':
      return 'an address that is known by other means';
    case 'ports':
      return 'the port';
    case 'until':
      return 'the time';
    case 'never':
      return 'having no peers';
  }
}

/** One mark for each place: clauses that share a line of source share the underline too. */
function clauseMarks(
  clauses: readonly Clause[],
  packet: PacketView,
  styleOf: (clause: Clause) => Mark['style'],
  signOf: (clause: Clause) => Mark['sign'],
): readonly Mark[] {
  const places: { span: Span; clauses: Clause[] }[] = [];
  for (const clause of clauses.filter((one) => !isImplied(one, clauses))) {
    const { origin } = clause;
    const known = places.find(
      ({ span }) =>
        span.file === origin.file && span.start === origin.start && span.end === origin.end,
    );
    if (known === undefined) places.push({ span: origin, clauses: [clause] });
    else known.clauses.push(clause);
  }
  return places.flatMap(({ span, clauses: here }) => {
    const chief = here.find((one) => signOf(one) === '^') ?? here.find(({ holds }) => !holds);
    const [first] = here;
    if (first === undefined) return [];
    const lead = chief ?? first;
    const label = here.map((one) => markText(one, packet)).join('; ');
    return [markOf(span, styleOf(lead), signOf(lead), label)];
  });
}

/** A bundle holds no lines of labels and ports: then it is said what they ask for. */
function markText(clause: Clause, packet: PacketView): string {
  const why = clauseText(clause, packet);
  const asked =
    'requirement' in clause ? clause.requirement : 'port' in clause ? clause.port : undefined;
  const demand = clause.kind === 'ports' && clause.holds ? undefined : demandText(clause);
  if (asked === undefined || demand === undefined || originOfClause(asked) !== undefined)
    return why;
  return `${demand}: ${why}`;
}

/**
 * What goes without saying while it holds: that the policy's own namespace is meant, that who has the
 * labels is a pod, that an address is not one of those that nobody holds.
 */
function isImplied(clause: Clause, all: readonly Clause[]): boolean {
  if (!clause.holds) return false;
  switch (clause.kind) {
    case 'held':
      return all.length > 1;
    case 'a-pod':
    case 'a-node':
      return all.some(isLabel);
    case 'namespace-label':
      return (
        originOfClause(clause.requirement) === undefined &&
        all.some(({ kind }) => kind === 'pod-label')
      );
    default:
      return false;
  }
}

function isLabel({ kind }: Clause): boolean {
  return kind === 'pod-label' || kind === 'namespace-label' || kind === 'node-label';
}

/** A place alone, with a label. */
export function placeFrame(
  span: Span,
  style: Mark['style'],
  label: string,
  options: TextOptions,
): readonly string[] {
  return frames([markOf(span, style, '^', label)], options);
}

const INDENT = '      ';

function frames(marks: readonly Mark[], { paint, columns }: TextOptions): readonly string[] {
  const found = framesOf(marks);
  const excerpt = excerptOptions(found, paint, columns - INDENT.length);
  return renderFrames(found, excerpt).map((line) => `${INDENT}${line}`);
}

export function at(span: Span): string {
  return formatPlace(span);
}
