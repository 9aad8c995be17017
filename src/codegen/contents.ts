/** What bind makes of a bundle and a cluster: the contents of every table and map, and the subjects. */
import type { Address } from '../address.js';
import type { BoundShares } from './bind/shares.js';
import type { LayoutPlan } from './layout/choose-layouts.js';
import type { StateNeed } from './layout/state-needs.js';
import { CONNECTION_MAPS } from './layout/state.js';
import type { MapDeclaration } from './assembly/listing.js';

/** The image of one data section: an array map with one value of `bytes.length` bytes. */
export interface BoundTable {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Made with BPF_F_RDONLY_PROG and frozen, so that the verifier knows its contents. */
  readonly frozen: boolean;
}

/** One map with its entries: `count` keys and values, packed without gaps. */
export interface BoundMap extends MapDeclaration {
  readonly count: number;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
  /** Connection state outlives generations: it is made once per node and reused. */
  readonly lifetime: 'generation' | 'node';
}

/** One local pod: its own two programs are the object's, with this `subject` table. */
export interface BoundSubject {
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly Address[];
  /** The image of the `subject` table, frozen. */
  readonly subject: Uint8Array;
}

/** The table that differs from subject to subject. */
export const SUBJECT_TABLE = 'subject';

/** The object's programs, by the way of the packets that they judge. */
export const PROGRAMS = { ingress: 'to_pod', egress: 'from_pod' } as const;

export interface MapContents {
  /** Which of the bundle's objects the contents are for. */
  readonly variant: string;
  readonly tables: readonly BoundTable[];
  readonly maps: readonly BoundMap[];
  readonly subjects: readonly BoundSubject[];
}

/** What bind makes of policies: with how the tables are laid out, and why. */
export interface BoundContents extends MapContents {
  readonly layouts: LayoutPlan;
  /** Who caused how much of the tables and maps; worked out when asked for. */
  readonly shares: () => BoundShares;
  /**
   * What each subject needs connection state for, in their order; equal where it is the same value.
   * Worked out when asked for, since it goes through all classes of all subjects.
   */
  readonly stateNeeds: () => readonly StateNeed[];
}

/**
 * The same for engines that forget after every packet: without room to note who was here a moment ago,
 * each packet makes its state anew.
 */
export function withoutRecent(contents: MapContents): MapContents {
  const maps = contents.maps.map((map) =>
    map.name === CONNECTION_MAPS.recent.name ? { ...map, maxEntries: 1 } : map,
  );
  return { ...contents, maps };
}
