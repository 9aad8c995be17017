/** Progress of long work: one line on standard error, on a terminal alone, gone when something is said. */
import type { Io } from './io.js';

export interface Progress {
  /** What is being done from now on; synchronous work shows it until the next stage. */
  readonly stage: (label: string) => void;
  /** How far the stage has come. */
  readonly report: (done: number, total: number) => void;
  /** Clears the line. */
  readonly end: () => void;
}

const INTERVAL_MS = 100;
const CLEAR_LINE = '\r\u001b[K';

export function startProgress({ stderr, env }: Pick<Io, 'stderr' | 'env'>): Progress {
  if (!stderr.isTerminal || env['TERM'] === 'dumb' || env['CI'] !== undefined) {
    return { stage: () => undefined, report: () => undefined, end: () => undefined };
  }
  let label = '';
  let next = 0;
  let shown = false;
  const show = (text: string): void => {
    stderr.write(`${CLEAR_LINE}${text}`);
    shown = true;
  };
  return {
    stage: (started) => {
      label = started;
      show(`${label} …`);
    },
    report: (done, total) => {
      const now = performance.now();
      if (now < next) return;
      next = now + INTERVAL_MS;
      const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
      show(`${label}: ${percent}% (${done} of ${total})`);
    },
    end: () => {
      if (shown) stderr.write(CLEAR_LINE);
      shown = false;
    },
  };
}
