/** docs/cli.md says what the command definitions say. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { commandGroups } from '../../src/cli/base/command-table.js';
import { commandReference } from '../../src/cli/base/reference.js';

it('docs/cli.md is up to date', async () => {
  const path = fileURLToPath(new URL('../../docs/cli.md', import.meta.url));
  await expect(commandReference(commandGroups)).toMatchFileSnapshot(path);
});
