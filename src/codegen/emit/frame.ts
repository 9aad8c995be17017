/** The frame of an emitted program: what its registers and stack slots hold, and its exits. */
import { r0, r1, r6, r7, type Assembler } from '../assembly/assembler.js';
import { DROP, OUTCOMES, PASS, type Outcome } from '../layout.js';

/** Offsets in struct __sk_buff (include/uapi/linux/bpf.h). */
export const SKB = {
  len: 0,
  mark: 8,
  vlanPresent: 20,
  ingressIfindex: 36,
  ifindex: 40,
  cb0: 48,
  cb1: 52,
  /** Set by the gate; see gate.ts. */
  cb2: 56,
  data: 76,
  dataEnd: 80,
} as const;

/**
 * Stack slots, as offsets from r10. The connection key comes first: remote address (16 bytes, an
 * IPv4 address in its first 4), u32 incarnation, u16 local port, u16 remote port, u8 protocol, u8
 * family, u16 zero. Ports are in host order, ICMP's echo identifier stands for both.
 */
export const FRAME = {
  key: -32,
  keyRemote: -32,
  keyIncarnation: -16,
  keyLocalPort: -12,
  keyRemotePort: -10,
  keyProtocol: -8,
  keyFamily: -7,
  keyZero: -6,
  /** Room for a map key of 20 bytes: u32 prefix length, address; or two u32. */
  scratch: -60,
  /** Port index of the packet's destination port. */
  destination: -64,
  /** Port index of the packet's source port. */
  source: -68,
  /** See {@link PACKET}. */
  packet: -72,
  /** Own address of the packet, 16 bytes, to compare with the subject's. */
  local: -88,
  connectionValue: -104,
  /** Bytes of the layer 4 header that a first fragment must bring, or 0. */
  fragmentBytes: -108,
  /** Points to the layer 4 header. */
  transport: -120,
  /** The packet that an ICMP error quotes: the port indexes of its source and destination. */
  quotedSource: -124,
  quotedDestination: -128,
  /** The record of an event; see event.ts. */
  event: -200,
  /** The remote address of an ICMP error, whose own slot takes that of the packet quoted. */
  errorRemote: -216,
  /** What all fragments of a packet share; anything where it is none. */
  fragmentId: -220,
  /** The cell that allows a reply, while its connection gets a place. */
  allowCell: -232,
} as const;

/** Bits of the `packet` slot. Bits 0 to 7 hold the TCP flags. */
export const PACKET = {
  /** TCP SYN without ACK, an ICMP request, or any packet of other protocols: may create state. */
  opens: 1 << 8,
  icmpError: 1 << 9,
  /** Cannot be a reply: ICMP messages that answer no request. */
  noReply: 1 << 10,
  /** Any fragment but the first: what follows its IP header is no layer 4 header. */
  laterFragment: 1 << 12,
  /** Neighbour discovery from the pod to a global address: passes if that is on the link. */
  neighbour: 1 << 11,
  /** The first of several fragments: it has a whole layer 4 header. */
  firstFragment: 1 << 13,
} as const;

export const TCP = { fin: 0x01, syn: 0x02, rst: 0x04, ack: 0x10, allFlags: 0xff } as const;

/** Labels that every program puts once. */
export const EXIT = {
  pass: 'pass',
  drop: 'drop',
  malformed: 'malformed',
  corrupt: 'corrupt',
  askOtherHalf: 'ask_other_half',
} as const;

/**
 * Leaves with a fixed outcome; r7 must hold the cell that decided, or 0.
 * INVARIANT: r6 holds the context from the first instruction to the last.
 */
export function emitExit(asm: Assembler, verdict: 'allow' | 'deny', outcome: Outcome): void {
  asm.store(4, r6, SKB.cb0, r7);
  asm.mov(r1, OUTCOMES.indexOf(outcome));
  asm.store(4, r6, SKB.cb1, r1);
  // An answer is nobody's to judge again: its mark is off by now.
  if (verdict === 'allow' && outcome !== 'answer') {
    asm.label(asm.freshLabel('leave'));
    asm.load(4, r1, r6, SKB.cb2);
    asm.branch('ne', r1, 0, EXIT.askOtherHalf);
  }
  asm.mov(r0, verdict === 'allow' ? PASS : DROP);
  asm.exit();
}

/** An exit without a cell: r7 is cleared first. */
export function emitBareExit(
  asm: Assembler,
  label: string,
  verdict: 'allow' | 'deny',
  outcome: Outcome,
): void {
  asm.label(label);
  asm.mov(r7, 0);
  emitExit(asm, verdict, outcome);
}
