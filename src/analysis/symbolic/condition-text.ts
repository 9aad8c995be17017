/** Conditions in words: ` with app=web and without tier, in a namespace with team=a`. */
import { NAMESPACE_NAME_LABEL, type LabelRequirement } from '../../ir/model.js';
import type { LabelCondition, PodCondition } from './conditions.js';
import { servedBy } from './kinds.js';

/** `any pod with app=web in namespace shop`. */
export function podText({ namespaces, pods }: PodCondition): string {
  const isService = ({ key, operator }: LabelRequirement): boolean =>
    servedBy(key) !== undefined && operator === 'Exists';
  const services = pods.requirements.filter(isService).map(({ key }) => servedBy(key) ?? '');
  const rest = { ...pods, requirements: pods.requirements.filter((one) => !isService(one)) };
  const behind = services.length === 0 ? '' : ` behind service ${services.join(' and ')}`;
  // What is behind a Service is in its namespace.
  const [service] = services;
  const implied = ` in namespace ${service?.split('/')[0] ?? ''}`;
  const where = namespacesText(namespaces);
  return `any pod${labelsText(rest)}${behind}${where === implied ? '' : where}`;
}

/** Begins with a blank; empty where all labels will do. */
export function labelsText({ requirements, never }: LabelCondition): string {
  const withs = requirements.filter(({ operator }) => isPositive(operator)).map(positiveText);
  const withouts = requirements.filter(({ operator }) => !isPositive(operator)).map(negativeText);
  const nots = never.map((one) => `unless it has ${one.map(requirementText).join(' and ')}`);
  return [
    ...(withs.length === 0 ? [] : [` with ${withs.join(' and ')}`]),
    ...(withouts.length === 0 ? [] : [` without ${withouts.join(' and without ')}`]),
    ...nots.map((one) => ` ${one}`),
  ].join('');
}

/** Where the pods are; empty for anywhere. */
export function namespacesText({ requirements, never }: LabelCondition): string {
  const names = requirements.filter(({ key }) => key === NAMESPACE_NAME_LABEL);
  const others = requirements.filter(({ key }) => key !== NAMESPACE_NAME_LABEL);
  const labels = labelsText({ requirements: others, never });
  const [name] = names.filter(({ operator }) => operator === 'In');
  const not = names.filter(({ operator }) => operator === 'NotIn').flatMap(({ values }) => values);
  if (name !== undefined) {
    const word = name.values.length === 1 ? 'namespace' : 'namespaces';
    return ` in ${word} ${name.values.join(', ')}${labels}`;
  }
  const except = not.length === 0 ? '' : ` but ${not.join(', ')}`;
  if (labels === '') return not.length === 0 ? '' : ` in any namespace${except}`;
  return ` in a namespace${labels}${except}`;
}

function isPositive(operator: LabelRequirement['operator']): boolean {
  return operator === 'In' || operator === 'Exists';
}

function positiveText(requirement: LabelRequirement): string {
  const service = servedBy(requirement.key);
  return service === undefined ? requirementText(requirement) : `a place behind service ${service}`;
}

function negativeText({ key, operator, values }: LabelRequirement): string {
  const service = servedBy(key);
  if (service !== undefined) return `a place behind service ${service}`;
  return operator === 'DoesNotExist' ? `label ${key}` : valuesText(key, values);
}

/** As selectors are written. */
export function requirementText({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'In':
      return valuesText(key, values);
    case 'NotIn':
      return values.length === 1
        ? `${key}!=${values.join()}`
        : `${key} notin (${values.join(', ')})`;
    case 'Exists':
      return `label ${key}`;
    case 'DoesNotExist':
      return `no label ${key}`;
  }
}

function valuesText(key: string, values: readonly string[]): string {
  return values.length === 1 ? `${key}=${values.join()}` : `${key} in (${values.join(', ')})`;
}
