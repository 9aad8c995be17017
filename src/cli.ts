/** The process: bin/policyc.js imports this file, which runs the command line. */
import { endQuietlyOnBrokenPipe, processIo } from './cli/base/io.js';
import { run } from './cli/run.js';

endQuietlyOnBrokenPipe();
process.exitCode = await run(process.argv.slice(2), processIo());
