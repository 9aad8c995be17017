/** The grammar of the policy language, as chevrotain rules; `policy.ebnf` is generated from them. */
import type { CstNode, IToken } from 'chevrotain';
import { CheckGrammar } from './check-grammar.js';
import * as t from './tokens.js';

/**
 * Every statement stands in an `…Item`: the statement, then whatever is left of it when the grammar
 * does not know how to go on (`extra`), then its end. So an error stays in its own statement, all
 * of a file's errors are found in one pass, and no token is ever left over.
 */
export class PolicyGrammar extends CheckGrammar {
  constructor() {
    super();
    this.performSelfAnalysis();
  }

  readonly file = this.RULE('file', () => {
    this.MANY(() => this.SUBRULE(this.topItem));
  });

  readonly topItem = this.RULE('topItem', () => {
    this.OPTION({ MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.topStatement) });
    this.MANY(() => this.CONSUME(t.AnyTop, { LABEL: 'extra' }));
    this.CONSUME(t.EndTop);
  });

  readonly topStatement = this.RULE('topStatement', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.useStatement) },
      { ALT: () => this.SUBRULE(this.setStatement) },
      { ALT: () => this.SUBRULE(this.portsStatement) },
      { ALT: () => this.SUBRULE(this.groupStatement) },
      { ALT: () => this.SUBRULE(this.namespaceBlock) },
      { ALT: () => this.SUBRULE(this.tierStatement) },
      { ALT: () => this.SUBRULE(this.policyBlock) },
      { ALT: () => this.SUBRULE(this.exceptionBlock) },
      { ALT: () => this.SUBRULE(this.assertStatement) },
      { ALT: () => this.SUBRULE(this.testBlock) },
      { ALT: () => this.SUBRULE(this.unbuiltStatement) },
    ]);
  });

  readonly useStatement = this.RULE('useStatement', () => {
    this.CONSUME(t.Use);
    this.CONSUME(t.StringLiteral);
  });

  readonly namespaceBlock = this.RULE('namespaceBlock', () => {
    this.CONSUME(t.Namespace);
    this.SUBRULE(this.anyName);
    this.MANY(() => this.CONSUME(t.AnyInHeader, { LABEL: 'extra' }));
    this.CONSUME(t.OpenBlock);
    this.MANY2(() => this.SUBRULE(this.namespaceItem));
    this.CONSUME(t.CloseTop);
  });

  readonly namespaceItem = this.RULE('namespaceItem', () => {
    this.OPTION({ MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.namespaceStatement) });
    this.MANY(() => this.CONSUME(t.AnyInBlock, { LABEL: 'extra' }));
    this.CONSUME(t.EndInBlock);
  });

  readonly namespaceStatement = this.RULE('namespaceStatement', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.setStatement) },
      { ALT: () => this.SUBRULE(this.portsStatement) },
      { ALT: () => this.SUBRULE(this.groupStatement) },
      { ALT: () => this.SUBRULE(this.noteStatement) },
      { ALT: () => this.SUBRULE(this.isolateStatement) },
      { ALT: () => this.SUBRULE(this.allowStatement) },
      { ALT: () => this.SUBRULE(this.flowStatement) },
      { ALT: () => this.SUBRULE(this.assertStatement) },
      { ALT: () => this.SUBRULE(this.unbuiltStatement) },
    ]);
  });

  readonly noteStatement = this.RULE('noteStatement', () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Owner, { LABEL: 'word' }) },
      { ALT: () => this.CONSUME(t.Contact, { LABEL: 'word' }) },
    ]);
    this.CONSUME(t.StringLiteral);
  });

  readonly isolateStatement = this.RULE('isolateStatement', () => {
    this.CONSUME(t.Isolate);
    this.SUBRULE(this.directionList);
    this.OPTION(() => {
      this.CONSUME(t.For);
      this.SUBRULE(this.peerList);
    });
    this.SUBRULE(this.clauses);
  });

  readonly allowStatement = this.RULE('allowStatement', () => {
    this.CONSUME(t.Allow);
    this.SUBRULE(this.direction);
    this.SUBRULE(this.ruleTail);
  });

  readonly flowStatement = this.RULE('flowStatement', () => {
    this.CONSUME(t.Flow);
    this.SUBRULE(this.peerList, { LABEL: 'fromPeers' });
    this.CONSUME(t.Arrow);
    this.SUBRULE2(this.peerList, { LABEL: 'toPeers' });
    this.OPTION({ MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.portClause) });
    this.SUBRULE(this.clauses);
  });

  /** What follows the action of a rule, whatever block it stands in. */
  readonly ruleTail = this.RULE('ruleTail', () => {
    this.AT_LEAST_ONE({
      DEF: () => {
        this.OR([
          {
            ALT: () => {
              this.CONSUME(t.From);
              this.SUBRULE(this.peerList, { LABEL: 'fromPeers' });
            },
          },
          {
            ALT: () => {
              this.CONSUME(t.To);
              this.SUBRULE2(this.peerList, { LABEL: 'toPeers' });
            },
          },
        ]);
      },
      ERR_MSG: '`from` or `to`',
    });
    this.OPTION({ MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.portClause) });
    this.SUBRULE(this.clauses);
  });

  readonly clauses = this.RULE('clauses', () => {
    this.MANY(() => this.SUBRULE(this.clause));
  });

  readonly clause = this.RULE('clause', () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Log, { LABEL: 'word' }) },
      { ALT: () => this.CONSUME(t.Reject, { LABEL: 'word' }) },
      {
        ALT: () => {
          this.CONSUME(t.Reason, { LABEL: 'word' });
          this.CONSUME(t.StringLiteral);
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.Ticket, { LABEL: 'word' });
          this.CONSUME2(t.StringLiteral);
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.NameWord, { LABEL: 'word' });
          this.SUBRULE(this.anyName);
        },
      },
    ]);
  });

  readonly tierStatement = this.RULE('tierStatement', () => {
    this.CONSUME(t.Tier);
    this.SUBRULE(this.name);
    this.CONSUME(t.Order);
    this.CONSUME(t.NumberLiteral);
  });

  readonly policyBlock = this.RULE('policyBlock', () => {
    this.CONSUME(t.Policy);
    this.SUBRULE(this.name);
    this.MANY({ MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.policyHeader) });
    this.MANY2(() => this.CONSUME(t.AnyInHeader, { LABEL: 'extra' }));
    this.CONSUME(t.OpenBlock);
    this.MANY3(() => this.SUBRULE(this.policyItem));
    this.CONSUME(t.CloseTop);
  });

  readonly policyHeader = this.RULE('policyHeader', () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Tier, { LABEL: 'word' });
          this.SUBRULE(this.name);
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.Priority, { LABEL: 'word' });
          this.CONSUME(t.NumberLiteral);
        },
      },
      { ALT: () => this.SUBRULE(this.noteStatement) },
    ]);
  });

  readonly policyItem = this.RULE('policyItem', () => {
    this.OPTION({ MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.policyStatement) });
    this.MANY(() => this.CONSUME(t.AnyInBlock, { LABEL: 'extra' }));
    this.CONSUME(t.EndInBlock);
  });

  readonly policyStatement = this.RULE('policyStatement', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.noteStatement) },
      {
        ALT: () => {
          this.CONSUME(t.Subject);
          this.SUBRULE(this.peerList);
        },
      },
      { ALT: () => this.SUBRULE(this.ruleBlock) },
    ]);
  });

  readonly ruleBlock = this.RULE('ruleBlock', () => {
    this.SUBRULE(this.direction);
    this.MANY(() => this.CONSUME(t.AnyInHeader, { LABEL: 'extra' }));
    this.CONSUME(t.OpenBlock);
    this.MANY2(() => this.SUBRULE(this.ruleItem));
    this.CONSUME(t.CloseInBlock);
  });

  readonly ruleItem = this.RULE('ruleItem', () => {
    this.OPTION({ MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.ruleStatement) });
    this.MANY(() => this.CONSUME(t.AnyInRules, { LABEL: 'extra' }));
    this.CONSUME(t.EndInRules);
  });

  readonly ruleStatement = this.RULE('ruleStatement', () => {
    this.SUBRULE(this.action);
    this.SUBRULE(this.ruleTail);
  });

  readonly action = this.RULE('action', () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Allow, { LABEL: 'word' }) },
      { ALT: () => this.CONSUME(t.Deny, { LABEL: 'word' }) },
      { ALT: () => this.CONSUME(t.Pass, { LABEL: 'word' }) },
    ]);
  });

  readonly exceptionBlock = this.RULE('exceptionBlock', () => {
    this.CONSUME(t.Exception);
    this.SUBRULE(this.name);
    this.CONSUME(t.To);
    this.SUBRULE2(this.name, { LABEL: 'policy' });
    this.MANY(() => this.CONSUME(t.AnyInHeader, { LABEL: 'extra' }));
    this.CONSUME(t.OpenBlock);
    this.MANY2(() => this.SUBRULE(this.exceptionItem));
    this.CONSUME(t.CloseTop);
  });

  readonly exceptionItem = this.RULE('exceptionItem', () => {
    this.OPTION({ MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.exceptionStatement) });
    this.MANY(() => this.CONSUME(t.AnyInBlock, { LABEL: 'extra' }));
    this.CONSUME(t.EndInBlock);
  });

  readonly exceptionStatement = this.RULE('exceptionStatement', () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Reason, { LABEL: 'word' });
          this.CONSUME(t.StringLiteral);
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.Ticket, { LABEL: 'word' });
          this.CONSUME2(t.StringLiteral);
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.Approved, { LABEL: 'word' });
          this.AT_LEAST_ONE_SEP({
            SEP: t.Comma,
            DEF: () => this.CONSUME3(t.StringLiteral),
            ERR_MSG: 'a text in double quotes',
          });
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.Until, { LABEL: 'word' });
          this.CONSUME(t.Time);
        },
      },
      {
        ALT: () => {
          this.SUBRULE(this.action);
          this.SUBRULE(this.direction);
          this.SUBRULE(this.ruleTail);
        },
      },
    ]);
  });

  readonly unbuiltStatement = this.RULE('unbuiltStatement', () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Limit, { LABEL: 'word' }) },
      { ALT: () => this.CONSUME(t.Route, { LABEL: 'word' }) },
      { ALT: () => this.CONSUME(t.Observe, { LABEL: 'word' }) },
      { ALT: () => this.CONSUME(t.RuleWord, { LABEL: 'word' }) },
      { ALT: () => this.CONSUME(t.Trace, { LABEL: 'word' }) },
    ]);
  });

  /** Tokens are never made up: one error a statement is enough, and it stays where it was made. */
  override canTokenTypeBeInsertedInRecovery(): boolean {
    return false;
  }

  override canTokenTypeBeDeletedInRecovery(): boolean {
    return false;
  }
}

/**
 * Runs the grammar over one statement that stands outside of all blocks, with its end, as the
 * structure pass has prepared it.
 */
export function parseStatement(parser: PolicyGrammar, tokens: IToken[]): CstNode {
  parser.input = tokens;
  return parser.topItem();
}
