/** What happens where standard output or standard error cannot be written. */
import { diagnostic } from '../../diagnostics.js';
import { BAD_INPUT } from './exit-codes.js';
import { processIo } from './io.js';
import { writeDiagnostics } from './session.js';
import { reasonOf } from './write-file.js';

/**
 * A reader that went away, such as `head`, ends the process quietly. All else, such as a full disk,
 * is told, with an exit code that no gate takes for an answer.
 */
export function endOnFailedOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode);
    const reason = reasonOf(error);
    const failed = diagnostic('cli/cannot-write', { path: 'standard output', reason });
    const io = processIo();
    void writeDiagnostics([failed], io.stderr, io, 'auto', 'text').finally(() =>
      process.exit(BAD_INPUT),
    );
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? process.exitCode : BAD_INPUT);
  });
}
