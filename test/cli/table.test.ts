/** Tables for people. */
import { describe, expect, it } from 'vitest';
import { renderPairs, renderTable } from '../../src/cli/base/table.js';
import { plain } from '../../src/render/paint.js';

describe('renderTable', () => {
  it('aligns columns by their width on a terminal, without blanks at line ends', () => {
    const rows = [
      [{ text: '日本' }, { text: '7', align: 'right' as const }, { text: 'x' }],
      [{ text: 'abc' }, { text: '1234', align: 'right' as const }, { text: 'a\u001b[2J' }],
    ];
    expect(renderTable(['NAME', 'COUNT', 'NOTE'], rows, plain)).toBe(
      ['NAME  COUNT  NOTE', '日本      7  x', 'abc    1234  a␛[2J', ''].join('\n'),
    );
  });

  it('takes more rows than a call takes arguments', () => {
    const rows = Array.from({ length: 200_000 }, () => [{ text: 'a' }, { text: 'b' }]);
    expect(renderTable(['A', 'B'], rows, plain)).toHaveLength(200_001 * 'A  B\n'.length);
  });

  it('writes pairs', () => {
    const pairs = [
      ['a', '1'],
      ['long', '2'],
    ] as const;
    expect(renderPairs(pairs, plain)).toBe('a     1\nlong  2\n');
  });
});
