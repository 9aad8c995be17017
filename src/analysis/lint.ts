/** Lint: what policies say that is legal and probably not meant, alone and in a cluster. */
import type { Diagnostic } from '../diagnostics.js';
import { checkSelections, checkServices, type MayDiffer } from '../ir/check/cluster.js';
import type { ClusterSnapshot, Pod } from '../ir/cluster.js';
import type { PolicyModel, PortProtocol } from '../ir/model.js';
import type { DeciderId, NormalModel } from '../ir/normal-model.js';
import type { PolicyFile } from '../parser/ast.js';
import type { K8sObject } from '../parser/k8s/objects.js';
import type { Span } from '../source.js';
import { lintAddresses } from './lint/addresses.js';
import { lintApiserver } from './lint/apiserver.js';
import { lintBackends } from './lint/backends.js';
import { findDuplicates, lintCoveredRules, lintDuplicates, type Duplicate } from './lint/covers.js';
import { lintDeadRules } from './lint/dead-rules.js';
import { lintDns, lintDnsOfPolicies } from './lint/dns.js';
import { lintExposure } from './lint/exposure.js';
import { lintHalfEdges } from './lint/half-edges.js';
import { lintIsolation } from './lint/isolation.js';
import { lintExceptions, lintNames } from './lint/language.js';
import { lintManifests } from './lint/manifests.js';
import { lintOpenness } from './lint/openness.js';
import { lintPorts } from './lint/ports.js';
import { Scene } from './lint/scene.js';
import { lintSelectors } from './lint/selectors.js';

export interface LintInput {
  readonly model: PolicyModel;
  readonly normal: NormalModel;
  /** The texts of the policies, read but not lowered. */
  readonly manifests: readonly K8sObject[];
  readonly files: readonly PolicyFile[];
  /** What the reader and the checks have said of them. */
  readonly checked: readonly Diagnostic[];
  /** The policies are not checked against it yet. */
  readonly cluster?: {
    readonly snapshot: ClusterSnapshot;
    /** All objects, those among them that a snapshot leaves out. */
    readonly objects: readonly K8sObject[];
  };
  /** The instant at which rules with `until` are judged, in milliseconds since the epoch. */
  readonly at: number;
  readonly onStage?: (stage: string) => void;
}

/** Checks that say why a rule has no effect; a lint that only says that it has none comes after them. */
const EXPLAINING: ReadonlySet<string> = new Set([
  'check/shadowed-rule',
  'check/redundant-rule',
  'check/rule-never-matches',
  'check/allow-without-isolation',
  'check/contradictory-selector',
  'check/empty-addresses',
]);

/**
 * All that there is to say, what was said before among it, unless a lint says it better.
 * @throws InputError if the cluster has more address classes than bytecode can hold
 */
export function lintPolicies(input: LintInput): readonly Diagnostic[] {
  const { model, normal, manifests, files, checked, cluster, at } = input;
  const explained = new Places(checked.filter(({ code }) => EXPLAINING.has(code)));
  const duplicates = findDuplicates(normal);
  const told = lintDuplicates(duplicates);
  explained.add(told);
  const covered = lintCoveredRules(normal, explained.has);
  explained.add(covered);
  const found = [
    ...checked,
    ...told,
    ...covered,
    ...lintManifests(manifests),
    ...lintNames(files),
    ...lintExceptions(model.exceptions, at),
  ];
  if (cluster === undefined) {
    found.push(...lintOpenness(normal, at), ...lintDnsOfPolicies(normal));
    return found;
  }
  input.onStage?.('classifying');
  const scene = new Scene(normal, cluster.snapshot, at);
  const selectors = lintSelectors(scene);
  const unfound = new Places([]);
  unfound.addPlaces(selectors.origins);
  const selections = checkSelections(normal, cluster.snapshot).filter(
    ({ code, span }) =>
      code !== 'check/selects-nothing' || span === undefined || !unfound.has(span),
  );
  const ports = lintPorts(scene);
  explained.addPlaces(selectors.origins);
  explained.add(selections.filter(({ code }) => code === 'check/unknown-service'));
  explained.add(ports);
  input.onStage?.('linting');
  const gone = goneRules(normal, duplicates, [...checked, ...covered]);
  return [
    ...found,
    ...selections,
    ...checkServices(normal, cluster.snapshot, (subject, endpoints, protocol) =>
      differs(scene, subject, endpoints, protocol),
    ),
    ...selectors.diagnostics,
    ...ports,
    ...lintDeadRules(scene, explained.has, gone),
    ...lintHalfEdges(scene, (rule) => gone.has(rule.id) || explained.has(rule.origin)),
    ...lintOpenness(normal, at, scene),
    ...lintDns(scene),
    ...lintAddresses(scene),
    ...lintIsolation(scene),
    ...lintExposure(scene, gone),
    ...lintBackends(scene, cluster.objects),
    ...lintApiserver(scene, cluster.objects),
  ];
}

/** By classes, which answers at once; the interpreter is asked only where there is something to say. */
function differs(
  scene: Scene,
  subject: Pod,
  endpoints: Parameters<MayDiffer>[1],
  protocol: PortProtocol,
): boolean {
  const placed = scene.placedOf(subject);
  if (placed === undefined) return true;
  const answers = endpoints.map(({ address, targetPort }) =>
    scene.allowsAt(placed, 'egress', address, protocol, targetPort),
  );
  return new Set(answers).size > 1;
}

/** Rules that are superfluous in every cluster: what is dead in this one is so without them. */
function goneRules(
  { policies }: NormalModel,
  duplicates: readonly Duplicate[],
  said: readonly Diagnostic[],
): ReadonlySet<DeciderId> {
  const places = new Places(
    said.filter(
      ({ code, hint }) =>
        code === 'lint/covered-rule' ||
        code === 'check/redundant-rule' ||
        // With a hint, something is left that the rule decides.
        (code === 'check/shadowed-rule' && hint === undefined),
    ),
  );
  const doubles = new Set(duplicates.map(({ policy }) => policy));
  return new Set(
    policies.flatMap((policy) =>
      policy.rules
        .filter(({ origin }) => doubles.has(policy) || places.has(origin))
        .map(({ id }) => id),
    ),
  );
}

/** The places of diagnostics. */
class Places {
  readonly #keys = new Set<string>();

  constructor(diagnostics: readonly Diagnostic[]) {
    this.add(diagnostics);
  }

  add(diagnostics: readonly Diagnostic[]): void {
    for (const { span } of diagnostics) if (span !== undefined) this.#keys.add(placeKey(span));
  }

  addPlaces(spans: readonly Span[]): void {
    for (const span of spans) this.#keys.add(placeKey(span));
  }

  readonly has = (span: Span): boolean => this.#keys.has(placeKey(span));
}

function placeKey({ file, start, end }: Span): string {
  return `${file.path}:${start}:${end}`;
}
