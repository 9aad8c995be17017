/** Reads the events of a root: the ring buffer of the generation in force, and the notes beside it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { decodeEvent, type PacketEvent } from '../codegen/event.js';
import { NOTES_MAP, readNotes, type EventNotes } from '../codegen/event/notes.js';
import { EVENT_BUFFER_BYTES, EVENT_MAPS } from '../codegen/layout.js';
import { bug, diagnostic, InputError } from '../diagnostics.js';
import { pinName } from './bpffs.js';
import { layout, listGenerations, withLock } from './deploy/pins.js';
import { readStatus } from './deploy/status.js';
import { refusalsAsDiagnostics } from './kernel-error.js';
import { nativeDoor, type MapHandle, type RingBufferHandle } from './native.js';

export interface EventBatch {
  readonly events: readonly PacketEvent[];
  /** Records of another version. */
  readonly unreadable: number;
  /** Notes that were not there at the last call. */
  readonly notes?: EventNotes;
  /** Events that found the buffer full, of all time. */
  readonly lost: number;
}

export interface EventReader {
  /** What is there now; never waits. Follows the root from generation to generation. */
  read(): EventBatch;
  /** Whether the policy in force logs anything. */
  readonly logs: boolean;
  close(): void;
}

interface Opened {
  /** The newest generation that there was. */
  readonly newest: number;
  readonly ring?: RingBufferHandle;
  readonly lost?: MapHandle;
  readonly notes?: EventNotes;
}

const FIRST_KEY = new Uint8Array(4);

/** @throws {InputError} if nothing is applied under the root, or someone else reads already */
export function openEvents(root: string): EventReader {
  return refusalsAsDiagnostics(() => {
    if (latest(root) === 0) throw new InputError([diagnostic('events/nothing-applied', { root })]);
    // Apply and unload hold the root while generations come and go.
    let opened = withLock(root, () => open(root));
    const release = nativeDoor().lockFolder(layout.state(root));
    if (release === undefined) {
      close(opened);
      throw new InputError([diagnostic('events/busy', { root })]);
    }
    let told = false;
    return {
      read: () =>
        refusalsAsDiagnostics(() => {
          const batch = take(opened, !told);
          told = true;
          // What came before the change is in the batch; the next one is of the new generation.
          const next = latest(root) === opened.newest ? undefined : reopen(root, opened);
          if (next !== undefined) {
            opened = next;
            told = false;
          }
          return batch;
        }),
      get logs() {
        return opened.ring !== undefined;
      },
      close: () => {
        close(opened);
        release();
      },
    };
  });
}

/** Undefined while another process changes what is under the root. */
function reopen(root: string, before: Opened): Opened | undefined {
  const unlock = nativeDoor().lockFolder(root);
  if (unlock === undefined) return undefined;
  try {
    const opened = open(root);
    close(before);
    return opened;
  } finally {
    unlock();
  }
}

/** The newest generation that has a folder, or 0. */
function latest(root: string): number {
  return listGenerations(root).at(-1) ?? 0;
}

function open(root: string): Opened {
  const newest = latest(root);
  // A generation that was killed while it was made may be newer than the one in force.
  const generation = readStatus(root).generations.find(({ inForce }) => inForce)?.generation ?? 0;
  const folder = join(layout.generation(root, generation), 'maps');
  const pinned = (name: string): MapHandle | undefined => {
    const path = join(folder, pinName(name));
    return existsSync(path) ? nativeDoor().openPinnedMap(path) : undefined;
  };
  const buffer = pinned(EVENT_MAPS.events.name);
  const lost = pinned(EVENT_MAPS.lost.name);
  const notes = pinned(NOTES_MAP);
  try {
    if (buffer === undefined || lost === undefined) {
      lost?.close();
      return { newest };
    }
    const read = readNotes(notes?.lookup(FIRST_KEY) ?? new Uint8Array());
    const ring = nativeDoor().openRingBuffer(buffer);
    return { newest, ring, lost, ...(read === undefined ? {} : { notes: read }) };
  } finally {
    buffer?.close();
    notes?.close();
  }
}

function take({ ring, lost, notes }: Opened, first: boolean): EventBatch {
  const records = ring?.consume(EVENT_BUFFER_BYTES) ?? [];
  const decoded = records.map(decodeEvent);
  const events = decoded.filter((event) => event !== undefined);
  return {
    events,
    unreadable: records.length - events.length,
    lost: lost === undefined ? 0 : countOf(lost),
    ...(first && notes !== undefined ? { notes } : {}),
  };
}

function countOf(lost: MapHandle): number {
  const value = lost.lookup(FIRST_KEY) ?? bug('an array without its first value');
  return Number(value.readBigUInt64LE(0));
}

function close({ ring, lost }: Opened): void {
  ring?.close();
  lost?.close();
}
