/** The VM's struct __sk_buff: what a tc program may read and write there, and the packet under it. */
import { bug } from '../../diagnostics.js';
import { type Cell, Region, setNumber, setPointer, violate } from './memory.js';

/** What the kernel knows of a packet beside its bytes; numbers as in struct __sk_buff. */
export interface PacketContext {
  /** The EtherType in network order, as the program reads it; from the packet's header unless told. */
  readonly protocol?: number;
  /** PACKET_HOST (0) unless told. */
  readonly pktType?: number;
  readonly mark?: number;
  readonly priority?: number;
  readonly queueMapping?: number;
  readonly tcIndex?: number;
  readonly ingressIfindex?: number;
  /** 1 unless told, the loopback interface, as in BPF_PROG_TEST_RUN. */
  readonly ifindex?: number;
  readonly cb?: readonly number[];
  readonly hash?: number;
  readonly vlan?: { readonly tci: number; readonly protocol: number };
  readonly tstamp?: bigint;
  readonly gsoSegments?: number;
  readonly gsoSize?: number;
  /** How many bytes can be read directly before skb_pull_data; all of them unless told. */
  readonly linearBytes?: number;
}

type Access = 'read' | 'write' | 'none';

/** include/uapi/linux/bpf.h, with the rights of tc_cls_act_is_valid_access in net/core/filter.c. */
const FIELDS = {
  len: [0, 4, 'read'],
  pktType: [4, 4, 'read'],
  mark: [8, 4, 'write'],
  queueMapping: [12, 4, 'write'],
  protocol: [16, 4, 'read'],
  vlanPresent: [20, 4, 'read'],
  vlanTci: [24, 4, 'read'],
  vlanProtocol: [28, 4, 'read'],
  priority: [32, 4, 'write'],
  ingressIfindex: [36, 4, 'read'],
  ifindex: [40, 4, 'read'],
  tcIndex: [44, 4, 'write'],
  cb: [48, 20, 'write'],
  hash: [68, 4, 'read'],
  tcClassid: [72, 4, 'write'],
  data: [76, 4, 'none'],
  dataEnd: [80, 4, 'none'],
  napiId: [84, 4, 'read'],
  tstamp: [152, 8, 'write'],
  wireLength: [160, 4, 'read'],
  gsoSegments: [164, 4, 'read'],
  gsoSize: [176, 4, 'read'],
} as const satisfies Record<string, readonly [offset: number, size: number, access: Access]>;

const CONTEXT_BYTES = 192;

interface Field {
  readonly name: string;
  readonly start: number;
  readonly size: number;
  readonly access: Access;
}

/** The field that each byte belongs to. */
const FIELD_AT: readonly (Field | undefined)[] = (() => {
  const table = new Array<Field | undefined>(CONTEXT_BYTES).fill(undefined);
  for (const [name, [start, size, access]] of Object.entries(FIELDS)) {
    table.fill({ name, start, size, access }, start, start + size);
  }
  return table;
})();

/** One packet with its metadata at a time; the buffer itself is used again for each run. */
export class SocketBuffer {
  readonly context = new Region('context', 'the context', new Uint8Array(CONTEXT_BYTES), true);
  packet: Uint8Array = new Uint8Array();
  linear: Region = this.context;
  linearEnd: Region = this.context;

  /** Puts a packet in: its bytes are copied, and pointers of earlier runs are stale. */
  reset(packet: Uint8Array, given: PacketContext): void {
    this.context.bytes.fill(0);
    this.#put('pktType', given.pktType ?? 0);
    this.#put('mark', given.mark ?? 0);
    this.#put('queueMapping', given.queueMapping ?? 0);
    this.#put('protocol', given.protocol ?? etherType(packet));
    this.#put('vlanPresent', given.vlan === undefined ? 0 : 1);
    this.#put('vlanTci', given.vlan?.tci ?? 0);
    this.#put('vlanProtocol', given.vlan?.protocol ?? 0);
    this.#put('priority', given.priority ?? 0);
    this.#put('ingressIfindex', given.ingressIfindex ?? 0);
    this.#put('ifindex', given.ifindex ?? 1);
    this.#put('tcIndex', given.tcIndex ?? 0);
    this.#put('hash', given.hash ?? 0);
    this.#put('gsoSegments', given.gsoSegments ?? 0);
    this.#put('gsoSize', given.gsoSize ?? 0);
    this.context.view.setBigUint64(FIELDS.tstamp[0], given.tstamp ?? 0n, true);
    (given.cb ?? []).forEach((value, i) => {
      if (i < 5) this.context.view.setUint32(FIELDS.cb[0] + 4 * i, value, true);
      else bug('the context has five words of cb');
    });
    this.replacePacket(packet.slice(), given.linearBytes ?? packet.length);
    this.#put('wireLength', packet.length);
  }

