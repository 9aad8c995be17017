/** The process: bin/policyc.js imports this file, which runs the command line. */
import { endOnFailedOutput } from './cli/base/failed-output.js';
import { processIo } from './cli/base/io.js';
import { run } from './cli/run.js';

endOnFailedOutput();
process.exitCode = await run(process.argv.slice(2), processIo());
