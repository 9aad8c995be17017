/** Lowers what must hold: `assert` statements and `test` blocks. */
import type {
  AssertStatement,
  ExpectStatement,
  GivenStatement,
  PeerList,
  PeerNode,
  TestBlock,
  TestFlow,
} from '../../parser/ast.js';
import { faultOfDnsLabel, faultOfDnsSubdomain } from '../../parser/k8s/names.js';
import type { Span } from '../../source.js';
import { checkName, faultOfFreeName, UniqueNames, type Home } from './context.js';
import { impliedPorts, type Names } from './names.js';
import { lowerPortClause } from './rules.js';
import { readSize } from './time.js';
import { checkLabelKey, checkLabelValue } from './where.js';
import type {
  Assertion,
  GivenPod,
  PeerGroup,
  PolicyTest,
  PortMatch,
  TestExpectation,
} from '../model.js';

export function lowerAssert(node: AssertStatement, home: Home, names: Names): Assertion {
  const { claim, span: origin } = node;
  switch (claim.kind) {
    case 'only': {
      const from = claim.from.peers.map((peer) => peerGroup(peer, [peer], home, names));
      const to = listGroup(claim.to, home, names);
      return { kind: 'only', from, to, ports: claimPorts(claim, home, names), origin };
    }
    case 'never':
    case 'reach': {
      const from = listGroup(claim.from, home, names);
      const to = listGroup(claim.to, home, names);
      const ports = claimPorts(claim, home, names);
      if (claim.kind === 'reach') {
        return { kind: 'reach', quantifier: claim.quantifier, from, to, ports, origin };
      }
      return { kind: 'never', from, to, ports, origin };
    }
    case 'isolated': {
      const written = claim.directions.map((one) => one.direction);
      return {
        kind: 'isolated',
        group: listGroup(claim.group, home, names),
        directions: written.length === 0 ? ['ingress', 'egress'] : written,
        origin,
      };
    }
    case 'maps': {
      const maxBytes = readSize(claim.limit, claim.unit, names.reporter);
      return { kind: 'maps', maxBytes, origin };
    }
  }
}

function claimPorts(
  claim: Extract<AssertStatement['claim'], { readonly from: PeerList }>,
  home: Home,
  names: Names,
): 'every' | readonly PortMatch[] {
  return lowerPortClause(claim.ports, home, names) ?? impliedPorts(claim.to) ?? 'every';
}

function listGroup(list: PeerList, home: Home, names: Names): PeerGroup {
  return peerGroup(list, list.peers, home, names);
}

function peerGroup(
  { span: origin }: { readonly span: Span },
  peers: readonly PeerNode[],
  home: Home,
  names: Names,
): PeerGroup {
  return {
    label: origin.file.text.slice(origin.start, origin.end).replace(/\s+/g, ' '),
    peers: names.peers({ peers, span: origin }, home, 'claim'),
    origin,
  };
}

export function lowerTest(node: TestBlock, home: Home, names: Names): PolicyTest {
  const { reporter } = names;
  checkName(reporter, node.name, faultOfFreeName);
  const pods = new UniqueNames(reporter, 'pod');
  const given: GivenPod[] = [];
  const expectations: TestExpectation[] = [];
  let waiting: { readonly flow: TestFlow; readonly origin: Span }[] = [];
  for (const statement of node.statements) {
    switch (statement.kind) {
      case 'given':
        pods.add(statement.pod, `${statement.namespace.text}/${statement.pod.text}`);
        given.push(lowerGiven(statement, names));
        break;
      case 'when':
        waiting.push({ flow: statement.flow, origin: statement.span });
        break;
      case 'expect': {
        const table = statement.flows?.map((flow) => ({ flow, origin: flow.span })) ?? [];
        const flows = [...waiting, ...table];
        if (flows.length === 0) {
          reporter.report('policy/expects-nothing', {}, statement.span);
        }
        for (const { flow, origin } of flows) {
          for (const one of lowerExpectation(flow, statement, origin, home, names))
            expectations.push(one);
        }
        waiting = [];
        break;
      }
    }
  }
  for (const { origin } of waiting) reporter.report('policy/unjudged-flow', {}, origin);
  if (expectations.length === 0 && !node.statements.some((one) => one.kind !== 'given')) {
    const args = {
      what: `test \`${node.name.text}\``,
      missing: 'expectation',
      hint: 'write `when A -> B port 443/tcp` and `expect deny`',
    };
    reporter.report('policy/incomplete', args, node.name.span);
  }
  return { name: node.name.text, given, expectations, origin: node.span };
}

function lowerGiven(node: GivenStatement, names: Names): GivenPod {
  const { reporter } = names;
  checkName(reporter, node.pod, faultOfDnsSubdomain);
  checkName(reporter, node.namespace, faultOfDnsLabel);
  const keys = new UniqueNames(reporter, 'label');
  for (const { key, value } of node.labels) {
    keys.add(key);
    checkLabelKey(key, reporter);
    checkLabelValue(value, reporter);
  }
  return {
    namespace: node.namespace.text,
    name: node.pod.text,
    labels: Object.fromEntries(node.labels.map(({ key, value }) => [key.text, value.text])),
    origin: node.span,
  };
}

function lowerExpectation(
  flow: TestFlow,
  expect: ExpectStatement,
  origin: Span,
  home: Home,
  names: Names,
): readonly TestExpectation[] {
  const service = lowerService(flow.service, home, names);
  if (service === undefined) return [];
  const { by } = expect;
  return [
    {
      from: { text: flow.from.text, origin: flow.from.span },
      to: { text: flow.to.text, origin: flow.to.span },
      ...service,
      verdict: expect.verdict,
      ...(by === undefined ? {} : { by: { text: by.text, origin: by.span } }),
      origin,
    },
  ];
}

function lowerService(
  service: TestFlow['service'],
  home: Home,
  names: Names,
): Pick<TestExpectation, 'protocol' | 'port'> | undefined {
  if (typeof service === 'string') return { protocol: service, port: 0 };
  const before = names.reporter.diagnostics.length;
  const [match, second] = names.ports([service], home);
  if (match?.kind === 'range' && match.first === match.last && second === undefined) {
    return { protocol: match.protocol, port: match.first };
  }
  if (names.reporter.diagnostics.length === before) {
    names.reporter.report('policy/test-port', {}, service.span);
  }
  return undefined;
}
