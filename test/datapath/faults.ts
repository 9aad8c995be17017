/** Faults: a listing with one instruction wrong, in every way that a slip of the pen could make it. */
import type {
  FunctionListing,
  Instruction,
  Listing,
  ListingItem,
  Test,
} from '../../src/codegen/assembly/listing.js';

export interface Fault {
  /** Function, label and how many instructions behind it, and what is wrong there. */
  readonly name: string;
  readonly functionName: string;
  /** Index of the item in its function. */
  readonly index: number;
  /** What stands there instead; nothing at all if there is none. */
  readonly instead: Instruction | undefined;
}

/** All faults of the listing's functions, in the listing's order. */
export function faultsOf(listing: Listing): readonly Fault[] {
  return listing.functions.flatMap(faultsOfFunction);
}

function faultsOfFunction({ name, items }: FunctionListing): readonly Fault[] {
  const faults: Fault[] = [];
  let label = 'start';
  let behind = 0;
  for (const [index, item] of items.entries()) {
    if (item.kind === 'label') {
      label = item.name;
      behind = 0;
      continue;
    }
    for (const { what, instead } of slips(item.instruction)) {
      const place = `${name} ${label}+${behind}`;
      faults.push({ name: `${place}: ${what}`, functionName: name, index, instead });
    }
    behind += 1;
  }
  return faults;
}

/** The listing with each instruction changed. */
export function mapInstructions(
  listing: Listing,
  change: (instruction: Instruction) => Instruction,
): Listing {
  return {
    ...listing,
    functions: listing.functions.map((one) => ({
      ...one,
      items: one.items.map((item) =>
        item.kind === 'label' ? item : { ...item, instruction: change(item.instruction) },
      ),
    })),
  };
}

/** The listing with the fault in it. */
export function withFault(listing: Listing, fault: Fault): Listing {
  return {
    ...listing,
    functions: listing.functions.map((one) =>
      one.name === fault.functionName ? { ...one, items: faulty(one.items, fault) } : one,
    ),
  };
}

function faulty(items: readonly ListingItem[], { index, instead }: Fault): readonly ListingItem[] {
  return items.flatMap((item, i) => {
    if (i !== index || item.kind === 'label') return [item];
    return instead === undefined ? [] : [{ ...item, instruction: instead }];
  });
}

interface Slip {
  readonly what: string;
  readonly instead: Instruction | undefined;
}

const WIDER: Partial<Readonly<Record<Test, Test>>> = {
  eq: 'ne',
  ne: 'eq',
  gt: 'ge',
  ge: 'gt',
  lt: 'le',
  le: 'lt',
  sgt: 'sge',
  sge: 'sgt',
  slt: 'sle',
  sle: 'slt',
};

const OTHER_MAP: Readonly<Record<string, string>> = Object.fromEntries(
  ['pending', 'live', 'live_slots'].flatMap((name) => [
    [`${name}_out`, `${name}_in`],
    [`${name}_in`, `${name}_out`],
  ]),
);

const OTHER_FUNCTION: Readonly<Record<string, string>> = {
  judge_ingress: 'judge_egress',
  judge_egress: 'judge_ingress',
  collect_in: 'collect_out',
  collect_out: 'collect_in',
};

function slips(instruction: Instruction): readonly Slip[] {
  switch (instruction.kind) {
    case 'branch': {
      const { test, right, target } = instruction;
      const other = WIDER[test];
      return [
        { what: `no \`${test}\``, instead: undefined },
        { what: `always as if \`${test}\``, instead: { kind: 'jump', target } },
        ...(other === undefined || test === 'eq' || test === 'ne'
          ? []
          : [{ what: `${other} for ${test}`, instead: { ...instruction, test: other } }]),
        ...('imm' in right
          ? [
              {
                what: `${test} ${right.imm + 1} for ${right.imm}`,
                instead: { ...instruction, right: { imm: right.imm + 1 } },
              },
            ]
          : []),
      ];
    }
    case 'alu': {
      const { operation, src } = instruction;
      return [
        { what: `no ${operation}`, instead: undefined },
        ...('imm' in src
          ? [
              {
                what: `${operation} ${src.imm + 1} for ${src.imm}`,
                instead: { ...instruction, src: { imm: src.imm + 1 } },
              },
            ]
          : []),
      ];
    }
    case 'to-big-endian':
      return [{ what: 'no swap', instead: undefined }];
    case 'load':
      return [
        {
          what: `load ${instruction.size} bytes on`,
          instead: { ...instruction, offset: instruction.offset + instruction.size },
        },
      ];
    case 'store':
      return [{ what: 'no store', instead: undefined }];
    case 'load-table':
      return [
        {
          what: `${instruction.table} 4 bytes on`,
          instead: { ...instruction, offset: instruction.offset + 4 },
        },
      ];
    case 'load-map': {
      const map = OTHER_MAP[instruction.map];
      return map === undefined ? [] : [{ what: `${map} for it`, instead: { ...instruction, map } }];
    }
    case 'call-function': {
      const name = OTHER_FUNCTION[instruction.name];
      return name === undefined
        ? []
        : [{ what: `${name} for it`, instead: { ...instruction, name } }];
    }
    case 'jump':
      return [{ what: 'no jump', instead: undefined }];
    case 'atomic-add':
    case 'load-imm64':
    case 'negate':
      return [{ what: `no ${instruction.kind}`, instead: undefined }];
    case 'call':
    case 'exit':
      return [];
  }
}
