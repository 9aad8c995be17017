/** Parties: sets of pods, addresses and Services, named so that a person knows who is meant. */
import { formatAddress, formatPrefix, type Family } from '../address.js';
import type { AddressClass } from '../codegen/bind/classes.js';
import type { Flavour } from '../codegen/layout.js';
import { unreachable } from '../diagnostics.js';
import { compareText } from '../ir/normalize.js';
import type { AddressSpace } from './address-space.js';
import type { EndSet } from './findings.js';
import { Inhabitants } from './inhabitants.js';
import type { Party, PartyGroup, PrefixText } from './report.js';
import { labelsText, podText } from './symbolic/condition-text.js';
import type { Universe } from './universe.js';

/** Groups told by name before the rest is counted. */
const MAX_TOLD = 4;

export class Namer {
  readonly #inhabitants: Inhabitants;
  readonly #space: AddressSpace;
  /** Classes that lie anywhere, by flavour. */
  readonly #byFlavour = new Map<Flavour, AddressClass[]>();

  constructor({ pods, addresses }: Universe, space: AddressSpace) {
    this.#inhabitants = new Inhabitants(pods);
    this.#space = space;
    for (const one of addresses.classes) {
      if (space.of(one.id).length === 0) continue;
      const list = this.#byFlavour.get(one.flavour);
      if (list === undefined) this.#byFlavour.set(one.flavour, [one]);
      else list.push(one);
    }
  }

  /** @param family where only addresses of it are meant */
  describe({ pods, classes, services }: EndSet, family?: Family): Party {
    const of = (flavour: Flavour): readonly AddressClass[] =>
      classes.filter((one) => one.flavour === flavour);
    const names = new Map(
      services.map(({ service }) => [`${service.namespace}/${service.name}`, service]),
    );
    const groups = [
      ...this.#inhabitants.describe(pods),
      ...this.#outside(of('outside'), family),
      ...this.#nodes(of('node')),
      ...this.#unused(of('unbound')),
      ...this.#serviceAddresses(of('service')),
      ...[...names.values()].map(({ namespace, name }): PartyGroup => ({
        kind: 'service',
        namespace,
        name,
      })),
    ];
    return { text: this.#text(groups), groups, pods: pods.length };
  }

  #isAll(classes: readonly AddressClass[]): boolean {
    const [first] = classes;
    return first !== undefined && classes.length === this.#byFlavour.get(first.flavour)?.length;
  }

