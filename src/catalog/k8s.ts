/** Diagnostics about Kubernetes objects and the policies among them. */
import { nearestName } from '../did-you-mean.js';
import { entry } from './entry.js';

const quoted = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ');

const alternatives = (words: readonly string[]): string => {
  const last = words.at(-1) ?? '';
  if (words.length < 2) return `\`${last}\``;
  return `${quoted(words.slice(0, -1))} or \`${last}\``;
};

export const k8sCatalog = {
  'k8s/not-an-object': entry<{ found: string }>({
    severity: 'error',
    message: ({ found }) => `expected a Kubernetes object, found ${found}`,
    hint: () => 'every document is a mapping with `apiVersion`, `kind` and `metadata`',
    explanation: 'A document of a manifest file is one Kubernetes object, or a List of objects.',
  }),
  'k8s/no-kind': entry<{ missing: readonly string[]; keys: readonly string[] }>({
    severity: 'error',
    message: ({ missing }) =>
      `this document has no ${quoted(missing)}, so it is no Kubernetes object`,
    hint: ({ keys }) =>
      keys.length === 0
        ? undefined
        : `with keys such as ${quoted(keys)} it may be a Helm values file; leave it out`,
    explanation:
      '`apiVersion` and `kind` say what an object is. A file without them is not a manifest, and reading on would silently leave its contents out.',
  }),
  'k8s/unknown-version': entry<{ apiVersion: string; kind: string; known: readonly string[] }>({
    severity: 'error',
    message: ({ apiVersion, kind }) =>
      `\`${kind}\` of \`${apiVersion}\` is not a version that is read`,
    hint: ({ known }) => `write it as ${alternatives(known)}`,
    explanation:
      'A policy that cannot be read would be missing from the result, so it is refused instead.',
  }),
  'k8s/foreign-policy': entry<{ apiVersion: string; kind: string; hint: string }>({
    severity: 'error',
    message: ({ apiVersion, kind }) =>
      `\`${kind}\` of \`${apiVersion}\` is another product's policy`,
    hint: ({ hint }) => hint,
    explanation:
      'Verdicts that leave out a policy of the cluster would be wrong, so policies that cannot be read are refused. Take the object out of the paths given if it is not in force.',
  }),
  'k8s/unknown-kind': entry<{ apiVersion: string; kind: string; near: string | undefined }>({
    severity: 'error',
    message: ({ apiVersion, kind }) => `\`${kind}\` of \`${apiVersion}\` is no kind that is known`,
    hint: ({ near }) =>
      near === undefined
        ? 'write the kind as its API has it, or leave the object out'
        : `did you mean \`${near}\`?`,
    explanation:
      'The kind is written almost like that of a policy. An API server would refuse the object; passed over here, its rules would be missing from every verdict.',
  }),
  'k8s/unknown-field': entry<{ field: string; where: string; known: readonly string[] }>({
    severity: 'error',
    message: ({ field, where }) => `unknown field \`${field}\` in ${where}`,
    hint: ({ field, known }) => {
      if (field === 'sameLabels' || field === 'notSameLabels') {
        return 'this field was removed in v0.1.7 of the network policy API; name the namespaces by labels';
      }
      const near = nearestName(field, known);
      if (near !== undefined) return `did you mean \`${near}\`?`;
      return `known here: ${quoted(known)}; a field of a newer API version is not understood`;
    },
    explanation:
      'An API server drops unknown fields, which leaves a policy that says less than its author thinks. Here they are errors.',
  }),
  'k8s/wrong-type': entry<{ field: string; expected: string; found: string; hint?: string }>({
    severity: 'error',
    message: ({ field, expected, found }) => `\`${field}\` must be ${expected}, found ${found}`,
    hint: ({ hint }) => hint,
    explanation:
      'The value has another type than the API has. Unquoted, YAML reads `yes`, `on` and `1.0` as no string.',
  }),
  'k8s/missing-field': entry<{ field: string; where: string; hint?: string }>({
    severity: 'error',
    message: ({ field, where }) => `${where} has no \`${field}\``,
    hint: ({ hint }) => hint,
    explanation: 'The API requires the field. A key without a value counts as absent.',
  }),
  'k8s/presumed-selector': entry<{ field: string; where: string }>({
    severity: 'warning',
    message: ({ field, where }) => `${where} has no \`${field}\`, and is read as all pods`,
    hint: ({ field }) =>
      `write \`${field}: {}\` wherever it is missing in this policy: an API server refuses the object without it`,
    explanation:
      'The field is required, but an object that reached its readers without it would mean an empty selector, which selects all pods.',
  }),
  'k8s/empty-item': entry<{ where: string }>({
    severity: 'error',
    message: ({ where }) => `an item of \`${where}\` has no content`,
    hint: () => 'remove the dash; to match everything write `{}` where that is allowed',
    explanation:
      'An API server takes a dash without content as an empty item, which in a list of rules allows everything.',
  }),
  'k8s/out-of-range': entry<{ field: string; value: number; min: number; max: number }>({
    severity: 'error',
    message: ({ field, value, min, max }) =>
      `\`${field}\` is ${value}, which is not from ${min} to ${max}`,
    explanation: 'The number is outside the range that the API has for the field.',
  }),
  'k8s/unknown-value': entry<{ field: string; value: string; known: readonly string[] }>({
    severity: 'error',
    message: ({ field, value }) => `\`${value}\` is no value of \`${field}\``,
    hint: ({ value, known }) => {
      const near = nearestName(value, known);
      return near === undefined ? `write ${alternatives(known)}` : `did you mean \`${near}\`?`;
    },
    explanation: 'The API lists the values of the field; upper and lower case matter.',
  }),
  'k8s/too-few': entry<{ field: string; where: string }>({
    severity: 'error',
    message: ({ field, where }) => `\`${field}\` in ${where} must have at least one item`,
    explanation: 'An empty list says nothing that the API gives a meaning to.',
  }),
  'k8s/too-many': entry<{ field: string; count: number; limit: number }>({
    severity: 'error',
    message: ({ field, count, limit }) => `\`${field}\` has ${count} items; ${limit} are allowed`,
    hint: () => 'split the policy in two',
    explanation: 'The API limits the length of the list, and the API server would refuse it.',
  }),
  'k8s/too-long': entry<{ field: string; length: number; limit: number }>({
    severity: 'error',
    message: ({ field, length, limit }) =>
      `\`${field}\` has ${length} characters; ${limit} are allowed`,
    explanation: 'The API limits the length of the text.',
  }),
  'k8s/repeated-item': entry<{ field: string; value: string }>({
    severity: 'error',
    message: ({ field, value }) => `\`${value}\` is twice in \`${field}\``,
    explanation: 'The list is a set in the API.',
  }),
  'k8s/not-exactly-one': entry<{
    where: string;
    fields: readonly string[];
    found: readonly string[];
    hint?: string;
  }>({
    severity: 'error',
    message: ({ where, found }) =>
      found.length === 0
        ? `${where} is empty`
        : `${where} has ${quoted(found)}, of which it may have one`,
    hint: ({ fields, hint }) => hint ?? `write one of ${alternatives(fields)}`,
    explanation:
      'Exactly one of these fields must be set. An empty peer could mean all or nothing, so it means neither.',
  }),
  'k8s/mixed-peer': entry<{ found: readonly string[] }>({
    severity: 'error',
    message: ({ found }) => `a peer has \`ipBlock\` beside ${quoted(found)}`,
    hint: () => 'make two peers of it, each with its own dash',
    explanation: 'A peer of a NetworkPolicy is an ipBlock, or selectors, and not both.',
  }),
  'k8s/bad-name': entry<{ field: string; value: string; rule: string }>({
    severity: 'error',
    message: ({ field, value }) => `\`${value}\` is no valid \`${field}\``,
    hint: ({ rule }) => rule,
    explanation: 'The API server would refuse the name.',
  }),
  'k8s/bad-label-key': entry<{ key: string; reason: string }>({
    severity: 'error',
    message: ({ key, reason }) => `\`${key}\` is no label key: ${reason}`,
    hint: () => 'a key is `name` or `prefix/name`, with a DNS name as its prefix',
    explanation: 'No object can carry such a label, so the selector could match nothing.',
  }),
  'k8s/unquoted-key': entry<{ text: string; key: string }>({
    severity: 'error',
    message: ({ text, key }) => `the label key \`${text}\` is read as \`${key}\` when not quoted`,
    hint: ({ text }) => `write "${text}"`,
    explanation: 'YAML 1.1 reads words such as `yes`, `on` and `off` as booleans, in keys as well.',
  }),
  'k8s/bad-label-value': entry<{ value: string; reason: string }>({
    severity: 'error',
    message: ({ value, reason }) => `\`${value}\` is no label value: ${reason}`,
    explanation: 'No object can carry such a label, so the selector could match nothing.',
  }),
  'k8s/operator-values': entry<{ operator: string; wants: boolean }>({
    severity: 'error',
    message: ({ operator, wants }) =>
      wants ? `\`${operator}\` needs \`values\`` : `\`${operator}\` takes no \`values\``,
    hint: ({ operator, wants }) =>
      wants
        ? 'list at least one value'
        : `remove \`values\`, or write \`${operator === 'Exists' ? 'In' : 'NotIn'}\``,
    explanation: 'In and NotIn compare with values; Exists and DoesNotExist look at the key alone.',
  }),
  'k8s/bad-cidr': entry<{ value: string; hint?: string }>({
    severity: 'error',
    message: ({ value }) => `\`${value}\` is no CIDR block`,
    hint: ({ hint }) => hint,
    explanation: 'A block is an address, a slash and a length: 10.0.0.0/8 or fd00::/8.',
  }),
  'k8s/cidr-host-bits': entry<{ value: string; block: string }>({
    severity: 'warning',
    message: ({ value, block }) => `\`${value}\` has bits past its length and means \`${block}\``,
    hint: ({ block }) => `write \`${block}\``,
    explanation: 'Kubernetes clears the bits past the length; the block may be larger than meant.',
  }),
  'k8s/except-outside': entry<{ except: string; cidr: string }>({
    severity: 'error',
    message: ({ except, cidr }) => `\`${except}\` is not inside \`${cidr}\``,
    hint: () => 'an `except` takes a smaller block out of its own `cidr`, and limits no other peer',
    explanation: 'The API requires each except to be a strict part of the cidr.',
  }),
  'k8s/end-port': entry<{ reason: string }>({
    severity: 'error',
    message: ({ reason }) => reason,
    hint: () => 'a range is a numeric `port` and an `endPort` that is not below it',
    explanation: '`endPort` is the last port of a range that starts at `port`.',
  }),
  'k8s/empty-range': entry<{ start: number; end: number; strict: boolean }>({
    severity: 'error',
    message: ({ start, end }) => `the port range from ${start} to ${end} is empty`,
    hint: ({ start, end, strict }) =>
      strict && start === end ? `write \`number: ${start}\`` : 'swap `start` and `end`',
    explanation: 'v1alpha1 takes a range of one port; v1alpha2 requires `start` to be below `end`.',
  }),
  'k8s/bad-port-name': entry<{ name: string; reason: string }>({
    severity: 'error',
    message: ({ name, reason }) => `\`${name}\` is no port name: ${reason}`,
    hint: ({ name }) =>
      /^\d+$/.test(name) ? `write the number without quotes: ${name}` : undefined,
    explanation:
      'A port name has at most 15 of a-z, 0-9 and single inner hyphens, and at least one letter (IANA_SVC_NAME).',
  }),
  'k8s/named-port-beside': entry<{ name: string; peers: readonly string[] }>({
    severity: 'error',
    message: ({ name, peers }) => `the named port \`${name}\` stands beside ${quoted(peers)}`,
    hint: () => 'only pods have named ports: write the number, or make two rules',
    explanation: 'Addresses and nodes have no named ports, and the API refuses the combination.',
  }),
  'k8s/named-port-address': entry<{ name: string }>({
    severity: 'warning',
    message: ({ name }) => `the named port \`${name}\` matches nothing at an \`ipBlock\``,
    hint: () => 'write the number as well; only pods have named ports',
    explanation:
      'A named port is looked up in the containers of the pod that is the destination. An outside address has none.',
  }),
  'k8s/dead-section': entry<{ section: string; type: string }>({
    severity: 'warning',
    message: ({ section, type }) =>
      `the \`${section}\` rules have no effect, since \`policyTypes\` does not list ${type}`,
    hint: ({ type, section }) => `add ${type} to \`policyTypes\`, or remove \`${section}\``,
    explanation: 'With policyTypes given, only the directions that it lists are looked at.',
  }),
  'k8s/domain-name-deny': entry<{ action: string }>({
    severity: 'error',
    message: ({ action }) => `\`domainNames\` cannot be used with \`${action}\``,
    hint: () => 'deny by `networks`, and accept the domain names ahead of it',
    explanation:
      'Names are known only once somebody looks them up; what nobody looked up could not be denied.',
  }),
  'k8s/domain-name-unsupported': entry<{ name: string }>({
    severity: 'warning',
    message: ({ name }) => `\`${name}\` matches nothing: DNS is not observed yet`,
    hint: () => 'use `networks` until then',
    explanation:
      'Matching by domain name needs the answers that pods get from DNS. Until they are observed such a peer matches no address.',
  }),
  'k8s/bad-domain-name': entry<{ value: string }>({
    severity: 'error',
    message: ({ value }) => `\`${value}\` is no domain name`,
    hint: () => 'write `example.com`, or `*.example.com` for all names below it',
    explanation: 'The wildcard stands for whole labels and only in front.',
  }),
  'k8s/duplicate-policy': entry<{ kind: string; name: string }>({
    severity: 'error',
    message: ({ kind, name }) => `there are two objects of kind ${kind} named \`${name}\``,
    hint: () => 'rename one, or leave one file out',
    explanation: 'In a cluster the second would overwrite the first.',
  }),
  'k8s/baseline-name': entry<{ name: string }>({
    severity: 'error',
    message: ({ name }) =>
      `a BaselineAdminNetworkPolicy must be named \`default\`, not \`${name}\``,
    explanation: 'A cluster has one BaselineAdminNetworkPolicy, and its name is fixed.',
  }),
};
