#!/usr/bin/env node
/** Starts the built command line, and says how to build it where it is not. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const entry = new URL('../dist/src/cli.js', import.meta.url);
if (existsSync(entry)) {
  await import(entry.href);
} else {
  console.error(`policyc has not been built: ${fileURLToPath(entry)} is missing`);
  console.error('run `make build` in the checkout');
  process.exitCode = 2;
}
