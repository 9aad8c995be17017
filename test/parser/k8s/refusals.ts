/** Every policy text that is refused or warned about. */
import type { Refusal } from './refusal.js';
import { ADMIN_REFUSALS } from './refusals-admin.js';
import { OBJECT_REFUSALS } from './refusals-objects.js';
import { PEER_REFUSALS } from './refusals-peers.js';
import { SELECTOR_REFUSALS } from './refusals-selectors.js';

export const REFUSALS: readonly Refusal[] = [
  ...OBJECT_REFUSALS,
  ...SELECTOR_REFUSALS,
  ...PEER_REFUSALS,
  ...ADMIN_REFUSALS,
];
