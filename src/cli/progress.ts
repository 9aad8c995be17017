/** Progress of long work: one line on standard error, on a terminal alone. */
import type { Io } from './io.js';

export interface Progress {
  readonly report: (done: number, total: number) => void;
  /** Clears the line. */
  readonly end: () => void;
}

/** Work that is done sooner shows nothing. */
const PATIENCE_MS = 400;
const INTERVAL_MS = 100;
const CLEAR_LINE = '\r\u001b[K';

export function startProgress(io: Io, label: string): Progress {
  if (!io.stderr.isTerminal || io.env['TERM'] === 'dumb' || io.env['CI'] !== undefined) {
    return { report: () => undefined, end: () => undefined };
  }
  let next = performance.now() + PATIENCE_MS;
  let shown = false;
  return {
    report: (done, total) => {
      const now = performance.now();
      if (now < next) return;
      next = now + INTERVAL_MS;
      shown = true;
      const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
      io.stderr.write(`${CLEAR_LINE}${label}: ${percent}% (${done} of ${total})`);
    },
    end: () => {
      if (shown) io.stderr.write(CLEAR_LINE);
    },
  };
}
