/** NetworkPolicies whose peers or ports are refused or doubtful. */
import { networkPolicy } from './reading.js';
import type { Refusal } from './refusal.js';

const ingressPeer = (peer: string): string =>
  networkPolicy(`podSelector: {}\ningress:\n- from:\n  - ${peer}`);
const ingressPort = (port: string): string =>
  networkPolicy(`podSelector: {}\ningress:\n- ports:\n  - ${port}`);
export const PEER_REFUSALS: readonly Refusal[] = [
  {
    name: 'an empty peer',
    text: ingressPeer('{}'),
    code: 'k8s/not-exactly-one',
    underlines: '{}',
    at: '8:7',
    hint: /podSelector: \{\}/,
  },
  {
    name: 'a peer whose fields are null',
    text: ingressPeer('{podSelector: null}'),
    code: 'k8s/not-exactly-one',
    underlines: '{podSelector: null}',
  },
  {
    name: 'ipBlock beside a selector',
    text: ingressPeer('{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}'),
    code: 'k8s/mixed-peer',
    underlines: 'ipBlock',
    hint: /own dash/,
  },
  {
    name: 'a peer with a field of another API',
    text: ingressPeer('{namespaces: {}}'),
    code: 'k8s/unknown-field',
    underlines: 'namespaces',
    hint: /known here|did you mean/,
  },
  {
    name: 'an ipBlock without cidr',
    text: ingressPeer('{ipBlock: {except: []}}'),
    code: 'k8s/missing-field',
    underlines: 'ipBlock',
  },
  {
    name: 'an address instead of a block',
    text: ingressPeer('{ipBlock: {cidr: 10.0.0.1}}'),
    code: 'k8s/bad-cidr',
    underlines: '10.0.0.1',
    hint: /10\.0\.0\.1\/32/,
  },
  {
    name: 'a block past 32 bits',
    text: ingressPeer('{ipBlock: {cidr: 10.0.0.0/33}}'),
    code: 'k8s/bad-cidr',
    underlines: '10.0.0.0/33',
  },
  {
    name: 'a bad except',
    text: ingressPeer('{ipBlock: {cidr: 10.0.0.0/8, except: [x]}}'),
    code: 'k8s/bad-cidr',
    underlines: 'x',
  },
  {
    name: 'an except outside the cidr',
    text: ingressPeer('{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}'),
    code: 'k8s/except-outside',
    underlines: '11.0.0.0/16',
    hint: /no other peer/,
  },
  {
    name: 'an except that is the whole cidr',
    text: ingressPeer('{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}'),
    code: 'k8s/except-outside',
    underlines: '10.0.0.0/8',
  },
  {
    name: 'an except of the other family',
    text: ingressPeer('{ipBlock: {cidr: 10.0.0.0/8, except: ["fd00::/16"]}}'),
    code: 'k8s/except-outside',
    underlines: '"fd00::/16"',
  },
  {
    name: 'bits past the length',
    text: ingressPeer('{ipBlock: {cidr: 10.1.2.3/8}}'),
    code: 'k8s/cidr-host-bits',
    underlines: '10.1.2.3/8',
    hint: /10\.0\.0\.0\/8/,
    severity: 'warning',
  },
  { name: 'port 0', text: ingressPort('port: 0'), code: 'k8s/out-of-range', underlines: '0' },
  {
    name: 'port 65536',
    text: ingressPort('port: 65536'),
    code: 'k8s/out-of-range',
    underlines: '65536',
  },
  {
    name: 'a port in quotes',
    text: ingressPort('port: "80"'),
    code: 'k8s/bad-port-name',
    underlines: '"80"',
    hint: /without quotes: 80/,
  },
  {
    name: 'a port that is a boolean',
    text: ingressPort('port: yes'),
    code: 'k8s/wrong-type',
    underlines: 'yes',
  },
  {
    name: 'half a port',
    text: ingressPort('port: 80.5'),
    code: 'k8s/wrong-type',
    underlines: '80.5',
  },
  {
    name: 'a port name of 16 characters',
    text: ingressPort('port: abcdefghijklmnop'),
    code: 'k8s/bad-port-name',
    underlines: 'abcdefghijklmnop',
  },
  {
    name: 'a port name with two hyphens',
    text: ingressPort('port: a--b'),
    code: 'k8s/bad-port-name',
    underlines: 'a--b',
  },
  {
    name: 'a port name in upper case',
    text: ingressPort('port: HTTP'),
    code: 'k8s/bad-port-name',
    underlines: 'HTTP',
  },
  {
    name: 'a port name that begins with a hyphen',
    text: ingressPort('port: -web'),
    code: 'k8s/bad-port-name',
    underlines: '-web',
  },
  {
    name: 'an empty port name',
    text: ingressPort('port: ""'),
    code: 'k8s/bad-port-name',
    underlines: '""',
  },
  {
    name: 'an unknown protocol',
    text: ingressPort('{port: 80, protocol: tcp}'),
    code: 'k8s/unknown-value',
    underlines: 'tcp',
    hint: /did you mean `TCP`/,
  },
  {
    name: 'the protocol ICMP',
    text: ingressPort('{protocol: ICMP}'),
    code: 'k8s/unknown-value',
    underlines: 'ICMP',
  },
  {
    name: 'endPort without port',
    text: ingressPort('endPort: 80'),
    code: 'k8s/end-port',
    underlines: 'endPort',
  },
  {
    name: 'endPort with a named port',
    text: ingressPort('{port: web, endPort: 80}'),
    code: 'k8s/end-port',
    underlines: 'endPort',
  },
  {
    name: 'endPort below port',
    text: ingressPort('{port: 81, endPort: 80}'),
    code: 'k8s/end-port',
    underlines: '80',
    hint: /range/,
  },
  {
    name: 'endPort in quotes',
    text: ingressPort('{port: 80, endPort: "81"}'),
    code: 'k8s/wrong-type',
    underlines: '"81"',
    hint: /without quotes: 81/,
  },
  {
    name: 'ingress rules that policyTypes silence',
    text: networkPolicy('podSelector: {}\npolicyTypes: [Egress]\ningress: [{}]'),
    code: 'k8s/dead-section',
    underlines: 'ingress',
    at: '7:3',
    hint: /add Ingress/,
    severity: 'warning',
  },
  {
    name: 'a named port beside an ipBlock',
    text: networkPolicy(
      'podSelector: {}\negress:\n- to: [{ipBlock: {cidr: 10.0.0.0/8}}]\n  ports: [{port: web}]',
    ),
    code: 'k8s/named-port-address',
    underlines: 'web',
    at: '8:20',
    severity: 'warning',
  },
];