  /** Puts other bytes under the context: pointers into the packet are stale from then on. */
  replacePacket(packet: Uint8Array, linearBytes: number): void {
    if (this.linear !== this.context) this.linear.size = 0;
    this.packet = packet;
    const bytes = packet.subarray(0, Math.min(linearBytes, packet.length));
    this.linear = new Region('memory', 'the packet', bytes, true);
    const { view } = this.linear;
    this.linearEnd = new Region('packet-end', 'the end of the packet', bytes, false, view);
    this.#put('len', packet.length);
  }

  get mark(): number {
    return this.#get('mark');
  }

  get protocol(): number {
    return this.#get('protocol');
  }

  get cb(): readonly number[] {
    const start = FIELDS.cb[0];
    return [0, 4, 8, 12, 16].map((i) => this.context.view.getUint32(start + i, true));
  }

  /** Reads a field, or a part of one, or the address of the packet. */
  load(dst: Cell, offset: number, size: number): void {
    const field = fieldOf(offset, size);
    const { view } = this.context;
    if (field.name === 'data' || field.name === 'dataEnd') {
      if (size !== 4) violate(`${field.name} of the context is read in part`);
      setPointer(dst, field.name === 'data' ? this.linear : this.linearEnd, 0);
      return;
    }
    if (field.access === 'none') violate(`${field.name} of the context may not be read`);
    if (field.size === 8 && size !== 8) violate(`${field.name} of the context is read in part`);
    if (size === 8) {
      setNumber(dst, view.getInt32(offset, true));
      dst.hi = view.getInt32(offset + 4, true);
    } else if (size === 4) setUnsigned(dst, view.getUint32(offset, true));
    else setUnsigned(dst, size === 2 ? view.getUint16(offset, true) : view.getUint8(offset));
  }

  /** Writes a field that tc programs may write. */
  store(offset: number, size: number, low: number, high: number): void {
    const field = fieldOf(offset, size);
    if (field.access !== 'write') violate(`${field.name} of the context may not be written`);
    if (field.name !== 'cb' && size !== field.size) {
      violate(`${field.name} of the context is written in part`);
    }
    const { view } = this.context;
    if (size === 1) view.setUint8(offset, low);
    else if (size === 2) view.setUint16(offset, low, true);
    else {
      view.setInt32(offset, low, true);
      if (size === 8) view.setInt32(offset + 4, high, true);
    }
  }

  #put(name: keyof typeof FIELDS, value: number): void {
    this.context.view.setUint32(FIELDS[name][0], value, true);
  }

  #get(name: keyof typeof FIELDS): number {
    return this.context.view.getUint32(FIELDS[name][0], true);
  }
}

function fieldOf(offset: number, size: number): Field {
  const field = FIELD_AT[offset];
  if (field === undefined || offset + size > field.start + field.size) {
    violate(`${size} bytes at ${offset} of the context are no field that tc programs may use`);
  }
  if (offset % size !== 0) violate(`${size} bytes at ${offset} of the context are not aligned`);
  return field;
}

function setUnsigned(dst: Cell, value: number): void {
  setNumber(dst, value);
  dst.hi = 0;
}

const ETHERNET_BYTES = 14;
const SMALLEST_ETHERTYPE = 0x0600;
const ETH_P_802_2 = 4;

/** What eth_type_trans makes of the header, in network order as a little-endian host reads it. */
function etherType(packet: Uint8Array): number {
  if (packet.length < ETHERNET_BYTES) bug('a packet begins with an Ethernet header');
  const high = packet[12] ?? 0;
  const low = packet[13] ?? 0;
  const type = high * 256 + low >= SMALLEST_ETHERTYPE ? low * 256 + high : ETH_P_802_2 * 256;
  return type;
}
