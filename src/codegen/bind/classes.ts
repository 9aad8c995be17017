/** Address classes: every address that all policies treat alike gets the same small number. */
import { ADDRESS_BITS, addressKey, hostPrefix, type Address, type Prefix } from '../../address.js';
import { InputError, diagnostic } from '../../diagnostics.js';
import { isPolicyPod, type ClusterSnapshot, type Pod, type Service } from '../../ir/cluster.js';
import { compareText } from '../../ir/normalize.js';
import type { AtomId, AtomTable } from './atoms.js';
import { CellFinder, cutCells, type AddressCell } from './cells.js';
import type { LookId, LookIndex } from './looks.js';
import { FLAVOURS, MAX_CLASSES, type Flavour } from '../layout.js';

export type ClassId = number;

export interface AddressClass {
  readonly id: ClassId;
  readonly flavour: Flavour;
  /** In ascending order. */
  readonly atoms: readonly AtomId[];
  /** Names of the nodes whose addresses these are. */
  readonly nodes: readonly string[];
  /** The Service whose cluster addresses these are, of one family. */
  readonly service?: { readonly service: Service; readonly address: Address };
}

export interface AddressClasses {
  /** By id. Class 0 is outside and satisfies nothing. */
  readonly classes: readonly AddressClass[];
  /** Single addresses, and prefixes that are longer than any around them. */
  readonly entries: readonly { readonly prefix: Prefix; readonly classId: ClassId }[];
  readonly classOf: (address: Address) => AddressClass;
}

interface Holder {
  readonly address: Address;
  look?: LookId;
  readonly nodes: Set<string>;
  service?: Service;
}

export function classifyAddresses(
  cluster: ClusterSnapshot,
  atoms: AtomTable,
  looks: LookIndex,
): AddressClasses {
  const cells = cutCells(
    atoms.prefixAtoms,
    cluster.nodes.flatMap(({ podRanges }) => podRanges),
  );
  const finder = new CellFinder(cells);
  const holders = findHolders(cluster, looks);
  const single = new Map<string, Address>();
  for (const { address } of holders.values()) single.set(addressKey(address), address);
  for (const address of atoms.namedAddresses) single.set(addressKey(address), address);
  for (const { prefix } of cells) {
    if (prefix.length === ADDRESS_BITS[prefix.family]) single.set(addressKey(prefix), prefix);
  }
  const signatures = new SignatureTable();
  const signed: { readonly prefix: Prefix; readonly signature: SignatureId }[] = [];
  for (const cell of cells) {
    if (cell.prefix.length === ADDRESS_BITS[cell.prefix.family]) continue;
    signed.push({ prefix: cell.prefix, signature: signatures.idOf(signCell(cell)) });
  }
  const byAddress = new Map<string, SignatureId>();
  for (const [key, address] of single) {
    const held = signAddress(address, finder.find(address), holders.get(key), atoms);
    const signature = signatures.idOf(held);
    byAddress.set(key, signature);
    signed.push({ prefix: hostPrefix(address), signature });
  }
  const classes = numberClasses(signatures.all);
  const classIds = new Uint32Array(classes.length);
  for (const { id, signature } of classes) classIds[signature] = id;
  const entries = signed.map(({ prefix, signature }) => ({
    prefix,
    classId: classIds[signature] ?? 0,
  }));
  const classOf = (address: Address): AddressClass => {
    const cell = finder.find(address);
    const signature =
      byAddress.get(addressKey(address)) ??
      (cell === undefined ? OUTSIDE_SIGNATURE : signatures.idOf(signCell(cell)));
    return classes[classIds[signature] ?? 0] ?? OUTSIDE;
  };
  return { classes, entries, classOf };
}

const OUTSIDE: AddressClass = { id: 0, flavour: 'outside', atoms: [], nodes: [] };

/** All that policies can tell addresses apart by. */
type Signature = Omit<AddressClass, 'id'>;
type SignatureId = number;

const OUTSIDE_SIGNATURE: SignatureId = 0;

/** Signatures, each distinct one once, in the order in which they came; that of class 0 is the first. */
class SignatureTable {
  readonly all: Signature[] = [];
  readonly #ids = new Map<string | number, SignatureId>();

  constructor() {
    this.idOf(OUTSIDE);
  }