  #outside(classes: readonly AddressClass[], family: Family | undefined): readonly PartyGroup[] {
    if (classes.length === 0) return [];
    if (this.#isAll(classes)) {
      return [family === undefined ? { kind: 'outside' } : { kind: 'outside', family }];
    }
    const families = ([4, 6] as const).filter((one) => family === undefined || one === family);
    return families.flatMap((one): readonly PartyGroup[] => {
      const prefixes = this.#prefixes(classes, one);
      if (prefixes.length === 0) return [];
      const isWhole = prefixes.every(
        ({ cidr, except }) => cidr.endsWith('/0') && except.length === 0,
      );
      return [
        isWhole ? { kind: 'outside', family: one } : { kind: 'outside', family: one, prefixes },
      ];
    });
  }

  #prefixes(classes: readonly AddressClass[], family: Family): readonly PrefixText[] {
    return this.#space.prefixesOf(classes, family).map(({ prefix, except }) => ({
      cidr: formatPrefix(prefix),
      except: except.map(formatPrefix),
    }));
  }

  #nodes(classes: readonly AddressClass[]): readonly PartyGroup[] {
    if (classes.length === 0) return [];
    const every = this.#byFlavour.get('node') ?? [];
    const wanted = new Set(classes);
    const nameOf = (one: AddressClass): string => one.nodes.join(' and ') || 'no node';
    const names = [...new Set(classes.map(nameOf))].sort(compareText);
    const total = new Map<string, AddressClass[]>();
    for (const one of every) total.set(nameOf(one), [...(total.get(nameOf(one)) ?? []), one]);
    const whole = names.filter((name) => total.get(name)?.every((one) => wanted.has(one)));
    const partial = names.filter((name) => !whole.includes(name));
    return [
      ...(whole.length === 0
        ? []
        : [{ kind: 'nodes', names: whole, all: whole.length === total.size } as const]),
      ...partial.map((node): PartyGroup => {
        const here = classes.filter((one) => nameOf(one) === node);
        return { kind: 'node-addresses', node, addresses: this.#addresses(here) };
      }),
    ];
  }

  #unused(classes: readonly AddressClass[]): readonly PartyGroup[] {
    if (classes.length === 0) return [];
    if (this.#isAll(classes)) return [{ kind: 'unused' }];
    const prefixes = ([4, 6] as const).flatMap((family) => this.#prefixes(classes, family));
    return [{ kind: 'unused', prefixes }];
  }

  #serviceAddresses(classes: readonly AddressClass[]): readonly PartyGroup[] {
    if (classes.length === 0) return [];
    const addresses = this.#isAll(classes) ? 'all' : this.#addresses(classes);
    return [{ kind: 'service-addresses', addresses }];
  }

  #addresses(classes: readonly AddressClass[]): readonly string[] {
    return classes
      .flatMap(({ id }) => this.#space.of(id))
      .map(({ family, first }) => formatAddress({ family, value: first }))
      .sort(compareText);
  }

  /** Addresses that nobody holds are told only where there is nobody else. */
  #text(groups: readonly PartyGroup[]): string {
    const has = (kind: PartyGroup['kind']): boolean => groups.some((one) => one.kind === kind);
    const everyPod = groups.some((one) => one.kind === 'all-pods' && one.except.length === 0);
    const everyAddress = groups.some(
      (one) => one.kind === 'outside' && one.family === undefined && one.prefixes === undefined,
    );
    const everyNode =
      !this.#byFlavour.has('node') || groups.some((one) => one.kind === 'nodes' && one.all);
    if (everyPod && everyAddress && everyNode && !has('node-addresses')) return 'anyone';
    const somebody = groups.filter(({ kind }) => kind !== 'unused' && kind !== 'service-addresses');
    return partyText(somebody.length === 0 ? groups : somebody);
  }
}

export function partyText(groups: readonly PartyGroup[], most = MAX_TOLD): string {
  const namespaces = groups.filter((one) => one.kind === 'namespace' && one.except.length === 0);
  const texts =
    namespaces.length > 1
      ? [
          `all pods in namespaces ${listText(
            namespaces.map((one) => (one.kind === 'namespace' ? one.namespace : '')),
            most,
          )}`,
          ...groups.filter((one) => !namespaces.includes(one)).map(groupText),
        ]
      : groups.map(groupText);
  return listText(mergeServices(texts), most);
}

/** Pods, nodes and other addresses behind one Service are all that is behind it. */
function mergeServices(texts: readonly string[]): readonly string[] {
  let merged = texts;
  for (const text of texts) {
    const service = /^any address behind service (\S+)$/.exec(text)?.[1];
    if (service === undefined) continue;
    const parts = ['pod', 'address', 'node'].map((who) => `any ${who} behind service ${service}`);
    if (!parts.every((part) => merged.includes(part))) continue;
    const rest = merged.filter((one) => !parts.includes(one));
    merged = [...rest, `whatever is behind service ${service}`];
  }
  return merged;
}

function listText(texts: readonly string[], most: number): string {
  if (texts.length <= most + 1) return texts.join(', ');
  return `${texts.slice(0, most).join(', ')} and ${texts.length - most} more`;
}

