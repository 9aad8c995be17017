/** Checks that a listing is consistent: emit's faults end here and not in the verifier. */
import { bug } from '../../diagnostics.js';
import type { FunctionListing, Label, Listing } from './listing.js';

/** `.rodata.NAME` is a BTF name too: KSYM_NAME_LEN is 128 before Linux 6.1. */
const MAX_NAME = 100;
/** BPF_OBJ_NAME_LEN without the final zero. */
const MAX_MAP_NAME = 15;

/** @throws Bug on the first inconsistency */
export function checkListing(listing: Listing): void {
  const { functions, tables, maps } = listing;
  checkNames([...functions, ...tables, ...maps].map((one) => one.name));
  for (const { name } of maps) {
    if (name.length > MAX_MAP_NAME) bug(`the map name \`${name}\` is too long for the kernel`);
  }
  for (const { name, initial } of tables) {
    if (initial.length === 0) bug(`the table \`${name}\` is empty: a map value has a size`);
  }
  if (!functions.some((one) => one.role === 'program')) bug('a listing without a program');
  for (const one of functions) checkFunction(listing, one);
}

/** BTF and ELF share one space of names here. */
function checkNames(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) bug(`\`${name}\` is not a C identifier`);
    if (name.length > MAX_NAME) bug(`the name \`${name}\` is too long for BTF`);
    if (name === '_license' || seen.has(name)) bug(`the name \`${name}\` is declared twice`);
    seen.add(name);
  }
}

function checkFunction(listing: Listing, one: FunctionListing): void {
  const where = `in \`${one.name}\``;
  const maps = new Set(listing.maps.map(({ name }) => name));
  const tables = new Map(listing.tables.map(({ name, initial }) => [name, initial.length]));
  const functions = new Map(listing.functions.map(({ name, role }) => [name, role]));
  const labels = new Set<Label>();
  for (const item of one.items) {
    if (item.kind !== 'label') continue;
    if (labels.has(item.name)) bug(`the label \`${item.name}\` stands twice ${where}`);
    labels.add(item.name);
  }
  for (const item of one.items) {
    if (item.kind === 'label') continue;
    const { instruction } = item;
    switch (instruction.kind) {
      case 'jump':
      case 'branch':
        if (!labels.has(instruction.target)) bug(`no label \`${instruction.target}\` ${where}`);
        break;
      case 'load-map':
        if (!maps.has(instruction.map)) bug(`no map \`${instruction.map}\` ${where}`);
        break;
      case 'load-table':
        checkTableOffset(instruction.table, tables.get(instruction.table), instruction.offset);
        break;
      case 'call-function':
        if (functions.get(instruction.name) !== 'subprogram') {
          bug(`no subprogram \`${instruction.name}\` ${where}`);
        }
        break;
      default:
        break;
    }
  }
}

/** A bound table may be larger than the object's; the offset is then still within the first. */
function checkTableOffset(table: string, size: number | undefined, offset: number): void {
  if (size === undefined) bug(`no table \`${table}\``);
  if (!Number.isInteger(offset) || offset < 0 || offset >= size) {
    bug(`the offset ${offset} is outside of the ${size} bytes of the table \`${table}\``);
  }
}
