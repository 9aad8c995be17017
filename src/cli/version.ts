/** The version of policyc, from the package that it runs in. */
import { existsSync, readFileSync } from 'node:fs';
import { bug } from '../diagnostics.js';

/** Sources run from src/cli, builds from dist/src/cli. */
const PLACES = ['../../package.json', '../../../package.json'];

export function policycVersion(): string {
  for (const place of PLACES) {
    const url = new URL(place, import.meta.url);
    if (!existsSync(url)) continue;
    const content: unknown = JSON.parse(readFileSync(url, 'utf8'));
    if (typeof content === 'object' && content !== null && 'version' in content) {
      return String(content.version);
    }
  }
  return bug('package.json is missing');
}