export function groupText(group: PartyGroup): string {
  switch (group.kind) {
    case 'all-pods':
      return `all pods${exceptText(group.except)}`;
    case 'namespace':
      return `all pods in namespace ${group.namespace}${exceptText(group.except)}`;
    case 'label': {
      const where = group.namespace === undefined ? '' : ` in namespace ${group.namespace}`;
      return `pods with ${group.key}=${group.value}${where}`;
    }
    case 'workload':
      return workloadText(group);
    case 'outside':
      return outsideText(group);
    case 'nodes':
      if (group.all) return 'all nodes';
      return `${group.names.length === 1 ? 'node' : 'nodes'} ${listText(group.names, MAX_TOLD)}`;
    case 'node-addresses':
      return `node ${group.node} at ${group.addresses.join(', ')}`;
    case 'unused':
      return `unused pod addresses${group.prefixes === undefined ? '' : ` in ${prefixesText(group.prefixes)}`}`;
    case 'service-addresses':
      return group.addresses === 'all'
        ? 'Service addresses'
        : `Service addresses ${listText(group.addresses, MAX_TOLD)}`;
    case 'service':
      return `service ${group.namespace}/${group.name}`;
    case 'everyone':
      return everyoneText(group);
    case 'pods-with':
      return podsWithText(group);
    case 'nodes-with':
      return nodesWithText(group);
    default:
      return unreachable(group);
  }
}

function everyoneText(group: Extract<PartyGroup, { kind: 'everyone' }>): string {
  const { prefixes, except, exceptServices } = group;
  const pods = except.map(podText);
  const services = exceptServices.map((one) => {
    const whole = pods.includes(`any pod behind service ${one}`);
    return `${whole ? 'whatever' : 'what else'} is behind service ${one}`;
  });
  const isToldBelow = (text: string): boolean =>
    exceptServices.some((one) => text === `any pod behind service ${one}`);
  const others = [...pods.filter((text) => !isToldBelow(text)), ...services];
  const but = others.length === 0 ? '' : ` but ${others.join(' and ')}`;
  // The family stands beside the ports.
  const where =
    prefixes === undefined ? '' : `${but === '' ? '' : ','} at ${prefixesText(prefixes)}`;
  return `anyone${but}${where}`;
}

function podsWithText(group: Extract<PartyGroup, { kind: 'pods-with' }>): string {
  const { namespaces, pods, nodes, prefixes } = group;
  const on =
    nodes === undefined ? '' : ` on a node${nodes.map((one) => labelsText(one)).join(' or')}`;
  return `${podText({ namespaces, pods })}${on}${atText(prefixes)}`;
}

function nodesWithText(group: Extract<PartyGroup, { kind: 'nodes-with' }>): string {
  const { nodes, which, prefixes, service } = group;
  const behind = service === undefined ? '' : ` behind service ${service}`;
  const who = { all: 'any node', own: 'its own node', others: 'any node but its own' }[which];
  return `${who}${labelsText(nodes)}${behind}${atText(prefixes)}`;
}

function atText(prefixes: readonly PrefixText[] | undefined): string {
  return prefixes === undefined ? '' : ` at ${prefixesText(prefixes)}`;
}

function workloadText(group: Extract<PartyGroup, { kind: 'workload' }>): string {
  const { namespace, name, pods, some } = group;
  const path = `${namespace}/${name}`;
  if (some === undefined) return pods > 1 ? `${path} ×${pods}` : path;
  return `${path} (only ${listText(some, MAX_TOLD)})`;
}

function outsideText(group: Extract<PartyGroup, { kind: 'outside' }>): string {
  const { family, prefixes, service } = group;
  if (service !== undefined) return `any address behind service ${service}${atText(prefixes)}`;
  if (prefixes !== undefined) return prefixesText(prefixes);
  return family === undefined ? 'anywhere outside' : `anywhere outside by IPv${family}`;
}

function prefixesText(prefixes: readonly PrefixText[]): string {
  const texts = prefixes.map(({ cidr, except }) =>
    except.length === 0
      ? cidr
      : `${cidr.endsWith('/0') ? anyText(cidr) : cidr} except ${listText(except, MAX_TOLD)}`,
  );
  const isNested = prefixes.length > 1 && prefixes.some(({ except }) => except.length > 0);
  // `0.0.0.0/0 except 10.0.0.0/8, 10.9.0.0/16` would read as two exceptions.
  return isNested ? texts.join(', plus ') : listText(texts, MAX_TOLD);
}

function anyText(cidr: string): string {
  return cidr.includes(':') ? 'any IPv6 address' : 'any IPv4 address';
}

function exceptText(except: readonly string[]): string {
  return except.length === 0 ? '' : ` except ${listText(except, MAX_TOLD)}`;
}
