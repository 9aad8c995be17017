/** A scenario: policies and a cluster, who tries to reach what, and what the authors expect. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { parseAddress, type Address } from '../address.js';
import type { ClusterSnapshot } from '../ir/cluster.js';
import type { OutsideHost } from './network.js';
import type { ProbeProtocol } from './prober.js';

/** A machine that takes part: `pod shop/cart-0`, `node node-1`, `host office`, `service ns/name`. */
export interface Party {
  readonly kind: 'pod' | 'node' | 'host' | 'service';
  readonly name: string;
}

export interface Target extends Party {
  /** The heading of the column. */
  readonly title: string;
  readonly protocol: ProbeProtocol;
  readonly port: number;
}

export type Mark = 'passes' | 'denied' | 'self';

export interface Scenario {
  readonly name: string;
  /** Paths, relative to the current folder. */
  readonly policies: string;
  readonly cluster: string;
  readonly hosts: readonly OutsideHost[];
  readonly targets: readonly Target[];
  readonly sources: readonly Party[];
  /** By source and target. */
  readonly expected: readonly (readonly Mark[])[];
}

const MARKS: Readonly<Record<string, Mark>> = { '+': 'passes', '.': 'denied', '=': 'self' };

interface ScenarioFile {
  readonly name: string;
  readonly policies: string;
  readonly cluster: string;
  readonly hosts: Readonly<Record<string, readonly string[]>>;
  readonly targets: readonly {
    readonly name: string;
    readonly to: string;
    readonly port: string;
  }[];
  readonly expected: Readonly<Record<string, string>>;
}

/** @throws {Error} where the file does not have the form of a scenario */
export function readScenario(path: string): Scenario {
  const file = parse(readFileSync(path, 'utf8')) as ScenarioFile;
  const folder = dirname(path);
  const targets = file.targets.map(({ name, to, port }): Target => {
    const [number = '', protocol = ''] = port.split('/');
    if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') {
      throw new Error(`${path}: \`${port}\` is no port and protocol`);
    }
    return { ...readParty(to, path), title: name, protocol, port: Number(number) };
  });
  const rows = Object.entries(file.expected);
  return {
    name: file.name,
    policies: join(folder, file.policies),
    cluster: join(folder, file.cluster),
    hosts: Object.entries(file.hosts).map(([name, addresses]) => ({
      name,
      addresses: addresses.map((text) => readAddress(text, path)),
    })),
    targets,
    sources: rows.map(([text]) => readParty(text, path)),
    expected: rows.map(([source, marks]) => {
      const row = marks.split(' ').map((mark) => MARKS[mark]);
      if (row.length !== targets.length || row.some((mark) => mark === undefined)) {
        throw new Error(`${path}: \`${source}\` needs ${targets.length} marks of +, . and =`);
      }
      return row.filter((mark) => mark !== undefined);
    }),
  };
}

function readParty(text: string, path: string): Party {
  const [kind = '', name = ''] = text.split(' ');
  if (kind !== 'pod' && kind !== 'node' && kind !== 'host' && kind !== 'service') {
    throw new Error(`${path}: \`${text}\` is no pod, node, host or service`);
  }
  return { kind, name };
}

function readAddress(text: string, path: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${path}: \`${text}\` is no address`);
  return address;
}

/** A party's address for each family that it has. */
export function addressesOf(
  party: Party,
  scenario: Scenario,
  cluster: ClusterSnapshot,
): readonly Address[] {
  const found = findParty(party, scenario, cluster);
  if (found === undefined) throw new Error(`the scenario names no ${party.kind} ${party.name}`);
  return found.addresses;
}

function findParty(
  { kind, name }: Party,
  scenario: Scenario,
  cluster: ClusterSnapshot,
): { readonly addresses: readonly Address[] } | undefined {
  switch (kind) {
    case 'pod':
      return cluster.pods.find((pod) => `${pod.namespace}/${pod.name}` === name);
    case 'node':
      return cluster.nodes.find((node) => node.name === name);
    case 'host':
      return scenario.hosts.find((host) => host.name === name);
    case 'service':
      return cluster.services.find((one) => `${one.namespace}/${one.name}` === name);
  }
}
