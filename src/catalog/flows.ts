/** Diagnostics about flows: the entries of a flow list, and the ends that tests name. */
import { entry } from './entry.js';

/** `where` names the entry, such as `flow [2]`. */
interface InFlow {
  readonly where: string;
}

export const flowsCatalog = {
  'flows/not-a-list': entry<{ found: string }>({
    severity: 'error',
    message: ({ found }) => `a flow file is a list of flows, not ${found}`,
    hint: () => 'write `- {from: shop/web, to: shop/db, protocol: TCP, port: 5432}`',
    explanation: 'A flow file is a JSON or YAML list of `{from, to, protocol, port}`.',
  }),
  'flows/not-a-mapping': entry<InFlow & { found: string }>({
    severity: 'error',
    message: ({ where, found }) => `${where} is ${found}, not a mapping`,
    hint: () => 'write `{from: shop/web, to: shop/db, protocol: TCP, port: 5432}`',
    explanation: 'Each flow is a mapping with `from`, `to`, `protocol` and, for most, `port`.',
  }),
  'flows/missing-field': entry<InFlow & { field: string }>({
    severity: 'error',
    message: ({ where, field }) => `${where} has no \`${field}\``,
    explanation:
      'A flow needs `from`, `to` and `protocol`, and `port` where the protocol has ports.',
  }),
  'flows/unknown-field': entry<InFlow & { field: string; near: string | undefined }>({
    severity: 'error',
    message: ({ where, field }) => `${where} has an unknown field \`${field}\``,
    hint: ({ near }) => (near === undefined ? undefined : `did you mean \`${near}\`?`),
    explanation:
      'A flow has `from`, `to`, `protocol`, `port`, `sourcePort`, `icmpType` and `icmpCode`.',
  }),
  'flows/wrong-type': entry<InFlow & { field: string; wanted: string; found: string }>({
    severity: 'error',
    message: ({ where, field, wanted, found }) =>
      `\`${field}\` of ${where} must be ${wanted}, not ${found}`,
    explanation: 'Ports are integers from 0 to 65535, ICMP types and codes from 0 to 255.',
  }),
  'flows/unknown-protocol': entry<InFlow & { protocol: string; near: string | undefined }>({
    severity: 'error',
    message: ({ where, protocol }) => `${where} has an unknown protocol \`${protocol}\``,
    hint: ({ near }) =>
      near === undefined ? 'write TCP, UDP, SCTP, ICMP or ICMPv6' : `did you mean \`${near}\`?`,
    explanation: 'The protocols are TCP, UDP, SCTP, ICMP and ICMPv6, written so.',
  }),
  'flows/field-without-meaning': entry<InFlow & { field: string; protocol: string }>({
    severity: 'error',
    message: ({ where, field, protocol }) =>
      `${where} gives \`${field}\`, which ${protocol} does not have`,
    hint: ({ field }) => `leave \`${field}\` out`,
    explanation: 'ICMP has types and codes but no ports; TCP, UDP and SCTP have ports alone.',
  }),
  'flows/bad-end': entry<InFlow & { text: string }>({
    severity: 'error',
    message: ({ where, text }) =>
      `${where} names \`${text}\`, which is neither a pod nor an address`,
    hint: () => 'write `namespace/pod`, `namespace/workload`, `service namespace/name` or an IP',
    explanation: 'The ends of a flow are pods, workloads, Services or IP addresses.',
  }),
  'flows/unknown-pod': entry<InFlow & { text: string; near: string | undefined }>({
    severity: 'error',
    message: ({ where, text }) => `${where} names \`${text}\`, but no pod or workload is called so`,
    hint: ({ near }) => (near === undefined ? undefined : `did you mean \`${near}\`?`),
    explanation: 'The pod must be in the cluster that the flows are judged in.',
  }),
  'flows/ambiguous-name': entry<InFlow & { text: string; choices: readonly string[] }>({
    severity: 'error',
    message: ({ where, text, choices }) =>
      `${where} names \`${text}\`, which may mean ${choices.join(' or ')}`,
    hint: () => 'name one of the pods, with its namespace',
    explanation: 'Several workloads or pods share the name, and their policies may differ.',
  }),
  'flows/unknown-service': entry<InFlow & { text: string; near: string | undefined }>({
    severity: 'error',
    message: ({ where, text }) => `${where} goes to \`${text}\`, but there is no such Service`,
    hint: ({ near }) => (near === undefined ? undefined : `did you mean \`${near}\`?`),
    explanation: 'The Service must be in the cluster that the flows are judged in.',
  }),
  'flows/headless-service': entry<InFlow & { text: string }>({
    severity: 'error',
    message: ({ where, text }) => `${where} goes to \`${text}\`, which has no address of its own`,
    hint: () => 'name the pods behind it instead',
    explanation:
      'Headless and ExternalName Services have no cluster address; clients address pods directly.',
  }),
  'flows/service-as-source': entry<InFlow & { text: string }>({
    severity: 'error',
    message: ({ where, text }) => `${where} comes from \`${text}\`, but Services send no packets`,
    hint: () => 'name a pod behind the Service instead',
    explanation: 'A Service is a destination; what is behind it sends from its own address.',
  }),
  'flows/no-address': entry<InFlow & { text: string }>({
    severity: 'error',
    message: ({ where, text }) => `${where} names \`${text}\`, which has no address`,
    hint: () => 'name a running pod',
    explanation: 'Completed pods, and pods that have not got an address yet, have no traffic.',
  }),
  'flows/no-common-family': entry<InFlow & { from: string; to: string }>({
    severity: 'error',
    message: ({ where, from, to }) => `${where}: \`${from}\` and \`${to}\` share no address family`,
    explanation: 'A packet is IPv4 or IPv6; both ends need an address of its family.',
  }),
  'flows/wrong-icmp': entry<InFlow & { protocol: string; family: number }>({
    severity: 'error',
    message: ({ where, protocol, family }) =>
      `${where} is ${protocol}, but its ends have IPv${family} addresses`,
    hint: ({ protocol }) => `write ${protocol === 'ICMP' ? 'ICMPv6' : 'ICMP'}`,
    explanation: 'ICMP goes over IPv4 and ICMPv6 over IPv6; they are different protocols.',
  }),
};
