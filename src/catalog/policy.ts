/** Diagnostics about what policy files say: names, peers, ports, tiers, tests. */
import { entry } from './entry.js';

export const policyCatalog = {
  'policy/not-built': entry<{ what: string }>({
    severity: 'error',
    message: ({ what }) =>
      `\`${what}\` is part of the language, but this version does not build it`,
    hint: () => 'keep it in a file of its own until a version builds it',
    explanation:
      'The language has kinds of policy that this version of policyc reads over but cannot compile. ' +
      'Leaving them out silently would pretend that they are enforced.',
  }),
  'policy/use-cycle': entry<{ cycle: string }>({
    severity: 'error',
    message: ({ cycle }) => `files use each other in a circle: ${cycle}`,
    hint: () => 'move what both need into a third file',
    explanation: '`use` may not lead back to the file that it starts from.',
  }),
  'policy/use-not-policy': entry<{ path: string }>({
    severity: 'error',
    message: ({ path }) => `\`${path}\` is no policy file`,
    hint: () => 'use files that end in `.pol`; YAML files are named on the command line',
    explanation: '`use` makes the names of another policy file known; other files have none.',
  }),
  'policy/duplicate': entry<{ kind: string; name: string }>({
    severity: 'error',
    message: ({ kind, name }) => `${kind} \`${name}\` is declared twice`,
    hint: () => 'rename one of them',
    explanation: 'A name stands for one thing in all files that see each other through `use`.',
  }),
  'policy/unknown-name': entry<{ name: string; near: string | undefined }>({
    severity: 'error',
    message: ({ name }) => `nothing is named \`${name}\` here`,
    hint: ({ near }) =>
      near === undefined ? 'declare it, or `use` the file that does' : `did you mean \`${near}\`?`,
    explanation:
      'A name is looked for in its own namespace block, then outside of all blocks, in the file and ' +
      'in those that it uses. A group of another namespace is written `namespace/name`.',
  }),
  'policy/ambiguous-name': entry<{ name: string; candidates: string }>({
    severity: 'error',
    message: ({ name, candidates }) => `\`${name}\` may be ${candidates}`,
    hint: () => 'write the namespace in front of it',
    explanation:
      'Outside of namespace blocks `assert` may leave out the namespace of a group where only one ' +
      'namespace has a group of that name.',
  }),
  'policy/wrong-kind': entry<{ name: string; kind: string; expected: string }>({
    severity: 'error',
    message: ({ name, kind, expected }) => `\`${name}\` is a ${kind}, not ${expected}`,
    explanation: 'Groups and sets name peers, `ports` name ports; one cannot stand for the other.',
  }),
  'policy/cyclic': entry<{ name: string }>({
    severity: 'error',
    message: ({ name }) => `\`${name}\` is declared by itself`,
    hint: () => 'a declaration cannot name itself, directly or through others',
    explanation: 'Groups, sets and ports name each other without circles.',
  }),
  'policy/nested-names': entry<{ limit: number }>({
    severity: 'error',
    message: ({ limit }) => `names lead to each other more than ${limit} deep`,
    hint: () => 'declare the names in the order of their use',
    explanation:
      'The chain from one name to the next is limited, so that it cannot exhaust the stack.',
  }),
  'policy/bad-cidr': entry<{ text: string; example: string | undefined }>({
    severity: 'error',
    message: ({ text }) => `\`${text}\` is no CIDR block`,
    hint: ({ example }) =>
      example === undefined ? 'write it as `10.0.0.0/8` or `fd00::/8`' : `write \`${example}\``,
    explanation: 'A CIDR block is an IPv4 or IPv6 address, `/`, and a prefix length.',
  }),
  'policy/host-bits': entry<{ text: string; meaning: string }>({
    severity: 'warning',
    message: ({ text, meaning }) => `\`${text}\` means \`${meaning}\``,
    hint: ({ meaning }) => `write \`${meaning}\``,
    explanation: 'Bits of the address behind the prefix length are set, and do not count.',
  }),
  'policy/except-outside': entry<{ text: string }>({
    severity: 'warning',
    message: ({ text }) => `\`${text}\` takes nothing away: it is outside of the set`,
    explanation: 'An `except` that no block of the set touches is usually a slip.',
  }),
  'policy/unknown-type': entry<{ type: string; near: string | undefined }>({
    severity: 'error',
    message: ({ type }) => `there are no sets of type \`${type}\``,
    hint: ({ near }) => (near === undefined ? 'write `cidr`' : `did you mean \`${near}\`?`),
    explanation: 'A set holds addresses (`cidr`).',
  }),
  'policy/unknown-protocol': entry<{ protocol: string; near: string | undefined }>({
    severity: 'error',
    message: ({ protocol }) => `\`${protocol}\` is no protocol with ports`,
    hint: ({ near }) =>
      near === undefined ? 'write `tcp`, `udp` or `sctp`' : `did you mean \`${near}\`?`,
    explanation: 'Ports belong to `tcp`, `udp` or `sctp`.',
  }),
  'policy/bad-port': entry<{ port: number }>({
    severity: 'error',
    message: ({ port }) => `there is no port ${port}`,
    hint: () => 'ports go from 1 to 65535; all of a protocol are `any/tcp`',
    explanation: 'As in Kubernetes, ports go from 1 to 65535.',
  }),
  'policy/inverted-range': entry<{ first: number; last: number }>({
    severity: 'error',
    message: ({ first, last }) => `the range ${first}-${last} holds no port`,
    hint: ({ first, last }) => `write \`${last}-${first}\``,
    explanation: 'A range goes from its lower to its higher port.',
  }),
  'policy/bad-port-name': entry<{ name: string; fault: string }>({
    severity: 'error',
    message: ({ name, fault }) => `\`${name}\` names no port: ${fault}`,
    explanation: 'A quoted port is the name that containers give it (IANA_SVC_NAME).',
  }),
  'policy/bad-name': entry<{ name: string; fault: string }>({
    severity: 'error',
    message: ({ name, fault }) => `\`${name}\` cannot be a name here: ${fault}`,
    explanation: 'Names of Kubernetes objects follow its rules; others may hold any visible text.',
  }),
  'policy/bad-label': entry<{ text: string; fault: string }>({
    severity: 'error',
    message: ({ text, fault }) => `\`${text}\` can be on no object: ${fault}`,
    hint: () => 'label keys and values follow the rules of Kubernetes',
    explanation: 'A condition on a label that no object can have matches nothing, or everything.',
  }),
  'policy/too-many-alternatives': entry<{ limit: number }>({
    severity: 'error',
    message: ({ limit }) => `the condition has more than ${limit} alternatives`,
    hint: () => 'split it into several groups, or use `in [ … ]`',
    explanation:
      'Conditions become label selectors, each of which knows `and` alone; every `or` doubles what ' +
      'stands beside it.',
  }),
  'policy/subject-elsewhere': entry<{ namespace: string }>({
    severity: 'error',
    message: ({ namespace }) => `these pods are not known to be in namespace \`${namespace}\``,
    hint: ({ namespace }) =>
      `a namespace block speaks for its own pods: \`pods in namespace ${namespace} …\``,
    explanation:
      'A namespace block adds rules to the pods of its own namespace only, so that a team cannot ' +
      'change what others may do. Rules for more than a namespace stand in `policy` blocks.',
  }),
  'policy/subject-not-pods': entry<Record<string, never>>({
    severity: 'error',
    message: () => 'only pods can be the subject of a policy',
    hint: () => 'name a group of pods, or write `pods …`',
    explanation: 'Rules hold for pods; Services, nodes and addresses are peers only.',
  }),
  'policy/no-own-end': entry<{ namespace: string }>({
    severity: 'error',
    message: ({ namespace }) => `neither end of the flow is in namespace \`${namespace}\``,
    hint: () => 'write the flow in the namespace of one of its ends',
    explanation:
      'A flow adds a rule at each end that belongs to the block’s namespace; here there is none.',
  }),
  'policy/missing-peers': entry<{ direction: string; word: string }>({
    severity: 'error',
    message: ({ direction, word }) =>
      `a rule for \`${direction}\` says \`${word}\` whom it speaks of`,
    hint: ({ word }) => `write \`${word} any\` to mean every address`,
    explanation: 'Ingress comes `from` peers, egress goes `to` peers.',
  }),
  'policy/misplaced-peers': entry<{ direction: string; word: string }>({
    severity: 'error',
    message: ({ direction, word }) =>
      `a rule for \`${direction}\` has no \`${word}\` in this block`,
    hint: () => 'whom the policy speaks for is its `subject`',
    explanation: 'In `policy` and `exception` blocks the pods that rules hold for are the subject.',
  }),
  'policy/ports-unstated': entry<Record<string, never>>({
    severity: 'error',
    message: () => 'the rule does not say which ports it allows',
    hint: () => 'add `port 443/tcp`, or `any port` to allow every port and protocol',
    explanation:
      'An allow that opens every port should say so. Rules for traffic to `dns` alone mean 53/udp ' +
      'and 53/tcp.',
  }),
  'policy/misplaced-clause': entry<{ word: string; place: string }>({
    severity: 'error',
    message: ({ word, place }) => `\`${word}\` has no meaning ${place}`,
    hint: ({ word }) => (word === 'reject' ? 'write `deny … reject`' : 'remove it'),
    explanation: 'Some clauses belong to some statements only: `reject` answers what `deny` drops.',
  }),
  'policy/incomplete': entry<{ what: string; missing: string; hint: string }>({
    severity: 'error',
    message: ({ what, missing }) => `${what} has no ${missing}`,
    hint: ({ hint }) => hint,
    explanation: 'The block lacks a part that gives it its meaning, and that has no default.',
  }),
  'policy/bad-priority': entry<{ priority: number }>({
    severity: 'error',
    message: ({ priority }) => `priority ${priority} is out of range`,
    hint: () => 'priorities go from 0, the first, to 1000',
    explanation: 'Within a tier policies are asked in the order of their priorities.',
  }),
  'policy/unknown-tier': entry<{ name: string; near: string | undefined }>({
    severity: 'error',
    message: ({ name }) => `there is no tier \`${name}\``,
    hint: ({ near, name }) =>
      near === undefined ? `declare it: \`tier ${name} order 10\`` : `did you mean \`${near}\`?`,
    explanation: 'Tiers are `admin`, `baseline` and those that `tier` declares.',
  }),
  'policy/reserved-tier': entry<{ name: string }>({
    severity: 'error',
    message: ({ name }) => `tier \`${name}\` is built in`,
    hint: ({ name }) =>
      name === 'networkpolicy'
        ? 'policies of this tier stand in `namespace` blocks'
        : 'choose another name',
    explanation:
      '`admin`, `networkpolicy` and `baseline` exist always; `networkpolicy` is made of NetworkPolicy ' +
      'objects and `namespace` blocks.',
  }),
  'policy/equal-order': entry<{ name: string; other: string; order: number }>({
    severity: 'error',
    message: ({ name, other, order }) =>
      `tiers \`${other}\` and \`${name}\` both have order ${order}`,
    hint: () => 'give each tier an order of its own',
    explanation: 'Which tier is asked first must be written, not guessed.',
  }),
  'policy/unknown-policy': entry<{ name: string; near: string | undefined }>({
    severity: 'error',
    message: ({ name }) => `there is no \`policy ${name}\``,
    hint: ({ near }) =>
      near === undefined
        ? 'an exception belongs to a `policy` block of the policy language'
        : `did you mean \`${near}\`?`,
    explanation: 'An exception goes ahead of the rules of one `policy` block.',
  }),
  'policy/bad-time': entry<{ text: string }>({
    severity: 'error',
    message: ({ text }) => `\`${text}\` is no time`,
    hint: () => 'write it in UTC, to the minute or the second: `2026-12-31T18:00Z`',
    explanation: 'A time is a real date and time of day in UTC, with `T` between and `Z` behind.',
  }),
  'policy/unknown-unit': entry<{ unit: string; near: string | undefined }>({
    severity: 'error',
    message: ({ unit }) => `\`${unit}\` is no unit of size`,
    hint: ({ near }) =>
      near === undefined ? 'write `B`, `KiB`, `MiB` or `GiB`' : `did you mean \`${near}\`?`,
    explanation: 'Sizes are written with their unit, in powers of 1024.',
  }),
  'policy/test-port': entry<Record<string, never>>({
    severity: 'error',
    message: () => 'a test sends to one port',
    hint: () => 'write a number and a protocol, such as `port 443/tcp`',
    explanation: 'A flow of a test is one packet, which has one destination port.',
  }),
  'policy/unjudged-flow': entry<Record<string, never>>({
    severity: 'error',
    message: () => 'no `expect` follows this `when`',
    hint: () => 'add `expect allow` or `expect deny` behind it',
    explanation: 'A `when` is judged by the next `expect`.',
  }),
  'policy/expects-nothing': entry<Record<string, never>>({
    severity: 'error',
    message: () => 'this `expect` speaks of no flow',
    hint: () => 'write `when A -> B port 443/tcp` in front of it, or a table of flows behind it',
    explanation: 'An `expect` judges the `when` statements since the last one, or its own table.',
  }),
};
