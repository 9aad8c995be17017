/** What the grammar expected, in words: chevrotain's error messages, as a value in JSON. */
import type { IParserErrorMessageProvider, TokenType } from 'chevrotain';

/** `words` is for people; `keywords` are the words of the language that could have stood there. */
export interface Expectation {
  readonly words: string;
  readonly keywords: readonly string[];
}

/** Chevrotain lets a provider return a text only, so the expectation travels as JSON. */
function encode(words: string, types: readonly TokenType[]): string {
  const keywords = types.filter((type) => typeof type.PATTERN === 'string').map(patternOf);
  const expectation: Expectation = { words, keywords: [...new Set(keywords)] };
  return JSON.stringify(expectation);
}

export function decodeExpectation(message: string): Expectation {
  return JSON.parse(message) as Expectation;
}

function patternOf(type: TokenType): string {
  return typeof type.PATTERN === 'string' ? type.PATTERN : '';
}

function labelOf(type: TokenType): string {
  return type.LABEL ?? type.name;
}

function firstTypes(paths: readonly (readonly TokenType[])[]): TokenType[] {
  return paths.flatMap((path) => path.slice(0, 1));
}

export const expectations: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => encode(labelOf(expected), [expected]),
  buildNotAllInputParsedMessage: () => encode('the end of the file', []),
  buildNoViableAltMessage: ({ expectedPathsPerAlt, customUserDescription }) => {
    const types = firstTypes(expectedPathsPerAlt.flat());
    return encode(customUserDescription ?? listed(types.map(labelOf)), types);
  },
  buildEarlyExitMessage: ({ expectedIterationPaths, customUserDescription }) => {
    const types = firstTypes(expectedIterationPaths);
    return encode(customUserDescription ?? listed(types.map(labelOf)), types);
  },
};

/** `a`, `a or b`, `a, b or c`. */
function listed(words: readonly string[]): string {
  const unique = [...new Set(words)];
  const last = unique.at(-1) ?? '';
  return unique.length < 2 ? last : `${unique.slice(0, -1).join(', ')} or ${last}`;
}
