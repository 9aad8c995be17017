/** Text in Markdown: what users wrote must not become markup. */

export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]<>#|~@!]/g, (one) => `\\${one}`).replace(/\s+/g, ' ');
}

export function codeMarkdown(text: string): string {
  return `\`${text.replace(/[`\s]+/g, ' ')}\``;
}

/** A table; empty where there are no rows. Columns whose title begins with a space hold numbers. */
export function tableMarkdown(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  if (rows.length === 0) return '';
  return [
    `| ${head.map((title) => escapeMarkdown(title.trim())).join(' | ')} |\n`,
    `|${head.map((title) => (title.startsWith(' ') ? ' ---: |' : ' --- |')).join('')}\n`,
    ...rows.map((row) => `| ${row.map(escapeMarkdown).join(' | ')} |\n`),
  ].join('');
}
