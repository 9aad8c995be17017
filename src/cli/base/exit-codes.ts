/** What the process says to its caller. */

export type ExitCode = 0 | 1 | 2 | 70;

export const DONE = 0;
/** A command that asks a question got a negative answer: check, test, fmt --check. */
export const NEGATIVE = 1;
/** The input, the arguments or the machine do not allow it. */
export const BAD_INPUT = 2;
/** A fault of policyc (EX_SOFTWARE of sysexits.h). */
export const INTERNAL = 70;
