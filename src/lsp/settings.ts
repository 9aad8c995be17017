/** Reads the settings that an editor sends: whatever else it sends is not ours. */
import type { Settings } from './workspace/settings.js';

/** @param value the settings themselves, or an object that holds them under `policyc` */
export function readSettings(value: unknown): Settings {
  if (typeof value !== 'object' || value === null) return {};
  const inner = 'policyc' in value ? value.policyc : value;
  if (typeof inner !== 'object' || inner === null) return {};
  const policies = 'policies' in inner ? textsOf(inner.policies) : undefined;
  const cluster = 'cluster' in inner ? textsOf(inner.cluster) : undefined;
  return {
    ...(policies === undefined ? {} : { policies }),
    ...(cluster === undefined ? {} : { cluster }),
  };
}

/** A text or a list of them; an empty one says nothing. */
function textsOf(value: unknown): readonly string[] | undefined {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = list.filter((one): one is string => typeof one === 'string' && one !== '');
  return texts.length === 0 ? undefined : texts;
}
