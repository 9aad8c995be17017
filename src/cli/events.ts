/** `policyc events`: what the rules that log have seen, a line for each packet. */
import { setTimeout as wait } from 'node:timers/promises';
import { readBundle } from '../codegen/bundle.js';
import { fingerprintOf, loggingDeciders } from '../codegen/event/deciders.js';
import { EventNames, type NamedEvent } from '../codegen/event/names.js';
import { diagnostic, InputError } from '../diagnostics.js';
import { normalize } from '../ir/normalize.js';
import { openEvents, type EventBatch } from '../loader/events.js';
import { DONE, type ExitCode } from './base/exit-codes.js';
import { readBytes } from './base/read-bytes.js';
import type { Session } from './base/session.js';
import { visible } from '../render/visible-text.js';

const POLL_MS = 100;

export async function run(session: Session): Promise<ExitCode> {
  const root = session.requiredText('root');
  const names = new EventNames();
  for (const path of session.operands) {
    const { model } = readBundle(path, readBytes(path, session.io.stdin));
    const deciders = loggingDeciders(normalize(model));
    names.learnDeciders(fingerprintOf(deciders), deciders);
  }
  const follow = session.flag('follow');
  const reader = openEvents(root);
  try {
    if (!reader.logs && !follow) {
      throw new InputError([diagnostic('events/nothing-logs', { root })]);
    }
    const printer = new Printer(session, names);
    await printer.print(reader.read());
    if (follow) await untilStopped(() => printer.print(reader.read()));
  } finally {
    reader.close();
  }
  return DONE;
}

/** An interrupt ends the reading between two batches, so that none is taken and not printed. */
async function untilStopped(step: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  process.once('SIGINT', abort);
  process.once('SIGTERM', abort);
  try {
    while (!stop.signal.aborted) {
      await wait(POLL_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      await step();
    }
  } finally {
    process.off('SIGINT', abort);
    process.off('SIGTERM', abort);
  }
}

class Printer {
  #lost = 0;

  constructor(
    private readonly session: Session,
    private readonly names: EventNames,
  ) {}

  async print({ events, unreadable, lost, notes }: EventBatch): Promise<void> {
    const { session, names } = this;
    if (notes !== undefined) names.learn(notes);
    const offset = BigInt(session.io.now()) * 1_000_000n - process.hrtime.bigint();
    for (const event of events) {
      const named = names.name(event);
      const time = new Date(Number((named.nanoseconds + offset) / 1_000_000n)).toISOString();
      session.print(`${session.json ? jsonLine(time, named) : textLine(time, named)}\n`);
    }
    const more = lost - this.#lost;
    this.#lost = lost;
    await session.report([
      ...(unreadable === 0 ? [] : [diagnostic('events/unreadable', { count: unreadable })]),
      ...(more <= 0 ? [] : [diagnostic('events/lost', { count: more })]),
    ]);
  }
}

function jsonLine(time: string, event: NamedEvent): string {
  // The clock that it is of means nothing outside of the machine; `time` says the same.
  return JSON.stringify({ time, ...event, nanoseconds: undefined });
}

/** Columns are as wide as usual texts are: a line is printed before the next one is known. */
function textLine(time: string, event: NamedEvent): string {
  const { direction, verdict, reject, protocol, rule, reason, laterFragment } = event;
  const pod = event.pod ?? event.address;
  const peer = event.peer === undefined ? event.peerAddress : `${event.peer} ${event.peerAddress}`;
  const arrow = direction === 'ingress' ? '<-' : '->';
  const type = event.icmpType === undefined ? '' : ` type ${event.icmpType}`;
  const what = laterFragment ? `${protocol} fragment` : `${protocol}${type}`;
  const ports =
    event.podPort === undefined || event.peerPort === undefined
      ? what
      : `${what} ${event.podPort} ${arrow} ${event.peerPort}`;
  const place =
    rule === undefined
      ? 'a rule of a policy that was replaced'
      : `${rule.name} at ${rule.path}:${rule.line}:${rule.column}`;
  const columns = [
    [time, 24],
    [verdict === 'deny' && reject ? 'reject' : verdict, 6],
    [pod, 20],
    [`${direction === 'ingress' ? 'from' : 'to'} ${peer}`, 32],
    [ports, 18],
    [`${place} (${reason})`, 0],
  ] as const;
  return columns.map(([text, width]) => visible(text).padEnd(width)).join('  ');
}
