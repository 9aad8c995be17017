/** The JSON schemas of a bundle's parts, checked on the way out and on the way in. */

/** Of the bundle as a whole; another number is another form, which is refused. */
export const BUNDLE_FORMAT = 2;

const text = { type: 'string' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const flag = { type: 'boolean' } as const;
const digest = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;
const port = { type: 'integer', minimum: 0, maximum: 65535 } as const;
const portProtocol = { enum: ['TCP', 'UDP', 'SCTP'] } as const;
const origin = {
  type: 'array',
  items: { type: 'integer', minimum: 0 },
  minItems: 3,
  maxItems: 3,
} as const;

const object = (
  properties: Readonly<Record<string, unknown>>,
  optional: readonly string[] = [],
): object => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});

const list = (items: unknown): object => ({ type: 'array', items });

const selector = object({
  requirements: list(
    object({
      key: text,
      operator: { enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] },
      values: list(text),
    }),
  ),
});

const peer = {
  oneOf: [
    object({ kind: { enum: ['any', 'outside', 'own-node', 'nothing'] } }),
    object({ kind: { const: 'pods' }, namespaces: selector, pods: selector }),
    object({ kind: { const: 'addresses' }, include: list(text), exclude: list(text) }),
    object({ kind: { const: 'nodes' }, selector }),
    object({ kind: { const: 'service' }, namespace: text, name: text }),
  ],
};

const portMatch = {
  oneOf: [
    object({ kind: { const: 'range' }, protocol: portProtocol, first: port, last: port }),
    object({ kind: { const: 'named' }, name: text, protocol: portProtocol }, ['protocol']),
  ],
};

const rule = object(
  {
    direction: { enum: ['ingress', 'egress'] },
    action: { enum: ['allow', 'deny', 'pass'] },
    peers: list(count),
    ports: count,
    name: text,
    log: flag,
    reject: flag,
    until: { type: 'number' },
    reason: text,
    ticket: text,
    origin,
  },
  ['action', 'ports', 'name', 'log', 'reject', 'until', 'reason', 'ticket'],
);

const policy = object(
  {
    kind: {
      enum: [
        'NetworkPolicy',
        'ClusterNetworkPolicy',
        'AdminNetworkPolicy',
        'BaselineAdminNetworkPolicy',
        'namespace',
        'policy',
      ],
    },
    tier: text,
    priority: { type: 'integer' },
    namespace: text,
    name: text,
    subjects: list(count),
    isolates: object({ ingress: flag, egress: flag }),
    logsIsolation: flag,
    rules: list(rule),
    owner: text,
    contact: text,
    origin,
  },
  ['namespace', 'owner', 'contact'],
);

export const policySchema = object({
  tiers: list(object({ name: text, kind: { enum: ['ordered', 'additive'] } })),
  subjects: list(object({ namespaces: selector, pods: selector })),
  peers: list(peer),
  ports: list(list(portMatch)),
  policies: list(policy),
  exceptions: list(
    object({ name: text, to: text, rules: list(rule), approved: list(text), origin }),
  ),
  sources: list(
    object({
      path: text,
      lines: list({ type: 'array', minItems: 2, maxItems: 2, items: [count, text] }),
    }),
  ),
});

const verdictLayout = object({ layout: { enum: ['code', 'tables'] }, why: text });

export const manifestSchema = object({
  format: { const: BUNDLE_FORMAT },
  compiler: text,
  target: text,
  parts: list(object({ name: text, bytes: count, sha256: digest })),
  objects: list(
    object({
      variant: text,
      part: text,
      programs: list(object({ name: text, instructions: count })),
      maps: list(object({ name: text, type: text, keySize: count, valueSize: count })),
      tables: list(text),
    }),
  ),
  verdict: object({ ingress: verdictLayout, egress: verdictLayout }),
  budget: object({ bytes: count, strict: flag }),
  policies: count,
  rules: count,
  validated: object({
    mode: { enum: ['product', 'factors', 'sample', 'none'] },
    packets: count,
    pods: count,
  }),
});