  idOf(signature: Signature): SignatureId {
    const key = signatureKey(signature);
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.all.length;
      this.#ids.set(key, id);
      this.all.push(signature);
    }
    return id;
  }
}

/** Most addresses satisfy one atom and are nobody's: their key is a number, which costs less. */
function signatureKey({ flavour, atoms, nodes, service }: Signature): string | number {
  if (nodes.length === 0 && service === undefined && atoms.length < 2) {
    return ((atoms[0] ?? -1) + 1) * FLAVOURS.length + FLAVOURS.indexOf(flavour);
  }
  const serviceKey =
    service === undefined
      ? ''
      : `${service.service.namespace}/${service.service.name}/${service.address.family}`;
  return [flavour, atoms.join(), nodes.join(), serviceKey].join(';');
}

/**
 * Classes of one node stand together, so that a subject's own node is a range of classes.
 * @returns with the position of each one's signature
 * @throws InputError if there are more than an entry can hold
 */
function numberClasses(
  signatures: readonly Signature[],
): readonly (AddressClass & { readonly signature: SignatureId })[] {
  if (signatures.length > MAX_CLASSES) {
    const args = { count: signatures.length, limit: MAX_CLASSES };
    throw new InputError([diagnostic('bind/too-many-classes', args)]);
  }
  const numbered = signatures.map((signature, position) => ({ signature, position }));
  const ofNodes = numbered
    .filter(({ signature }) => signature.nodes.length > 0)
    .map((one) => ({ ...one, key: one.signature.nodes.join() }))
    .sort((a, b) => compareText(a.key, b.key));
  const others = numbered.filter(({ signature }) => signature.nodes.length === 0);
  return [...others, ...ofNodes].map(({ signature, position }, id) => ({
    id,
    flavour: signature.flavour,
    atoms: signature.atoms,
    nodes: signature.nodes,
    ...(signature.service === undefined ? {} : { service: signature.service }),
    signature: position,
  }));
}

/** Where a snapshot gives one address to two pods or two Services, the first has it. */
function findHolders(cluster: ClusterSnapshot, looks: LookIndex): ReadonlyMap<string, Holder> {
  const holders = new Map<string, Holder>();
  const holderOf = (address: Address): Holder => {
    const key = addressKey(address);
    let holder = holders.get(key);
    if (holder === undefined) {
      holder = { address, nodes: new Set() };
      holders.set(key, holder);
    }
    return holder;
  };
  for (const { name, addresses } of cluster.nodes) {
    for (const address of addresses) holderOf(address).nodes.add(name);
  }
  for (const pod of cluster.pods) {
    if (pod.completed) continue;
    for (const address of pod.addresses) holdPod(holderOf(address), pod, looks);
  }
  for (const service of cluster.services) {
    for (const address of service.addresses) holderOf(address).service ??= service;
  }
  return holders;
}

function holdPod(holder: Holder, pod: Pod, looks: LookIndex): void {
  if (isPolicyPod(pod)) holder.look ??= looks.lookOf(pod);
  else if (pod.node !== undefined) holder.nodes.add(pod.node);
}

const NO_NODES: readonly string[] = [];

function signCell({ podRange, atoms }: AddressCell): Signature {
  return { flavour: podRange ? 'unbound' : 'outside', atoms, nodes: NO_NODES };
}

function signAddress(
  address: Address,
  cell: AddressCell | undefined,
  holder: Holder | undefined,
  atoms: AtomTable,
): Signature {
  const held = [
    ...(cell?.atoms ?? []),
    ...atoms.ofAddress(address),
    ...(holder?.look === undefined ? [] : atoms.ofLook(holder.look)),
    ...[...(holder?.nodes ?? [])].flatMap((name) => atoms.ofNode(name)),
  ];
  return {
    flavour: flavourOf(cell, holder),
    atoms: [...new Set(held)].sort((a, b) => a - b),
    nodes: [...(holder?.nodes ?? [])].sort(),
    ...(holder?.service === undefined ? {} : { service: { service: holder.service, address } }),
  };
}

function flavourOf(cell: AddressCell | undefined, holder: Holder | undefined): Flavour {
  if (holder === undefined) return cell?.podRange === true ? 'unbound' : 'outside';
  if (holder.look !== undefined) return 'pod';
  return holder.service === undefined ? 'node' : 'service';
}
