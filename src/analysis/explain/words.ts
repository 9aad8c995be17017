/** What a clause and a packet have to do with each other, in words. */
import { formatAddress, formatPrefix } from '../../address.js';
import { unreachable } from '../../diagnostics.js';
import type { Clause } from '../../ir/interpret/clauses.js';
import { hasPorts, type Protocol } from '../../ir/interpret.js';
import type { PacketView } from '../../ir/interpret/match.js';
import { NAMESPACE_NAME_LABEL, type PortMatch } from '../../ir/model.js';
import { isSlip, type LabelClause } from './nearness.js';
import type { Remote } from './sides.js';

/** `shop/web-1`, `node n1`, `service shop/web`, or the address. */
export function remoteName({ address, holder, unbound }: Remote): string {
  if (holder?.pod !== undefined) return `${holder.pod.namespace}/${holder.pod.name}`;
  const [node] = holder?.nodes ?? [];
  if (node !== undefined) return `node ${node}`;
  if (holder?.service !== undefined) {
    return `service ${holder.service.namespace}/${holder.service.name}`;
  }
  return unbound ? `${formatAddress(address)} (held by no known pod)` : formatAddress(address);
}

/** `5432/tcp`; ICMP by its name. */
export function portName(protocol: Protocol, port: number): string {
  return hasPorts(protocol) ? `${port}/${protocol.toLowerCase()}` : protocol.toLowerCase();
}

/** As the policy language writes it: `80/tcp`, `8000-8100/tcp`, `"http"/tcp`. */
export function matchText(match: PortMatch): string {
  if (match.kind === 'named') {
    const protocol = match.protocol === undefined ? '' : `/${match.protocol.toLowerCase()}`;
    return `"${match.name}"${protocol}`;
  }
  const { first, last } = match;
  const protocol = match.protocol.toLowerCase();
  if (first === 0 && last === 0xffff) return `any ${protocol}`;
  return first === last ? `${first}/${protocol}` : `${first}-${last}/${protocol}`;
}

/** Why the clause holds, or why it does not, of this packet. */
export function clauseText(clause: Clause, packet: PacketView): string {
  const remote = nameIn(packet);
  const address = formatAddress(packet.remote);
  switch (clause.kind) {
    case 'a-pod':
      return clause.holds ? `${remote} is a pod` : `${remote} is no pod${hostNote(packet)}`;
    case 'a-node':
      return clause.holds ? `${remote} is a node` : `${remote} is no node`;
    case 'outside':
      return clause.holds
        ? `${address} is outside of the cluster`
        : `${remote} is not outside of the cluster`;
    case 'own-node':
      return clause.holds
        ? `${remote} is the pod's own node`
        : `${remote} is not the pod's own node`;
    case 'namespace-label':
    case 'pod-label':
    case 'node-label':
      return labelText(clause, packet);
    case 'inside':
      return insideText(clause, address);
    case 'except': {
      const prefix = clause.prefix === undefined ? '' : ` ${formatPrefix(clause.prefix)}`;
      return clause.holds
        ? `${address} is in none of the exceptions`
        : `${address} is in the exception${prefix}`;
    }
    case 'held':
      return clause.holds
        ? `${address} is no unused pod address`
        : `${address} is in a pod range and held by no known pod: no allow by address lets it in`;
    case 'passed-over': {
      const whom = clause.skips === 'pods-and-nodes' ? 'pods and nodes' : clause.skips;
      return clause.holds
        ? `${address} is of nobody that is known by other means`
        : `${remote} is passed over: ${whom} are not matched by address`;
    }
    case 'endpoint':
      return `${remote} is ${clause.holds ? 'an' : 'no'} endpoint of service ${clause.namespace}/${clause.name}`;
    case 'ports':
      return portsText(clause, packet);
    case 'until': {
      const instant = new Date(clause.until).toISOString();
      return clause.holds ? `holds until ${instant}` : `ended at ${instant}`;
    }
    case 'never':
      return 'no packet matches this';
    default:
      return unreachable(clause);
  }
}

