/** Diagnostics of `policyc lint`, from the policies alone: what is legal, and probably not meant. */
import { entry } from './entry.js';

export const lintCatalog = {
  'lint/covered-rule': entry<{ rule: string; by: string }>({
    severity: 'warning',
    message: ({ rule, by }) => `\`${rule}\` adds nothing: \`${by}\` allows all that it allows`,
    hint: () => 'remove it, unless the other policy is not yours to rely on',
    explanation:
      'Policies of one namespace add up. Whatever the cluster, everything that this rule allows is allowed by a wider rule of another policy that selects the same pods or more.\nIt is no mistake where two teams state what each of them needs; then say so: `# policyc: allow lint/covered-rule reason "…"`.',
  }),
  'lint/duplicate-policy': entry<{ policy: string; first: string }>({
    severity: 'warning',
    message: ({ policy, first }) => `\`${policy}\` says the same as \`${first}\``,
    hint: () => 'keep one of the two',
    explanation:
      'Both policies select the same pods, isolate them alike and have the same rules, in whatever order. One of them can go, and later changes must be made in one place only.\n`--fix` removes the second one where nothing but the name tells them apart.',
  }),
  'lint/open-to-anyone': entry<{ rule: string; pods: string }>({
    severity: 'warning',
    message: ({ rule, pods }) => `\`${rule}\` lets anyone in, at every port${pods}`,
    hint: () => 'say who may come in, or at which ports; the isolation of these pods is void',
    explanation:
      'The rule names no peer and no port, so that every pod, every node and every address outside may connect to everything that the pods listen on, debug ports included.\nAn absent, null or empty `from` is everyone, not nobody.',
  }),
  'lint/open-to-outside': entry<{ rule: string; ports: string; pods: string }>({
    severity: 'warning',
    message: ({ rule, ports, pods }) =>
      `\`${rule}\` lets any address outside the cluster in, at ${ports}${pods}`,
    hint: () =>
      'name the peers; if it is meant to be open: `# policyc: allow lint/open-to-outside reason "…"`',
    explanation:
      'The rule lets in whole address families (0.0.0.0/0, ::/0, `outside`) or everyone. That is right for what serves the public, and should be said of it, with a reason, so that it is not copied to what does not.',
  }),
  'lint/sensitive-port': entry<{ rule: string; port: string; what: string }>({
    severity: 'warning',
    message: ({ rule, port, what }) =>
      `\`${rule}\` opens ${port}, which is usually ${what}, to any address outside`,
    hint: () => 'let in only those who administer it or work with it',
    explanation:
      'Shells, databases, caches, container runtimes and the control plane of a cluster listen at well-known ports. Whoever reaches these from outside needs only one weak password, or none.',
  }),
  'lint/open-egress': entry<{ rule: string; policy: string }>({
    severity: 'warning',
    message: ({ rule, policy }) =>
      `\`${rule}\` lets the pods connect to anyone, at every port: \`${policy}\` isolates egress in vain`,
    hint: () => 'name the peers, or leave egress alone',
    explanation:
      'The rule names no peer and no port. An absent, null or empty `to` is everyone, not nobody. A pod that is taken over may send what it finds to any place.',
  }),
  'lint/metadata-api-open': entry<{ rule: string; block: string }>({
    severity: 'warning',
    message: ({ rule, block }) =>
      `\`${rule}\` allows \`${block}\`, which holds the metadata service of clouds, 169.254.169.254`,
    hint: () => 'add `except: [169.254.169.254/32]`, or name narrower blocks',
    explanation:
      'At 169.254.169.254 clouds hand out the credentials of the node to whoever asks from it. A block as wide as 0.0.0.0/0 lets pods ask. Pods that need it can be given it by a rule of their own.',
  }),
  'lint/dns-missing': entry<{ policy: string; pods: string; lacking: string }>({
    severity: 'warning',
    message: ({ policy, pods, lacking }) =>
      `${pods} may connect to others, but ${lacking}: names cannot be looked up (isolated by \`${policy}\`)`,
    hint: () =>
      'allow egress to the pods of kube-dns at 53/udp and 53/tcp (`allow egress to dns` in the policy language)',
    explanation:
      'Isolation for egress denies DNS too. Without it every connection by name fails, mostly after a timeout of seconds. Pods that may not connect to anybody are not reported, since they need no names.\nTCP is needed too: answers that do not fit a datagram are asked for again by TCP. Where NodeLocal DNS runs, pods ask 169.254.20.10, and not the Service.',
  }),
  'lint/dns-by-one-protocol': entry<{ policy: string; pods: string; has: string; lacks: string }>({
    severity: 'warning',
    message: ({ policy, pods, has, lacks }) =>
      `${pods} may ask DNS by ${has} only, and not by ${lacks} (isolated by \`${policy}\`)`,
    hint: ({ lacks }) =>
      `allow 53/${lacks.toLowerCase()} beside it; a port without \`protocol\` is TCP`,
    explanation:
      'Names are looked up by UDP, and again by TCP where the answer does not fit a datagram: with many addresses, or with DNSSEC. A port of a NetworkPolicy without `protocol` is TCP alone.',
  }),
  'lint/dns-without-node-local': entry<{ policy: string; pods: string }>({
    severity: 'warning',
    message: ({ policy, pods }) =>
      `${pods} may ask kube-dns, but not NodeLocal DNS at 169.254.20.10, which runs in this cluster (isolated by \`${policy}\`)`,
    hint: () => 'allow egress to 169.254.20.10/32 at 53/udp and 53/tcp as well',
    explanation:
      'NodeLocal DNS answers at 169.254.20.10 in the network of the node. It is no pod to policies: rules by selector do not allow it, only blocks of addresses do (or `dns` of the policy language).',
  }),
  'lint/policy-types-implied': entry<{ policy: string; types: string }>({
    severity: 'warning',
    message: ({ policy }) =>
      `\`${policy}\` has no \`policyTypes\` and egress rules alone: it denies all ingress as well`,
    hint: ({ types }) =>
      `write what is meant: \`policyTypes: [Egress]\`, or \`${types}\` for what it is now`,
    explanation:
      'Without policyTypes a policy is always for ingress, and for egress if it has egress rules. One that has egress rules only therefore isolates its pods for ingress, and allows none.\n`--fix` writes down what it means now.',
  }),
  'lint/empty-egress-ignored': entry<{ policy: string }>({
    severity: 'warning',
    message: ({ policy }) =>
      `\`${policy}\` has an empty \`egress\` and no \`policyTypes\`: egress is not denied`,
    hint: () => 'to deny it write `policyTypes: [Ingress, Egress]`',
    explanation:
      'Without policyTypes, egress is looked at only if there is an egress rule; an empty list is none.\n`--fix` writes down what the policy means now.',
  }),
  'lint/policy-types-absent': entry<{ policy: string; types: string }>({
    severity: 'warning',
    message: ({ policy, types }) =>
      `\`${policy}\` leaves its \`policyTypes\` to be guessed: ${types}`,
    hint: ({ types }) => `write \`policyTypes: ${types}\``,
    explanation:
      'Off unless asked for. Which directions a policy isolates is easier to review where it is written down. `--fix` writes it.',
  }),
  'lint/namespace-absent': entry<{ policy: string }>({
    severity: 'warning',
    message: ({ policy }) => `\`${policy}\` names no namespace, and counts as one of \`default\``,
    hint: () => 'write `metadata.namespace`; kubectl puts it wherever its context happens to point',
    explanation:
      'The same file protects other pods depending on who applies it. policyc takes the namespace `default`, as the API server does.\nWhere a tool such as Kustomize or Helm fills it in, lint what it prints.',
  }),
  'lint/empty-list': entry<{ field: string; means: string; instead: string }>({
    severity: 'warning',
    message: ({ field, means }) => `an empty \`${field}\` is ${means}`,
    hint: ({ field, instead }) => `leave \`${field}\` out if that is meant; ${instead}`,
    explanation:
      'In rules of a NetworkPolicy, empty and absent lists are the same: every peer, every port. To allow nobody, write no rule.',
  }),
  'lint/expired': entry<{ exception: string; until: string }>({
    severity: 'warning',
    message: ({ exception, until }) => `exception \`${exception}\` ended ${until}`,
    hint: () => 'remove it',
    explanation:
      'Its rules have had no effect since then, and will have none. `--fix` removes the block where its end lies in the past of the clock too, not only of `--at`.',
  }),
  'lint/unused-name': entry<{ kind: string; name: string }>({
    severity: 'warning',
    message: ({ kind, name }) => `${kind} \`${name}\` is used by nothing`,
    hint: () => 'remove it; is the one that should use it spelt otherwise?',
    explanation:
      'No statement of this file names it, and no other file uses this one. Files that hold nothing but names are libraries, and are not reported.',
  }),
  'lint/unused-allow': entry<{ code: string }>({
    severity: 'warning',
    message: ({ code }) => `\`allow ${code}\` matches nothing here`,
    hint: () => 'remove it',
    explanation:
      'A comment that switches a lint off outlives what it was for, and would then hide a new fault. Comments for lints that need `--cluster`, or that the command line has switched off, are not judged without it.',
  }),
  'lint/allow-without-reason': entry<{ code: string }>({
    severity: 'warning',
    message: ({ code }) => `\`allow ${code}\` gives no reason`,
    hint: () => 'write `reason "…"` behind it; without one it switches nothing off',
    explanation:
      'Whoever reads the policy next must know why a warning does not count here. Reports list the reasons.',
  }),
  'lint/fix-stdin': entry<Record<string, never>>({
    severity: 'error',
    message: () => 'standard input cannot be rewritten',
    hint: () => 'give the files by name, or leave `--fix` and `--diff` out',
    explanation: '`--fix` writes to the files that it has read.',
  }),
  'lint/unknown-code': entry<{ text: string; near: string | undefined }>({
    severity: 'error',
    message: ({ text }) => `\`${text}\` is no lint`,
    hint: ({ near }) =>
      near === undefined
        ? '`policyc help codes` lists them; `lint/*` and `all` stand for many'
        : `did you mean \`${near}\`?`,
    explanation:
      'Levels are set for codes of warnings: with `--allow`, `--warn` and `--deny`, or under `lint` in policyc.yaml. What is an error for `policyc check` stays one.',
  }),
  'lint/bad-allow': entry<{ text: string; near: string | undefined }>({
    severity: 'warning',
    message: ({ text }) => `\`${text}\` is no lint that can be switched off`,
    hint: ({ near }) =>
      near === undefined
        ? 'write `# policyc: allow lint/NAME reason "…"`; `policyc help codes` lists the names'
        : `did you mean \`${near}\`?`,
    explanation:
      'Comments of the form `# policyc: allow CODE, CODE reason "…"` switch lints off: at the end of a line for that line, on a line of their own for what follows, with all below it. Only warnings can be switched off, and not those about such comments.',
  }),
};
