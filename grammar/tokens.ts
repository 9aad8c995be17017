/** The words and signs of the policy language, as chevrotain token types. */
import type { TokenType } from 'chevrotain';
import { createToken, Lexer } from './chevrotain.js';

/**
 * Categories for error productions: what may stand where the grammar has given up on a statement.
 * Each holds every token but the ones that end the statement at its depth of blocks, so that a slip
 * never leaves its own statement.
 */
export const AnyTop = createToken({ name: 'AnyTop', pattern: Lexer.NA });
export const AnyInBlock = createToken({ name: 'AnyInBlock', pattern: Lexer.NA });
export const AnyInRules = createToken({ name: 'AnyInRules', pattern: Lexer.NA });
export const AnyInHeader = createToken({ name: 'AnyInHeader', pattern: Lexer.NA });

const anyBody = [AnyTop, AnyInBlock, AnyInRules];
const any = [...anyBody, AnyInHeader];

/** Any word, where the place alone makes clear that it is a name: label keys, namespaces. */
export const Word = createToken({ name: 'Word', label: 'a name', pattern: Lexer.NA });
/** Words that may name a group, a set or another declaration. */
export const Name = createToken({ name: 'Name', label: 'a name', pattern: Lexer.NA });

export const StringLiteral = createToken({
  name: 'StringLiteral',
  label: 'a text in double quotes',
  pattern: /"(?:[^"\\\r\n]|\\[^\r\n])*"/,
  categories: any,
});
/** Recognized to be reported once and well; stands for a string everywhere. */
export const UnclosedString = createToken({
  name: 'UnclosedString',
  pattern: /"(?:[^"\\\r\n]|\\[^\r\n])*\\?/,
  categories: [StringLiteral, ...any],
});
export const SingleQuoted = createToken({
  name: 'SingleQuoted',
  pattern: /'[^'\r\n]*'?/,
  categories: [StringLiteral, ...any],
});

