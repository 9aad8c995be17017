/** Chevrotain, from its bundled file: the package's own entry loads some six hundred files of lodash. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type * as Chevrotain from 'chevrotain';

// The package's exports name only lib/src/api.js, so the bundle beside it is found from there.
const entry = createRequire(import.meta.url).resolve('chevrotain');
const bundle = new URL('../chevrotain.mjs', pathToFileURL(entry));

export const { createToken, createTokenInstance, CstParser, Lexer } = (await import(
  bundle.href
)) as typeof Chevrotain;
