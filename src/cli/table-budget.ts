/** `--budget`: what the policies' tables may take on a node. */
import { parseBytes } from '../byte-sizes.js';
import { PORT_TABLE_BYTES } from '../codegen/bind/images.js';
import { diagnostic, InputError } from '../diagnostics.js';
import { DEFAULT_BUDGET, type MemoryBudget } from '../ir/plan.js';
import type { Session } from './base/session.js';

/** @throws InputError where it is no size, or none that any node could keep */
export function readBudget(session: Session): MemoryBudget {
  const text = session.text('budget');
  if (text === undefined) return DEFAULT_BUDGET;
  const bytes = parseBytes(text);
  if (bytes !== undefined && bytes < PORT_TABLE_BYTES) {
    const tables = [{ table: 'ports', bytes: PORT_TABLE_BYTES }];
    const args = { budget: bytes, needed: PORT_TABLE_BYTES, tables };
    throw new InputError([diagnostic('bind/over-budget', args)]);
  }
  if (bytes !== undefined) return { bytes, strict: true };
  throw new InputError([diagnostic('cli/bad-size', { option: '--budget', value: text })]);
}
