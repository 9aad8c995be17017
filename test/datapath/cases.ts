/** All cases of the packet path. */
import type { PacketCase } from './case.js';
import { CONNECTION_CASES } from './connection-cases.js';
import { EXEMPTION_CASES } from './exemption-cases.js';
import { ODD_PACKET_CASES } from './odd-packet-cases.js';

export const CASES: readonly PacketCase[] = [
  ...CONNECTION_CASES,
  ...EXEMPTION_CASES,
  ...ODD_PACKET_CASES,
];