export const Comment = createToken({ name: 'Comment', pattern: /#[^\r\n]*/ });
export const ForeignComment = createToken({
  name: 'ForeignComment',
  pattern: /\/\/[^\r\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/)?/,
  line_breaks: true,
});
export const Blank = createToken({
  name: 'Blank',
  pattern: /[ \t\f\u00a0\ufeff]+/,
  group: Lexer.SKIPPED,
});
export const Newline = createToken({ name: 'Newline', pattern: /\r\n|\n|\r/, line_breaks: true });

/** What looks like a time, so that a wrong one is reported as one. */
export const Time = createToken({
  name: 'Time',
  label: 'a time such as `2026-12-31T18:00Z`',
  pattern: /[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[0-9A-Za-z:.+-]*/,
  categories: any,
});
/** What looks like an address or a CIDR block; whether it is one is checked later. */
export const Address = createToken({
  name: 'Address',
  label: 'a CIDR block',
  pattern: /(?:[0-9]+(?:\.[0-9]+)+|[0-9A-Fa-f]{0,5}:[0-9A-Fa-f]{0,5}:[0-9A-Fa-f:.]*)(?:\/[0-9]+)?/,
  categories: any,
});
export const NumberLiteral = createToken({
  name: 'NumberLiteral',
  label: 'a number',
  pattern: /[0-9]+/,
  categories: any,
});
export const Identifier = createToken({
  name: 'Identifier',
  label: 'a name',
  pattern: /[A-Za-z_][A-Za-z0-9_]*(?:[.-]+[A-Za-z0-9_]+)*/,
  categories: [Word, Name, ...any],
});

function sign(name: string, text: string): TokenType {
  return createToken({ name, label: `\`${text}\``, pattern: text, categories: any });
}

export const Arrow = sign('Arrow', '->');
export const Equal = sign('Equal', '==');
export const NotEqual = sign('NotEqual', '!=');
export const AtMost = sign('AtMost', '<=');
export const Assign = sign('Assign', '=');
export const Colon = sign('Colon', ':');
export const Comma = sign('Comma', ',');
export const Slash = sign('Slash', '/');
export const Dash = sign('Dash', '-');
export const OpenList = sign('OpenList', '[');
export const CloseList = sign('CloseList', ']');
export const OpenParen = sign('OpenParen', '(');
export const CloseParen = sign('CloseParen', ')');
/** Signs of the kinds of policy that this version does not build. */
export const OtherSign = createToken({
  name: 'OtherSign',
  pattern: />=|[<>%*+.&|!?@$^~]/,
  categories: any,
});

export const Semicolon = createToken({ name: 'Semicolon', pattern: ';' });
export const OpenBlock = createToken({
  name: 'OpenBlock',
  label: '`{`',
  pattern: '{',
  categories: anyBody,
});
export const CloseBlock = createToken({ name: 'CloseBlock', pattern: '}' });

/**
 * Ends of statements and blocks, by the number of blocks around the statement. The lexer knows one
 * `;` and one `}`; the structure pass tells them apart, so that recovery cannot leave a block.
 */
function statementEnd(name: string, categories: TokenType[]): TokenType {
  return createToken({ name, label: 'the end of the statement', pattern: Lexer.NA, categories });
}
function blockEnd(name: string, categories: TokenType[]): TokenType {
  return createToken({ name, label: '`}`', pattern: Lexer.NA, categories });
}
export const EndTop = statementEnd('EndTop', []);
export const EndInBlock = statementEnd('EndInBlock', [AnyTop]);
export const EndInRules = statementEnd('EndInRules', [AnyTop, AnyInBlock]);
export const EndDeep = statementEnd('EndDeep', anyBody);
export const CloseTop = blockEnd('CloseTop', [AnyTop]);
export const CloseInBlock = blockEnd('CloseInBlock', [AnyTop, AnyInBlock]);
export const CloseDeep = blockEnd('CloseDeep', anyBody);

export const STATEMENT_ENDS: readonly TokenType[] = [EndTop, EndInBlock, EndInRules];
export const BLOCK_ENDS: readonly TokenType[] = [CloseTop, CloseInBlock];

const keywords = new Map<string, TokenType>();

/** A word with a meaning of its own everywhere; as a name it is written in quotes. */
function reserved(word: string): TokenType {
  return keyword(word, word === 'not' ? any : [Word, ...any]);
}

/** A word with a meaning only where a statement or a clause begins; it may be a name as well. */
function soft(word: string): TokenType {
  return keyword(word, [Word, Name, ...any]);
}

function keyword(word: string, categories: TokenType[]): TokenType {
  const name = `Word_${word.replace(/-/g, '_')}`;
  const type = createToken({ name, label: `\`${word}\``, pattern: word, categories });
  keywords.set(word, type);
  return type;
}

export const Use = soft('use');
export const SetWord = soft('set');
export const Ports = soft('ports');
export const Group = soft('group');
export const Namespace = reserved('namespace');
export const Tier = soft('tier');
export const Policy = soft('policy');
export const Exception = soft('exception');
export const Assert = soft('assert');
export const Test = soft('test');
export const Limit = soft('limit');
export const Route = soft('route');
export const Observe = soft('observe');
export const RuleWord = soft('rule');
export const Trace = soft('trace');
export const Feed = reserved('feed');
export const Owner = soft('owner');
export const Contact = soft('contact');
export const Isolate = reserved('isolate');
export const Flow = soft('flow');
export const Allow = reserved('allow');
export const Deny = reserved('deny');
export const Pass = reserved('pass');
export const Ingress = reserved('ingress');
export const Egress = reserved('egress');
export const From = reserved('from');
export const To = reserved('to');
export const For = reserved('for');
export const Port = reserved('port');
export const Any = reserved('any');
export const Log = reserved('log');
export const Reject = reserved('reject');
export const Reason = soft('reason');
export const Ticket = soft('ticket');
export const NameWord = soft('name');
export const Order = soft('order');
export const Priority = soft('priority');
export const Subject = soft('subject');
export const Approved = soft('approved');
export const Until = soft('until');
export const Dns = reserved('dns');
export const Apiserver = reserved('apiserver');
export const OwnNode = reserved('own-node');
export const Nodes = reserved('nodes');
export const MetadataApi = reserved('metadata-api');
export const Outside = reserved('outside');
export const Pods = reserved('pods');
export const Service = reserved('service');
export const Where = reserved('where');
export const And = reserved('and');
export const Or = reserved('or');
export const Not = reserved('not');
export const In = reserved('in');
export const Exists = reserved('exists');
export const Namespaces = reserved('namespaces');
export const Except = reserved('except');
export const Only = soft('only');
export const Never = soft('never');
export const Reach = reserved('reach');
export const Some = soft('some');
export const All = soft('all');
export const Isolated = soft('isolated');
export const Maps = soft('maps');
export const Given = soft('given');
export const Pod = soft('pod');
export const When = soft('when');
export const Expect = soft('expect');
export const With = reserved('with');
export const By = reserved('by');
export const Icmp = reserved('icmp');
export const Icmpv6 = reserved('icmpv6');

/** The token type of each word of the language; identifiers are looked up here after lexing. */
export const KEYWORDS: ReadonlyMap<string, TokenType> = keywords;

/** In the order in which the lexer tries them. */
export const LEXER_TOKENS: TokenType[] = [
  Blank,
  Newline,
  Comment,
  ForeignComment,
  StringLiteral,
  UnclosedString,
  SingleQuoted,
  Time,
  Address,
  NumberLiteral,
  Identifier,
  Arrow,
  Equal,
  NotEqual,
  AtMost,
  OtherSign,
  Assign,
  Colon,
  Comma,
  Slash,
  Dash,
  OpenList,
  CloseList,
  OpenParen,
  CloseParen,
  OpenBlock,
  CloseBlock,
  Semicolon,
];

/** What the parser may meet. */
export const PARSER_TOKENS: TokenType[] = [
  AnyTop,
  AnyInBlock,
  AnyInRules,
  AnyInHeader,
  Word,
  Name,
  ...LEXER_TOKENS,
  ...keywords.values(),
  EndTop,
  EndInBlock,
  EndInRules,
  EndDeep,
  CloseTop,
  CloseInBlock,
  CloseDeep,
];
