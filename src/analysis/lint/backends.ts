/** Services that others must reach, as cluster objects say: webhooks, aggregated APIs, Ingresses. */
import { addressKey } from '../../address.js';
import { portIndex } from '../../codegen/layout.js';
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import type { Service } from '../../ir/cluster.js';
import { policyName } from '../../ir/normal-model.js';
import type { K8sObject } from '../../parser/k8s/objects.js';
import { valueAt, type JsonPath, type JsonValue } from '../../parser/yaml/value.js';
import type { Span } from '../../source.js';
import { isOwnNode, type PlacedPod } from '../universe.js';
import { numberText } from './naming.js';
import type { Scene } from './scene.js';
import { listAt, textAt } from './values.js';

interface Backend {
  /** What needs it, for people. */
  readonly what: string;
  readonly by: 'apiserver' | 'proxy';
  readonly namespace: string;
  readonly service: string;
  readonly port: number | string;
  readonly origin: Span;
}

export function lintBackends(scene: Scene, objects: readonly K8sObject[]): readonly Diagnostic[] {
  const backends = objects.flatMap(backendsOf);
  if (backends.length === 0) return [];
  const services = new Map(
    scene.cluster.services.map((one) => [`${one.namespace}/${one.name}`, one] as const),
  );
  const holders = new Map(
    scene.pods.flatMap((placed) =>
      placed.pod.addresses.map((one) => [addressKey(one), placed] as const),
    ),
  );
  return backends.flatMap((backend) => {
    const service = services.get(`${backend.namespace}/${backend.service}`);
    return service === undefined ? [] : lintBackend(scene, backend, service, holders);
  });
}

function lintBackend(
  scene: Scene,
  backend: Backend,
  service: Service,
  holders: ReadonlyMap<string, PlacedPod>,
): readonly Diagnostic[] {
  const position = service.ports.findIndex(({ name, port }) =>
    typeof backend.port === 'number' ? port === backend.port : name === backend.port,
  );
  const protocol = service.ports[position]?.protocol ?? 'TCP';
  const endpoints = service.endpoints.flatMap(({ address, targetPorts }) => {
    const placed = holders.get(addressKey(address));
    const target = targetPorts.get(position);
    return placed === undefined || target === undefined ? [] : [{ placed, target }];
  });
  const [first] = endpoints;
  if (first === undefined) return [];
  const classes = scene.universe.addresses.classes.filter(
    ({ flavour }) => flavour === 'outside' || flavour === 'node',
  );
  const isReached = endpoints.some(({ placed, target }) => {
    const index = portIndex(protocol, target);
    const intervals = [[index, index]] as const;
    return (
      classes.some(
        (one) => !isOwnNode(one, placed.pod) && scene.allows(placed, 'ingress', one, intervals),
      ) ||
      (backend.by === 'proxy' &&
        scene.ends.pods.some(
          ({ pods: [other] }) =>
            other !== undefined &&
            other.pod.namespace !== placed.pod.namespace &&
            [...other.classes.values()].some((one) =>
              scene.allows(placed, 'ingress', one, intervals),
            ),
        ))
    );
  });
  if (isReached) return [];
  const policy = scene.isolatorOf(first.placed, 'ingress');
  const by = policy === undefined ? 'denied by a rule' : `isolated by \`${policyName(policy)}\``;
  const port = numberText(first.target, protocol);
  const name = `${backend.namespace}/${backend.service}`;
  const related =
    policy === undefined ? [] : [{ span: policy.origin, message: 'this isolates its pods' }];
  if (backend.by === 'proxy') {
    const args = { ingress: backend.what, service: name, port, by };
    return [diagnostic('lint/ingress-cut-off', args, backend.origin, related)];
  }
  const args = { what: backend.what, service: name, port, by };
  return [diagnostic('lint/webhook-cut-off', args, backend.origin, related)];
}

const HTTPS = 443;

