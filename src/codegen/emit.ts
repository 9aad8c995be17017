/** Emit: from the lookup plan to the listing of the datapath, a program for each direction. */
import type { Direction } from '../ir/model.js';
import { logsAnything, rejectsAnything, type LookupPlan } from '../ir/plan.js';
import { NO_DECIDER } from '../ir/normal-model.js';
import { Assembler, r0, r1, r2, r6, r7, r8, r9, r10 } from './assembly/assembler.js';
import { PROGRAMS } from './contents.js';
import {
  emitAddressEntry,
  emitClassifyExits,
  emitSelfAndSource,
  emitSolicitation,
} from './emit/classify.js';
import { emitOwnNodeTest, judgeName, OPPOSITE } from './emit/connections.js';
import { emitFastPath } from './emit/fast-path.js';
import { emitBareExit, emitExit, EXIT, FRAME, SKB } from './emit/frame.js';
import { emitAskOtherHalf } from './emit/gate.js';
import { emitSkipExtensions, emitSkipTags } from './emit/headers.js';
import { emitCollect } from './emit/live.js';
import { emitParse, emitPullOrGiveUp } from './emit/parse.js';
import { emitRejectPacket } from './emit/answers.js';
import { emitAnswerExit } from './emit/reject.js';
import { emitRelated } from './emit/related.js';
import { emitReply } from './emit/reply.js';
import { emitDrop, emitRemember } from './emit/state.js';
import { emitFindAddress } from './emit/trie.js';
import { emitFindAddress6 } from './emit/trie6.js';
import { emitVerdict } from './emit/verdict.js';
import { BITS_WORD } from './emit/code-verdict.js';
import { CONNECTION_MAPS } from './layout/state.js';
import { encodeCell, EVENT_MAPS, GATE, MAPS, ROW_BYTES, SHAPE, SUBJECT, TABLES } from './layout.js';
import type { FunctionListing, Listing, TableDeclaration } from './assembly/listing.js';

/** The object's one variant of today; bind names it in the contents. */
export const DATAPATH_VARIANT = 'datapath';

export function emitDatapath(plan: LookupPlan): Listing {
  return {
    license: 'Apache-2.0',
    functions: [
      emitProgram(plan, 'ingress'),
      emitProgram(plan, 'egress'),
      emitJudge(plan, 'ingress'),
      emitJudge(plan, 'egress'),
      emitFindAddress(),
      emitFindAddress6(),
      emitCollect('egress'),
      emitCollect('ingress'),
      emitSkipTags(),
      emitSkipExtensions(),
      ...(rejectsAnything(plan) ? [emitRejectPacket()] : []),
    ],
    tables: declareTables(),
    maps: [
      ...Object.values(MAPS),
      ...Object.values(CONNECTION_MAPS),
      GATE.halves,
      ...(logsAnything(plan) ? Object.values(EVENT_MAPS) : []),
    ],
  };
}

/** to_pod or from_pod: a packet in, allow (next program) or drop out, the cell in skb->cb. */
function emitProgram(plan: LookupPlan, direction: Direction): FunctionListing {
  const asm = new Assembler(PROGRAMS[direction], 'program');
  const effects = plan.effects[direction];
  asm.mov(r6, r1);
  emitFastPath(asm, direction, plan);
  emitParse(asm, direction);
  if (plan.effects[OPPOSITE[direction]].rejects) emitAnswerExit(asm);
  emitSelfAndSource(asm, direction);
  emitAddressEntry(asm);
  asm.load(4, r9, r10, FRAME.destination);
  if (direction === 'ingress') emitOwnNode(asm);
  else emitSolicitation(asm);
  emitVerdict(asm, direction, plan.verdict[direction]);
  asm.branch('sge', r7, 0, 'denied', { width: 32 });
  asm.label('allowed');
  emitRemember(asm, direction, effects);
  emitReply(asm, direction);
  emitRelated(asm, direction, effects);
  emitDrop(asm, direction, effects);
  emitSelf(asm, direction);
  emitClassifyExits(asm, direction);
  emitPullOrGiveUp(asm);
  emitBareExit(asm, EXIT.malformed, 'deny', 'malformed');
  emitBareExit(asm, EXIT.corrupt, 'deny', 'corrupt');
  emitAskOtherHalf(asm, direction);
  return asm.finish();
}

/** What the node itself sends to its pods is never denied (SEMANTICS row 41). */
function emitOwnNode(asm: Assembler): void {
  asm.load(4, r1, r6, SKB.ingressIfindex);
  asm.branch('ne', r1, 0, 'judged');
  emitOwnNodeTest(asm, 'own_node');
  asm.jump('judged');
  asm.label('own_node');
  asm.mov32(r7, exemptCell('own-node'));
  asm.jump('allowed');
  asm.label('judged');
}

/**
 * A pod reaches itself. What comes back to it carries its own address, and has come in by its own
 * interface, behind the source check of `from_pod`; anything else that says so is forged.
 */
function emitSelf(asm: Assembler, direction: Direction): void {
  asm.label('self');
  if (direction === 'ingress') {
    asm.load(4, r1, r6, SKB.ingressIfindex).load(4, r2, r6, SKB.ifindex);
    asm.branch('ne', r1, r2, 'spoofed');
  }
  asm.mov32(r7, exemptCell('self'));
  emitExit(asm, 'allow', 'judged');
}

/** judge_ingress or judge_egress: (address entry, port index) → cell. */
function emitJudge(plan: LookupPlan, direction: Direction): FunctionListing {
  const asm = new Assembler(judgeName(direction), 'subprogram', ['number', 'number']);
  asm.mov32(r8, r1);
  asm.mov32(r9, r2);
  emitVerdict(asm, direction, plan.verdict[direction]);
  asm.mov32(r0, r7);
  asm.exit();
  asm.label(EXIT.corrupt);
  asm.mov(r0, 0);
  asm.exit();
  return asm.finish();
}

function exemptCell(reason: 'own-node' | 'self'): number {
  return encodeCell({ verdict: 'allow', reason, decider: NO_DECIDER, log: false, reject: false });
}

/** The tables at their smallest: bind makes its own, of the sizes that a cluster needs. */
function declareTables(): readonly TableDeclaration[] {
  const table = (name: string, size: number, frozen = false): TableDeclaration => ({
    name,
    frozen,
    initial: new Uint8Array(size),
  });
  return [
    { name: TABLES.shape, frozen: true, initial: smallestShape() },
    table(TABLES.subject, SUBJECT.size),
    table(GATE.halfTable, 4, true),
    table(TABLES.rows, ROW_BYTES),
    table(TABLES.cells, 4),
    table(TABLES.ports, 2),
    table(TABLES.bits, BITS_WORD.size),
    table(TABLES.defaults, ROW_BYTES),
    table(TABLES.rowCells, 4),
    table(TABLES.trie4, 4),
    table(TABLES.trie6, 4),
  ];
}

/** One element in every table, so that the object alone passes the verifier with its rules live. */
function smallestShape(): Uint8Array {
  const shape = new Uint8Array(SHAPE.size);
  const view = new DataView(shape.buffer);
  for (const field of [
    SHAPE.rowCount,
    SHAPE.portCount,
    SHAPE.cellCount,
    SHAPE.defaultCount,
    SHAPE.rowCellCount,
    SHAPE.bitsCount,
    SHAPE.trieCount,
    SHAPE.trie6Count,
  ]) {
    view.setUint32(field, 1, true);
  }
  view.setUint32(SHAPE.jiffiesPerSecond, 250, true);
  return shape;
}
