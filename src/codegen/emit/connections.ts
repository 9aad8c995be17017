/** Emits what all of connection state shares: its maps, its idle limits, and calls with a connection's key. */
import type { Direction } from '../../ir/model.js';
import { r0, r1, r2, r3, r4, r8, r10, type Assembler } from '../assembly/assembler.js';
import { emitLoadField } from './fields.js';
import { FRAME } from './frame.js';
import { PROTOCOL } from './headers.js';
import { emitClassOf } from './verdict.js';
import { SHAPE, SUBJECT } from '../layout.js';
import { CONNECTION_FLAG, CONNECTION_MAPS } from '../layout/state.js';
import type { MapDeclaration } from '../assembly/listing.js';

/** How long a connection may be idle, in seconds. */
const IDLE_LIMIT = {
  /** RFC 5382 asks for 2 hours and 4 minutes. */
  established: 7_500,
  /** RFC 5382: half-open and closing connections, 4 minutes. */
  transitory: 240,
  /** RFC 4787 recommends 5 minutes. */
  connectionless: 300,
} as const;

export const OPPOSITE: Readonly<Record<Direction, Direction>> = {
  ingress: 'egress',
  egress: 'ingress',
};

export interface ConnectionMaps {
  /** Opened, and not answered yet. */
  readonly pending: MapDeclaration;
  /** Entered with the first reply. */
  readonly live: MapDeclaration;
  /** Who has which place among the live. */
  readonly slots: MapDeclaration;
  /** Tells the pod's counts apart. */
  readonly kind: number;
}

/** Connections that packets of the direction open; the other program reads them for replies. */
export function openedBy(direction: Direction): ConnectionMaps {
  return direction === 'egress'
    ? {
        pending: CONNECTION_MAPS.pendingOut,
        live: CONNECTION_MAPS.liveOut,
        slots: CONNECTION_MAPS.liveSlotsOut,
        kind: 0,
      }
    : {
        pending: CONNECTION_MAPS.pendingIn,
        live: CONNECTION_MAPS.liveIn,
        slots: CONNECTION_MAPS.liveSlotsIn,
        kind: 1,
      };
}

/** The subprogram that judges a direction by the tables of now. */
export function judgeName(direction: Direction): string {
  return `judge_${direction}`;
}

/** A call with the connection's key. */
export function emitKeyedCall(
  asm: Assembler,
  map: MapDeclaration,
  helper: 'map_lookup_elem' | 'map_update_elem' | 'map_delete_elem',
): void {
  asm.loadMap(r1, map.name);
  asm.mov(r2, r10);
  asm.add(r2, FRAME.key);
  asm.call(helper);
}

/** r0 = the connection's value; goes to `unknown` if there is none. */
export function emitConnectionLookup(
  asm: Assembler,
  { live, pending }: ConnectionMaps,
  unknown: string,
): void {
  const found = asm.freshLabel('connection');
  emitKeyedCall(asm, live, 'map_lookup_elem');
  asm.branch('ne', r0, 0, found);
  emitKeyedCall(asm, pending, 'map_lookup_elem');
  asm.branch('eq', r0, 0, unknown);
  asm.label(found);
}

/** r2 = flags, r3 = protocol → r4 = jiffies that the connection may be idle. Clobbers r3. */
export function emitIdleLimit(asm: Assembler): void {
  const tcp = asm.freshLabel('limit_tcp');
  const established = asm.freshLabel('limit_established');
  const done = asm.freshLabel('limit');
  emitLoadField(asm, r4, 'shape', SHAPE.jiffiesPerSecond);
  asm.branch('eq', r3, PROTOCOL.tcp, tcp);
  asm.mul(r4, IDLE_LIMIT.connectionless);
  asm.jump(done);
  asm.label(tcp);
  asm.mov(r3, r2);
  asm.and(r3, CONNECTION_FLAG.replied | CONNECTION_FLAG.closing);
  asm.branch('eq', r3, CONNECTION_FLAG.replied, established);
  asm.mul(r4, IDLE_LIMIT.transitory);
  asm.jump(done);
  asm.label(established);
  asm.mul(r4, IDLE_LIMIT.established);
  asm.label(done);
}

/** Goes to `target` if the entry in r8 is an address of the subject's own node. */
export function emitOwnNodeTest(asm: Assembler, target: string): void {
  const other = asm.freshLabel('not_own_node');
  asm.mov(r1, r8);
  emitClassOf(asm, r1);
  emitLoadField(asm, r2, 'subject', SUBJECT.ownNodeFirst);
  asm.branch('lt', r1, r2, other);
  emitLoadField(asm, r2, 'subject', SUBJECT.ownNodeLast);
  asm.branch('le', r1, r2, target);
  asm.label(other);
}