function backendsOf(object: K8sObject): readonly Backend[] {
  const { apiVersion, kind } = object;
  const group = apiVersion.split('/')[0];
  switch (`${group} ${kind}`) {
    case 'admissionregistration.k8s.io ValidatingWebhookConfiguration':
    case 'admissionregistration.k8s.io MutatingWebhookConfiguration':
      return listAt(object.value, ['webhooks']).flatMap((hook, i) => {
        const name = textAt(hook, ['name']) ?? `webhooks[${i}]`;
        const path = ['webhooks', i, 'clientConfig', 'service'];
        return apiserverBackend(object, path, `webhook \`${name}\``);
      });
    case 'apiregistration.k8s.io APIService': {
      const what = `aggregated API \`${object.name ?? ''}\``;
      return apiserverBackend(object, ['spec', 'service'], what);
    }
    case 'apiextensions.k8s.io CustomResourceDefinition': {
      const what = `the conversion webhook of \`${object.name ?? ''}\``;
      const path = ['spec', 'conversion', 'webhook', 'clientConfig', 'service'];
      return apiserverBackend(object, path, what);
    }
    case 'networking.k8s.io Ingress':
      return ingressBackends(object);
    case 'gateway.networking.k8s.io HTTPRoute':
    case 'gateway.networking.k8s.io GRPCRoute':
    case 'gateway.networking.k8s.io TCPRoute':
    case 'gateway.networking.k8s.io TLSRoute':
      return listAt(object.value, ['spec', 'rules']).flatMap((rule, i) =>
        listAt(rule, ['backendRefs']).flatMap((ref, j): readonly Backend[] => {
          if ((textAt(ref, ['kind']) ?? 'Service') !== 'Service') return [];
          const path = ['spec', 'rules', i, 'backendRefs', j];
          return proxyBackend(object, path, ['name'], ref, valueAt(ref, ['port']));
        }),
      );
    case 'route.openshift.io Route': {
      const to = valueAt(object.value, ['spec', 'to']);
      const port = valueAt(object.value, ['spec', 'port', 'targetPort']);
      return proxyBackend(object, ['spec', 'to'], ['name'], to, port);
    }
    default:
      return [];
  }
}

function apiserverBackend(object: K8sObject, path: JsonPath, what: string): readonly Backend[] {
  const reference = valueAt(object.value, path);
  const service = textAt(reference, ['name']);
  const namespace = textAt(reference, ['namespace']);
  if (service === undefined || namespace === undefined) return [];
  const port = valueAt(reference, ['port']);
  const origin = object.spanOf([...path, 'name']);
  const number = typeof port === 'number' ? port : HTTPS;
  return [{ what, by: 'apiserver', namespace, service, port: number, origin }];
}

function ingressBackends(object: K8sObject): readonly Backend[] {
  const paths: JsonPath[] = [['spec', 'defaultBackend']];
  for (const [i, rule] of listAt(object.value, ['spec', 'rules']).entries()) {
    for (const j of listAt(rule, ['http', 'paths']).keys()) {
      paths.push(['spec', 'rules', i, 'http', 'paths', j, 'backend']);
    }
  }
  const seen = new Set<string>();
  return paths.flatMap((path) => {
    const service = valueAt(object.value, [...path, 'service']);
    const port = valueAt(service, ['port', 'number']) ?? valueAt(service, ['port', 'name']);
    const key = JSON.stringify([textAt(service, ['name']), port]);
    if (seen.has(key)) return [];
    seen.add(key);
    return proxyBackend(object, [...path, 'service'], ['name'], service, port);
  });
}

function proxyBackend(
  object: K8sObject,
  path: JsonPath,
  name: JsonPath,
  reference: JsonValue | undefined,
  port: JsonValue | undefined,
): readonly Backend[] {
  const service = textAt(reference, name);
  if (service === undefined || (typeof port !== 'number' && typeof port !== 'string')) return [];
  const own = object.namespace ?? 'default';
  const namespace = textAt(reference, ['namespace']) ?? own;
  const origin = object.spanOf([...path, ...name]);
  const what = `${own}/${object.name ?? ''}`;
  return [{ what, by: 'proxy', namespace, service, port, origin }];
}
