/** JSON schemas of the policy kinds, written after the types that their APIs publish. */
import type { K8sPolicyKind } from './kinds.js';
import {
  integer,
  limitedText,
  list,
  mapping,
  oneOf,
  policyObject,
  PORT_NUMBER,
  PROTOCOL,
  SELECTOR,
  text,
  type ObjectRules,
  type Schema,
} from './schema.js';

/** The schema of one kind; built when it is asked for. */
export function schemaOf(kind: K8sPolicyKind): Schema {
  switch (kind) {
    case 'NetworkPolicy':
      return networkPolicy();
    case 'ClusterNetworkPolicy':
      return clusterNetworkPolicy();
    case 'AdminNetworkPolicy':
      return adminNetworkPolicy();
    case 'BaselineAdminNetworkPolicy':
      return baselineAdminNetworkPolicy();
  }
}

function networkPolicy(): Schema {
  const peer = mapping(
    {
      podSelector: SELECTOR,
      namespaceSelector: SELECTOR,
      ipBlock: mapping(
        { cidr: text('cidr'), except: list({ type: 'string', check: 'cidr' }) },
        { needs: ['cidr'], check: 'ipBlock' },
      ),
    },
    { check: 'networkPolicyPeer' },
  );
  const port = mapping(
    {
      protocol: PROTOCOL,
      port: { type: ['integer', 'string', 'null'], check: 'portOrName' },
      endPort: PORT_NUMBER,
    },
    { check: 'portRange' },
  );
  const rules = (peers: 'from' | 'to'): Schema =>
    list(mapping({ [peers]: list(peer), ports: list(port) }, { check: 'networkPolicyRule' }));
  return policyObject(
    mapping(
      {
        podSelector: SELECTOR,
        policyTypes: list(oneOf('Ingress', 'Egress'), { maxItems: 2 }),
        ingress: rules('from'),
        egress: rules('to'),
      },
      { check: 'networkPolicySpec' },
    ),
    'namespacedMetadata',
  );
}

const SUBJECT_FIELDS = ['namespaces', 'pods'];

/** In v1alpha1 both selectors must be written, in v1alpha2 the pods' alone. */
function namespacedPod(rules: Pick<ObjectRules, 'needs' | 'presumes'>): Schema {
  return mapping({ namespaceSelector: SELECTOR, podSelector: SELECTOR }, rules);
}

function subject(pods: Schema): Schema {
  return mapping({ namespaces: SELECTOR, pods }, { exactlyOne: SUBJECT_FIELDS });
}

interface RuleForm {
  readonly pods: Schema;
  readonly actions: readonly string[];
  readonly maxRules: number;
  readonly maxPeers: number;
  readonly ports: Readonly<Record<string, Schema>>;
  readonly domainNames: boolean;
}

function adminRules(direction: 'ingress' | 'egress', form: RuleForm): Schema {
  const addresses: Readonly<Record<string, Schema>> = {
    networks: list(
      { type: 'string', maxLength: 43, check: 'singleFamilyCidr' },
      { minItems: 1, maxItems: 25, distinct: true },
    ),
    nodes: SELECTOR,
    ...(form.domainNames && {
      domainNames: list(
        { type: 'string', check: 'domainName' },
        { minItems: 1, maxItems: 25, distinct: true },
      ),
    }),
  };
  const properties = {
    namespaces: SELECTOR,
    pods: form.pods,
    ...(direction === 'egress' && addresses),
  };
  const peer = mapping(properties, { exactlyOne: Object.keys(properties) });
  const peersField = direction === 'ingress' ? 'from' : 'to';
  const rule = mapping(
    {
      name: limitedText(100),
      action: oneOf(...form.actions),
      [peersField]: list(peer, { minItems: 1, maxItems: form.maxPeers }),
      ...form.ports,
    },
    { needs: ['action', peersField], check: 'adminRule' },
  );
  return list(rule, { maxItems: form.maxRules });
}

function alphaOneForm(actions: readonly string[], domainNames: boolean): RuleForm {
  const port = mapping(
    {
      portNumber: mapping({ protocol: PROTOCOL, port: PORT_NUMBER }, { needs: ['port'] }),
      portRange: mapping(
        { protocol: PROTOCOL, start: PORT_NUMBER, end: PORT_NUMBER },
        { needs: ['start', 'end'], check: 'range' },
      ),
      namedPort: text('portName'),
    },
    { exactlyOne: ['portNumber', 'portRange', 'namedPort'] },
  );
  return {
    // Manifests copied from conformance tests name the namespaces alone, and every reader of them takes all pods.
    pods: namespacedPod({ needs: ['namespaceSelector'], presumes: ['podSelector'] }),
    actions,
    maxRules: 100,
    maxPeers: 100,
    ports: { ports: list(port, { maxItems: 100 }) },
    domainNames,
  };
}

function adminNetworkPolicy(): Schema {
  const form = alphaOneForm(['Allow', 'Deny', 'Pass'], true);
  return policyObject(
    mapping(
      {
        priority: integer(0, 1000),
        subject: subject(form.pods),
        ingress: adminRules('ingress', form),
        egress: adminRules('egress', form),
      },
      { needs: ['priority', 'subject'] },
    ),
    'clusterMetadata',
  );
}

function baselineAdminNetworkPolicy(): Schema {
  const form = alphaOneForm(['Allow', 'Deny'], false);
  return policyObject(
    mapping(
      {
        subject: subject(form.pods),
        ingress: adminRules('ingress', form),
        egress: adminRules('egress', form),
      },
      { needs: ['subject'] },
    ),
    'baselineMetadata',
  );
}

function clusterNetworkPolicy(): Schema {
  const port = mapping(
    {
      number: PORT_NUMBER,
      range: mapping(
        { start: PORT_NUMBER, end: PORT_NUMBER },
        { needs: ['start', 'end'], check: 'strictRange' },
      ),
    },
    { exactlyOne: ['number', 'range'] },
  );
  const destination = mapping({ destinationPort: port }, { exactlyOne: ['destinationPort'] });
  const protocol = mapping(
    {
      tcp: destination,
      udp: destination,
      sctp: destination,
      destinationNamedPort: text('portName'),
    },
    { exactlyOne: ['tcp', 'udp', 'sctp', 'destinationNamedPort'] },
  );
  const form: RuleForm = {
    pods: namespacedPod({ needs: ['podSelector'] }),
    actions: ['Accept', 'Deny', 'Pass'],
    maxRules: 25,
    maxPeers: 25,
    ports: { protocols: list(protocol, { minItems: 1, maxItems: 25 }) },
    domainNames: true,
  };
  return policyObject(
    mapping(
      {
        tier: oneOf('Admin', 'Baseline'),
        priority: integer(0, 1000),
        subject: subject(form.pods),
        ingress: adminRules('ingress', form),
        egress: adminRules('egress', form),
      },
      { needs: ['tier', 'priority', 'subject'] },
    ),
    'clusterMetadata',
  );
}
