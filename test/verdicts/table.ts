/** Reads a verdict table: policies, what they are judged in, and what each flow must come to. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import type { Diagnostic } from '../../src/diagnostics.js';
import { checkModel } from '../../src/ir/check.js';
import type { ClusterSnapshot } from '../../src/ir/cluster.js';
import { lowerK8sPolicies } from '../../src/ir/lower-k8s.js';
import { lowerPolicyFiles } from '../../src/ir/lower-policy.js';
import {
  ADMIN_TIER,
  BASELINE_TIER,
  NETWORKPOLICY_TIER,
  type PolicyModel,
} from '../../src/ir/model.js';
import { normalize } from '../../src/ir/normalize.js';
import { parseK8s } from '../../src/parser/parse-k8s.js';
import { parsePolicy } from '../../src/parser/parse-policy.js';
import { SourceFile } from '../../src/source.js';
import { valueOf } from '../oracle/world-model.js';
import type { ShortCluster } from './cluster-text.js';

export interface Table {
  /** Rows of SEMANTICS.md, or `6` for its last section. */
  readonly rows: readonly number[];
  readonly title: string;
  /** Kubernetes objects. */
  readonly policies?: readonly object[];
  /** A text in the policy language. */
  readonly language?: string;
  readonly cluster?: Partial<ShortCluster>;
  /** An ISO instant; the epoch if absent. */
  readonly at?: string;
  /** `FROM -> TO PORT/PROTOCOL` → `allow` or `deny`, and where it matters `, SIDE REASON RULE`. */
  readonly flows?: Readonly<Record<string, string>>;
  /** Codes of the errors for which the policies are refused. */
  readonly errors?: readonly string[];
  /** Codes of warnings that must be among those given. */
  readonly warnings?: readonly string[];
}

const FOLDER = import.meta.dirname;
const COMMON = load(readFileSync(join(FOLDER, 'cluster.yaml'), 'utf8')) as ShortCluster;

export function readTable(name: string): Table {
  return load(readFileSync(join(FOLDER, name), 'utf8')) as Table;
}

export function clusterOf({ cluster }: Table): ShortCluster {
  return {
    namespaces: { ...COMMON.namespaces, ...cluster?.namespaces },
    pods: { ...COMMON.pods, ...cluster?.pods },
    nodes: { ...COMMON.nodes, ...cluster?.nodes },
    services: { ...COMMON.services, ...cluster?.services },
  };
}

/** The policies as one file of YAML documents. */
function policyFile(policies: readonly object[]): SourceFile {
  return new SourceFile('policies.yaml', policies.map((one) => dump(one)).join('---\n'));
}

export function modelOf(policies: readonly object[], language: string | undefined): PolicyModel {
  const lowered = valueOf(lowerK8sPolicies(valueOf(parseK8s([policyFile(policies)]))));
  const tiers = [ADMIN_TIER, NETWORKPOLICY_TIER, BASELINE_TIER];
  const empty = { tiers, policies: [], exceptions: [], assertions: [], tests: [] };
  const ours = language === undefined ? empty : lowerLanguage(language);
  return { ...ours, policies: [...lowered, ...ours.policies] };
}

function lowerLanguage(text: string): PolicyModel {
  const parsed = valueOf(parsePolicy(new SourceFile('table.pol', text)));
  const refuse = (path: string): never => {
    throw new Error(`a table cannot use ${path}`);
  };
  return valueOf(lowerPolicyFiles([parsed], refuse));
}

/** All that reading, lowering and checking the policies has to say. */
export function problemsOf(table: Table, cluster: ClusterSnapshot): readonly Diagnostic[] {
  const objects = parseK8s([policyFile(table.policies ?? [])]);
  const lowered = lowerK8sPolicies(objects.value ?? []);
  const said = [...objects.diagnostics, ...lowered.diagnostics];
  if (said.some(({ severity }) => severity === 'error')) return said;
  const model = modelOf(table.policies ?? [], table.language);
  return [...said, ...checkModel(model, normalize(model), cluster)];
}

export interface Case {
  /** The line of the table, with the family. */
  readonly name: string;
  /** As `eval` takes it. */
  readonly entry: object;
  readonly verdict: string;
  readonly side?: 'ingress' | 'egress';
  readonly reason?: string;
  readonly rule?: string;
}

/** Each line once for IPv4 and once for IPv6, unless it names addresses or a family. */
export function casesOf(table: Table): readonly Case[] {
  const short = clusterOf(table);
  return Object.entries(table.flows ?? {}).flatMap(([line, expectation]) => {
    const flow = /^(.+) -> (.+) (?:(\d+)\/)?(TCP|UDP|SCTP|ICMP|ICMPv6)(?: \((IPv[46])\))?$/.exec(
      line,
    );
    const wanted = /^(allow|deny)(?:, (ingress|egress) (\S+)(?: (.+))?)?$/.exec(expectation);
    if (flow === null || wanted === null) throw new Error(`bad line \`${line}: ${expectation}\``);
    const [, from = '', to = '', port, protocol = '', only] = flow;
    const [, verdict = '', side, reason, rule] = wanted;
    return (['IPv4', 'IPv6'] as const).flatMap((family): Case[] => {
      if (only !== undefined && only !== family) return [];
      const ends = [addressIn(short, from, family), addressIn(short, to, family)];
      if (ends.some((end) => end === undefined)) return [];
      const icmp = family === 'IPv6' ? 'ICMPv6' : 'ICMP';
      return [
        {
          name: `${line} over ${family}`,
          entry: {
            from: ends[0],
            to: ends[1],
            protocol: protocol.startsWith('ICMP') ? icmp : protocol,
            ...(port === undefined ? {} : { port: Number(port) }),
          },
          verdict,
          ...(side === undefined ? {} : { side: side as 'ingress' | 'egress' }),
          ...(reason === undefined ? {} : { reason }),
          ...(rule === undefined ? {} : { rule }),
        },
      ];
    });
  });
}

/** What the end is called in that family; undefined if it has no address there. */
function addressIn(
  { pods, services }: ShortCluster,
  end: string,
  family: 'IPv4' | 'IPv6',
): string | undefined {
  const inFamily = (ip: string): boolean => ip.includes(':') === (family === 'IPv6');
  const service = /^service (.+)$/.exec(end)?.[1];
  if (service !== undefined) return services[service]?.ips.find(inFamily);
  const known = pods[end];
  if (known !== undefined) return known.ips.find(inFamily);
  if (end.includes('/')) throw new Error(`no pod is called \`${end}\``);
  return inFamily(end) ? end : undefined;
}
