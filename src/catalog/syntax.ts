/** Diagnostics about the form of policy files: what cannot be read at all. */
import { entry } from './entry.js';

export const syntaxCatalog = {
  'syntax/unexpected': entry<{ expected: string; found: string; advice: string | undefined }>({
    severity: 'error',
    message: ({ expected, found }) => `expected ${expected}, found ${found}`,
    hint: ({ advice }) => advice,
    explanation:
      'The statement does not follow the grammar of the policy language (grammar/policy.ebnf). The ' +
      'rest of the file is read as if the statement were not there.',
  }),
  'syntax/unknown-statement': entry<{ found: string; place: string; advice: string | undefined }>({
    severity: 'error',
    message: ({ found, place }) => `${found} begins no statement ${place}`,
    hint: ({ advice }) => advice,
    explanation: 'Each kind of block has its own statements; docs/language.md lists them.',
  }),
  'syntax/repeated': entry<{ word: string }>({
    severity: 'error',
    message: ({ word }) => `\`${word}\` is written twice`,
    hint: () => 'keep one of them',
    explanation: 'A clause may stand once in a statement, so that it is clear which one holds.',
  }),
  'syntax/unknown-character': entry<{ text: string }>({
    severity: 'error',
    message: ({ text }) => `\`${text}\` means nothing in the policy language`,
    hint: () => 'remove it; texts and odd names are written in double quotes',
    explanation: 'The text holds a character that belongs to no word or sign of the language.',
  }),
  'syntax/unclosed-string': entry<Record<string, never>>({
    severity: 'error',
    message: () => 'the text is not closed on its line',
    hint: () => 'close it with `"`; a line break in a text is written `\\n`',
    explanation: 'A text begins and ends with a double quote on one line.',
  }),
  'syntax/single-quotes': entry<Record<string, never>>({
    severity: 'error',
    message: () => 'texts are written in double quotes',
    hint: () => 'replace the single quotes by `"`',
    explanation: 'There is one way to write a text: in double quotes.',
  }),
  'syntax/bad-escape': entry<{ escape: string }>({
    severity: 'error',
    message: ({ escape }) => `\`${escape}\` is no escape`,
    hint: () => 'escapes are `\\"`, `\\\\`, `\\n` and `\\t`',
    explanation: 'In a text a backslash escapes a quote, a backslash, a line break or a tab.',
  }),
  'syntax/foreign-comment': entry<Record<string, never>>({
    severity: 'error',
    message: () => 'comments begin with `#`',
    hint: () => 'write `# …`; each line of a comment has its own `#`',
    explanation: 'The policy language has line comments only, and they begin with `#`.',
  }),
  'syntax/unclosed-block': entry<Record<string, never>>({
    severity: 'error',
    message: () => 'the block that begins here is never closed',
    hint: () => 'add the missing `}`',
    explanation:
      'A `{` has no `}`. A word at the start of a line that can only stand outside of all blocks, ' +
      'such as `namespace` or `policy`, is taken as the end of the blocks before it.',
  }),
  'syntax/stray-close': entry<Record<string, never>>({
    severity: 'error',
    message: () => 'this `}` closes nothing',
    hint: () => 'remove it, or look for a missing `{` above',
    explanation: 'A `}` has no `{`.',
  }),
  'syntax/too-deep': entry<{ limit: number }>({
    severity: 'error',
    message: ({ limit }) => `brackets are nested more than ${limit} deep`,
    hint: () => 'write the condition flat, with groups of groups',
    explanation: 'Nesting is limited, so that reading a file cannot exhaust the stack.',
  }),
};
