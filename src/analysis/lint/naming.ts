/** How lints name rules, selectors and ports. */
import type { LabelSelector, PortMatch, PortProtocol, Rule } from '../../ir/model.js';
import { NAMESPACE_NAME_LABEL } from '../../ir/model.js';
import { policyName, type NormalPolicy, type NormalRule } from '../../ir/normal-model.js';

export function ruleName(policy: NormalPolicy, rule: NormalRule): string {
  return `${policyName(policy)} ${rule.name}`;
}

/** `80/tcp, 8000-8100/tcp, "metrics"/tcp`, `any port`. */
export function portsText(ports: Rule['ports']): string {
  return ports === 'every' ? 'any port' : ports.map(portText).join(', ');
}

export function portText(match: PortMatch): string {
  const protocol = (match.protocol ?? 'any protocol').toLowerCase();
  if (match.kind === 'named') return `"${match.name}"/${protocol}`;
  if (match.first === 0 && match.last === 0xffff) return `any ${protocol} port`;
  const numbers = match.first === match.last ? `${match.first}` : `${match.first}-${match.last}`;
  return `${numbers}/${protocol}`;
}

export function numberText(port: number, protocol: PortProtocol): string {
  return `${port}/${protocol.toLowerCase()}`;
}

/** `app=web, tier in (a, b)`, as kubectl has it; a namespace's own label as its name. */
export function selectorText({ requirements }: LabelSelector): string {
  if (requirements.length === 0) return 'any label';
  return requirements
    .map(({ key, operator, values }) => {
      switch (operator) {
        case 'In':
          return values.length === 1
            ? `${key}=${values[0] ?? ''}`
            : `${key} in (${values.join(', ')})`;
        case 'NotIn':
          return values.length === 1
            ? `${key}!=${values[0] ?? ''}`
            : `${key} notin (${values.join(', ')})`;
        case 'Exists':
          return key;
        case 'DoesNotExist':
          return `!${key}`;
      }
    })
    .join(', ');
}

/** Whether the selector names exactly these namespaces and asks for nothing else. */
export function namedNamespace({ requirements }: LabelSelector): string | undefined {
  const [one, ...others] = requirements;
  if (one === undefined || others.length > 0) return undefined;
  if (one.key !== NAMESPACE_NAME_LABEL || one.operator !== 'In') return undefined;
  return one.values.length === 1 ? one.values[0] : undefined;
}

/** `1 pod`, `3 pods`. */
export function podCount(count: number): string {
  return `${count} pod${count === 1 ? '' : 's'}`;
}
