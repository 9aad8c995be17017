/** All cases of the packet path. */
import type { PacketCase } from './case.js';
import { CONNECTION_CASES } from './connection-cases.js';
import { ERROR_CASES } from './error-cases.js';
import { EXEMPTION_CASES } from './exemption-cases.js';
import { FRAGMENT_CASES } from './fragment-cases.js';
import { HEADER_CASES } from './header-cases.js';
import { IDLE_CASES } from './idle-cases.js';
import { LOOKUP_CASES } from './lookup-cases.js';
import { NEIGHBOUR_CASES } from './neighbour-cases.js';
import { REPLY_FRAGMENT_CASES } from './reply-fragment-cases.js';

export const CASES: readonly PacketCase[] = [
  ...LOOKUP_CASES,
  ...CONNECTION_CASES,
  ...IDLE_CASES,
  ...EXEMPTION_CASES,
  ...NEIGHBOUR_CASES,
  ...FRAGMENT_CASES,
  ...REPLY_FRAGMENT_CASES,
  ...HEADER_CASES,
  ...ERROR_CASES,
];
