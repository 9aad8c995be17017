/** Address classes: every address that all policies treat alike gets the same small number. */
import { ADDRESS_BITS, addressKey, hostPrefix, type Address, type Prefix } from '../address.js';
import { InputError, diagnostic } from '../diagnostics.js';
import { isPolicyPod, type ClusterSnapshot, type Pod, type Service } from '../ir/cluster.js';
import type { AtomId, AtomTable } from './bind-atoms.js';
import { CellFinder, cutCells, type AddressCell } from './bind-cells.js';
import type { LookId, LookIndex } from './bind-looks.js';
import { MAX_CLASSES, type Flavour } from './layout.js';

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

interface Signature extends Omit<AddressClass, 'id'> {
  readonly key: string;
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
  const signatures: { prefix: Prefix; signature: Signature }[] = [];
  for (const cell of cells) {
    if (cell.prefix.length === ADDRESS_BITS[cell.prefix.family]) continue;
    signatures.push({ prefix: cell.prefix, signature: signCell(cell) });
  }
  for (const [key, address] of single) {
    const signature = signAddress(address, finder.find(address), holders.get(key), atoms);
    signatures.push({ prefix: hostPrefix(address), signature });
  }
  const classes = numberClasses(signatures.map(({ signature }) => signature));
  const idOf = new Map(classes.map(({ key, id }) => [key, id]));
  const entries = signatures.map(({ prefix, signature }) => ({
    prefix,
    classId: idOf.get(signature.key) ?? 0,
  }));
  const byAddress = new Map<string, ClassId>();
  for (const { prefix, classId } of entries) {
    if (prefix.length === ADDRESS_BITS[prefix.family]) byAddress.set(addressKey(prefix), classId);
  }
  const classOf = (address: Address): AddressClass => {
    const cell = finder.find(address);
    const id =
      byAddress.get(addressKey(address)) ??
      (cell === undefined ? 0 : (idOf.get(signCell(cell).key) ?? 0));
    return classes[id] ?? OUTSIDE;
  };
  return { classes, entries, classOf };
}

const OUTSIDE: AddressClass = { id: 0, flavour: 'outside', atoms: [], nodes: [] };

/**
 * Classes of one node stand together, so that a subject's own node is a range of classes.
 * @throws InputError if there are more than an entry can hold
 */
function numberClasses(
  signatures: readonly Signature[],
): readonly (AddressClass & { readonly key: string })[] {
  const outside = sign(OUTSIDE);
  const distinct = new Map([[outside.key, outside]]);
  for (const signature of signatures) distinct.set(signature.key, signature);
  distinct.delete(outside.key);
  const sorted = [...distinct.values()].sort((a, b) => {
    const [left, right] = [a.nodes.join(), b.nodes.join()];
    if (left !== right) return left < right ? -1 : 1;
    return 0;
  });
  if (sorted.length >= MAX_CLASSES) {
    const args = { count: sorted.length + 1, limit: MAX_CLASSES };
    throw new InputError([diagnostic('bind/too-many-classes', args)]);
  }
  return [outside, ...sorted].map((signature, id) => ({ ...signature, id }));
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

function signCell(cell: AddressCell): Signature {
  return sign({
    flavour: cell.podRange ? 'unbound' : 'outside',
    atoms: cell.atoms,
    nodes: [],
  });
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
  return sign({
    flavour: flavourOf(cell, holder),
    atoms: [...new Set(held)].sort((a, b) => a - b),
    nodes: [...(holder?.nodes ?? [])].sort(),
    ...(holder?.service === undefined ? {} : { service: { service: holder.service, address } }),
  });
}

function flavourOf(cell: AddressCell | undefined, holder: Holder | undefined): Flavour {
  if (holder === undefined) return cell?.podRange === true ? 'unbound' : 'outside';
  if (holder.look !== undefined) return 'pod';
  return holder.service === undefined ? 'node' : 'service';
}

function sign(parts: Omit<AddressClass, 'id'>): Signature {
  const { service } = parts;
  const serviceKey =
    service === undefined
      ? ''
      : `${service.service.namespace}/${service.service.name}/${service.address.family}`;
  const key = [parts.flavour, parts.atoms.join(), parts.nodes.join(), serviceKey].join(';');
  return { ...parts, key };
}