/** What the clause asks for, where its own line is not there to say it. */
export function demandText(clause: Clause): string | undefined {
  switch (clause.kind) {
    case 'pod-label':
    case 'namespace-label':
    case 'node-label': {
      const { key, operator, values } = clause.requirement;
      const whose = clause.kind === 'namespace-label' ? 'namespaces' : 'those';
      if (key === NAMESPACE_NAME_LABEL && operator === 'In') {
        return `for namespace ${values.join(' or ')}`;
      }
      if (operator === 'Exists') return `for ${whose} with a label ${key}`;
      if (operator === 'DoesNotExist') return `for ${whose} without a label ${key}`;
      const listed = values.length === 1 ? values.join('') : `(${values.join(', ')})`;
      return `for ${whose} with ${key}${operator === 'In' ? '=' : '!='}${listed}`;
    }
    case 'ports':
      return clause.port === undefined ? undefined : `for ${matchText(clause.port)}`;
    case 'inside':
      return clause.prefix === undefined ? undefined : `for ${formatPrefix(clause.prefix)}`;
    default:
      return undefined;
  }
}

function nameIn({ remote, holder, unbound }: PacketView): string {
  return remoteName({ address: remote, holder, unbound });
}

function hostNote({ holder }: PacketView): string {
  return holder !== undefined && holder.nodes.size > 0 ? ', nor are pods on the host network' : '';
}

function labelText(clause: LabelClause, packet: PacketView): string {
  const { key, values, operator } = clause.requirement;
  const { pod } = packet.holder ?? {};
  if (pod === undefined && clause.kind !== 'node-label') return `${nameIn(packet)} is no pod`;
  const namespace = pod?.namespace ?? '';
  if (clause.kind === 'namespace-label' && key === NAMESPACE_NAME_LABEL) {
    return `${nameIn(packet)} is in namespace ${namespace}`;
  }
  const who =
    clause.kind === 'node-label'
      ? `node ${clause.node.name}`
      : clause.kind === 'namespace-label'
        ? `namespace ${namespace}`
        : nameIn(packet);
  if (clause.value === undefined) return `${who} has no label ${key}`;
  const slip = !clause.holds && isSlip(clause) ? ': mistyped?' : '';
  const excluded =
    !clause.holds && operator === 'NotIn' && values.length > 1 ? ', which is excluded' : '';
  return `${who} has ${key}=${clause.value}${excluded}${slip}`;
}

function insideText(
  { prefix, holds }: Extract<Clause, { kind: 'inside' }>,
  address: string,
): string {
  if (prefix === undefined) return `there is no block, so that ${address} is in none`;
  return `${address} is ${holds ? '' : 'not '}in ${formatPrefix(prefix)}`;
}

function portsText(
  { port, holds }: Extract<Clause, { kind: 'ports' }>,
  { protocol, port: asked, direction, subject, holder }: PacketView,
): string {
  const what = portName(protocol, asked);
  if (!hasPorts(protocol)) return `${what} has no port, and rules with ports do not match it`;
  if (holds || port?.kind !== 'named') return holds ? what : `the packet goes to ${what}`;
  const destination = direction === 'ingress' ? subject : holder?.pod;
  if (destination === undefined) return `${what} is at no pod that could name it "${port.name}"`;
  const who = `${destination.namespace}/${destination.name}`;
  const meant = destination.ports.filter(
    (one) =>
      one.name === port.name && (port.protocol === undefined || one.protocol === port.protocol),
  );
  if (meant.length === 0)
    return `${who} calls no port "${port.name}", and the packet goes to ${what}`;
  const ports = meant.map((one) => portName(one.protocol, one.port)).join(', ');
  return `at ${who} that is ${ports}, and the packet goes to ${what}`;
}
