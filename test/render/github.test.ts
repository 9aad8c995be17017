/** Diagnostics as annotations of GitHub. */
import { expect, it } from 'vitest';
import { diagnostic } from '../../src/diagnostics.js';
import { renderGithub } from '../../src/render/github.js';
import { SourceFile, span } from '../../src/source.js';

it('writes one command for each diagnostic, with its place', () => {
  const file = new SourceFile('a,b:c/p.yaml', 'one: 1\ntwo: 2%\n');
  const at = diagnostic(
    'config/unknown-key',
    { key: 'two', where: 'x', known: ['too'] },
    span(file, 7, 10),
  );
  const none = diagnostic('cli/no-policies', { paths: ['p\r\nq'] });
  expect(renderGithub([at, none])).toBe(
    '::error title=policyc config/unknown-key,file=a%2Cb%3Ac/p.yaml,line=2,endLine=2,col=1,endColumn=4' +
      '::unknown key `two` in x%0Adid you mean `too`?\n' +
      '::warning title=policyc cli/no-policies::no policy is in `p%0D%0Aq`' +
      '%0Awithout policies every connection is allowed; check the paths\n',
  );
});

it('gives no columns where a span has several lines', () => {
  const file = new SourceFile('p.yaml', 'one: 1\ntwo: 2\n');
  const at = diagnostic('cli/no-policies', { paths: [] }, span(file, 0, 10));
  expect(renderGithub([at])).toMatch(
    /^::warning title=policyc cli\/no-policies,file=p\.yaml,line=1,endLine=2::/,
  );
});
