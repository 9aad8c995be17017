/** Notes for whoever reads events: the names behind the numbers in records, kept in a map beside them. */
import { formatAddress } from '../../address.js';
import type { ClusterSnapshot } from '../../ir/cluster.js';
import type { NormalModel } from '../../ir/normal-model.js';
import type { BoundMap, BoundSubject } from '../contents.js';
import { fingerprintOf, loggingDeciders, type LoggingDecider } from './deciders.js';
import { SUBJECT } from '../layout.js';

/** No program reads this map: it lies with those of its generation, and goes with them. */
export const NOTES_MAP = 'event_notes';

export interface EventNotes {
  readonly format: 1;
  readonly fingerprint: number;
  readonly deciders: readonly LoggingDecider[];
  /** [incarnation, `namespace/name`] of the pods that have programs. */
  readonly subjects: readonly (readonly [number, string])[];
  /** Address → `namespace/name`, as the cluster was when the contents were bound. */
  readonly pods: Readonly<Record<string, string>>;
}

export function notesMap(
  model: NormalModel,
  cluster: ClusterSnapshot,
  subjects: readonly BoundSubject[],
): BoundMap {
  const deciders = loggingDeciders(model);
  const notes: EventNotes = {
    format: 1,
    fingerprint: fingerprintOf(deciders),
    deciders,
    subjects: subjects.map(({ namespace, name, subject }) => {
      const view = new DataView(subject.buffer, subject.byteOffset, subject.byteLength);
      return [view.getUint32(SUBJECT.incarnation, true), `${namespace}/${name}`];
    }),
    pods: Object.fromEntries(
      cluster.pods
        .filter(({ hostNetwork, completed }) => !hostNetwork && !completed)
        .flatMap(({ namespace, name, addresses }) =>
          addresses.map((address) => [formatAddress(address), `${namespace}/${name}`]),
        ),
    ),
  };
  const values = new TextEncoder().encode(JSON.stringify(notes));
  return {
    name: NOTES_MAP,
    type: 'array',
    keySize: 4,
    valueSize: values.length,
    maxEntries: 1,
    flags: 0,
    count: 1,
    keys: new Uint8Array(4),
    values,
    lifetime: 'generation',
  };
}

/** Undefined for what is no notes. */
export function readNotes(value: Uint8Array): EventNotes | undefined {
  try {
    const notes = JSON.parse(new TextDecoder().decode(value)) as Partial<EventNotes> | null;
    return notes?.format === 1 ? (notes as EventNotes) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
