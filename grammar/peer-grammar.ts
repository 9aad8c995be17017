/** The part of the grammar that names who and what: sets, ports, groups, peers and label conditions. */
import { CstParser } from './chevrotain.js';
import { expectations } from './expectations.js';
import * as t from './tokens.js';

const PORT = 'a port such as `443/tcp`';
const PEER = 'a peer: a group, `pods …`, `service …`, a CIDR block, or a well-known peer';
const DIRECTION = '`ingress` or `egress`';
const CONDITION = 'a condition such as `app == "web"`';

/** The part of chevrotain 11.2 that chooses where to go on after an error; it has no public type. */
interface Recovery {
  buildFullFollowKeyStack(): unknown[];
}
const recovery = CstParser.prototype as unknown as Recovery;

export abstract class PeerGrammar extends CstParser {
  constructor() {
    super(t.PARSER_TOKENS, {
      recoveryEnabled: true,
      nodeLocationTracking: 'onlyOffset',
      maxLookahead: 2,
      errorMessageProvider: expectations,
    });
  }

  /**
   * The rules that could go on, innermost first: chevrotain asks the outermost first, which takes
   * any token and would give up a whole block for a slip in one of its statements.
   */
  protected buildFullFollowKeyStack(): unknown[] {
    return recovery.buildFullFollowKeyStack.call(this).reverse();
  }

  readonly setStatement = this.RULE('setStatement', () => {
    this.CONSUME(t.SetWord);
    this.SUBRULE(this.name);
    this.CONSUME(t.Colon);
    this.CONSUME(t.Word, { LABEL: 'type' });
    this.CONSUME(t.Assign);
    this.OR({
      DEF: [{ ALT: () => this.CONSUME(t.Feed) }, { ALT: () => this.SUBRULE(this.setExpression) }],
      ERR_MSG: 'a list of CIDR blocks in brackets, or a set',
    });
  });

  readonly setExpression = this.RULE('setExpression', () => {
    this.SUBRULE(this.setOperand);
    this.OPTION(() => {
      this.CONSUME(t.Except);
      this.SUBRULE2(this.setOperand, { LABEL: 'except' });
    });
  });

  readonly setOperand = this.RULE('setOperand', () => {
    this.OR({
      DEF: [
        {
          ALT: () => {
            this.CONSUME(t.OpenList);
            this.OPTION(() => {
              this.SUBRULE(this.setItem);
              this.MANY(() => {
                this.CONSUME(t.Comma);
                this.SUBRULE2(this.setItem);
              });
              this.OPTION2(() => this.CONSUME2(t.Comma));
            });
            this.CONSUME(t.CloseList);
          },
        },
        { ALT: () => this.SUBRULE(this.name) },
      ],
      ERR_MSG: 'a list in brackets, or a set',
    });
  });

  readonly setItem = this.RULE('setItem', () => {
    this.OR({
      DEF: [{ ALT: () => this.CONSUME(t.Address) }, { ALT: () => this.SUBRULE(this.name) }],
      ERR_MSG: 'a CIDR block or a set',
    });
  });

  readonly portsStatement = this.RULE('portsStatement', () => {
    this.CONSUME(t.Ports);
    this.SUBRULE(this.name);
    this.CONSUME(t.Assign);
    this.SUBRULE(this.portList);
  });

  readonly portList = this.RULE('portList', () => {
    this.AT_LEAST_ONE_SEP({
      SEP: t.Comma,
      DEF: () => this.SUBRULE(this.portItem),
      ERR_MSG: PORT,
    });
  });

  readonly portItem = this.RULE('portItem', () => {
    this.OR({
      DEF: [
        {
          ALT: () => {
            this.CONSUME(t.NumberLiteral, { LABEL: 'first' });
            this.OPTION(() => {
              this.CONSUME(t.Dash);
              this.CONSUME2(t.NumberLiteral, { LABEL: 'last' });
            });
            this.SUBRULE(this.protocol);
          },
        },
        {
          ALT: () => {
            this.CONSUME(t.Any);
            this.SUBRULE2(this.protocol);
          },
        },
        {
          ALT: () => {
            this.CONSUME(t.Port);
            this.CONSUME(t.StringLiteral);
            this.SUBRULE3(this.protocol);
          },
        },
        {
          ALT: () => {
            this.CONSUME2(t.StringLiteral);
            this.OPTION2(() => this.SUBRULE4(this.protocol));
          },
        },
        { ALT: () => this.CONSUME(t.Name) },
      ],
      ERR_MSG: PORT,
    });
  });

  readonly protocol = this.RULE('protocol', () => {
    this.CONSUME(t.Slash);
    this.CONSUME(t.Word);
  });

  readonly portClause = this.RULE('portClause', () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Port);
          this.SUBRULE(this.portList);
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.Any);
          this.CONSUME2(t.Port);
        },
      },
    ]);
  });

  readonly groupStatement = this.RULE('groupStatement', () => {
    this.CONSUME(t.Group);
    this.SUBRULE(this.name);
    this.CONSUME(t.Assign);
    this.SUBRULE(this.peerList);
  });

  readonly peerList = this.RULE('peerList', () => {
    this.AT_LEAST_ONE_SEP({
      SEP: t.Comma,
      DEF: () => this.SUBRULE(this.peer),
      ERR_MSG: PEER,
    });
  });

  readonly peer = this.RULE('peer', () => {
    this.OR({
      DEF: [
        { ALT: () => this.CONSUME(t.Any, { LABEL: 'known' }) },
        { ALT: () => this.CONSUME(t.Outside, { LABEL: 'known' }) },
        { ALT: () => this.CONSUME(t.OwnNode, { LABEL: 'known' }) },
        { ALT: () => this.CONSUME(t.Dns, { LABEL: 'known' }) },
        { ALT: () => this.CONSUME(t.Apiserver, { LABEL: 'known' }) },
        { ALT: () => this.CONSUME(t.MetadataApi, { LABEL: 'known' }) },
        { ALT: () => this.SUBRULE(this.nodesPeer) },
        { ALT: () => this.SUBRULE(this.podsPeer) },
        { ALT: () => this.SUBRULE(this.servicePeer) },
        { ALT: () => this.CONSUME(t.Address) },
        { ALT: () => this.SUBRULE(this.reference) },
      ],
      ERR_MSG: PEER,
    });
  });

  readonly nodesPeer = this.RULE('nodesPeer', () => {
    this.CONSUME(t.Nodes);
    this.OPTION(() => this.SUBRULE(this.whereClause));
  });

  readonly podsPeer = this.RULE('podsPeer', () => {
    this.CONSUME(t.Pods);
    this.OPTION(() =>
      this.OR([
        {
          ALT: () => {
            this.CONSUME(t.In);
            this.SUBRULE(this.podScope);
          },
        },
        { ALT: () => this.SUBRULE(this.whereClause) },
      ]),
    );
  });

  readonly podScope = this.RULE('podScope', () => {
    this.OR({
      DEF: [
        {
          ALT: () => {
            this.CONSUME(t.Namespace);
            this.SUBRULE(this.anyName);
            this.OPTION(() => this.SUBRULE(this.whereClause));
          },
        },
        {
          ALT: () => {
            this.CONSUME(t.Any);
            this.CONSUME2(t.Namespace);
            this.OPTION2(() => this.SUBRULE2(this.whereClause));
          },
        },
        {
          ALT: () => {
            this.CONSUME(t.Namespaces);
            this.SUBRULE3(this.whereClause, { LABEL: 'namespacesWhere' });
            this.OPTION3(() => {
              this.CONSUME(t.Slash);
              this.CONSUME(t.Pods);
              this.OPTION4(() => this.SUBRULE4(this.whereClause));
            });
          },
        },
      ],
      ERR_MSG: '`namespace NAME`, `any namespace` or `namespaces where …`',
    });
  });

  readonly servicePeer = this.RULE('servicePeer', () => {
    this.CONSUME(t.Service);
    this.SUBRULE(this.anyName);
    this.CONSUME(t.Slash);
    this.SUBRULE2(this.anyName);
  });

  readonly reference = this.RULE('reference', () => {
    this.SUBRULE(this.name);
    this.OPTION(() => {
      this.CONSUME(t.Slash);
      this.SUBRULE(this.anyName);
    });
  });

  readonly whereClause = this.RULE('whereClause', () => {
    this.CONSUME(t.Where);
    this.SUBRULE(this.orExpression);
  });

  readonly orExpression = this.RULE('orExpression', () => {
    this.AT_LEAST_ONE_SEP({
      SEP: t.Or,
      DEF: () => this.SUBRULE(this.andExpression),
      ERR_MSG: CONDITION,
    });
  });

  readonly andExpression = this.RULE('andExpression', () => {
    this.AT_LEAST_ONE_SEP({
      SEP: t.And,
      DEF: () => this.SUBRULE(this.notExpression),
      ERR_MSG: CONDITION,
    });
  });

  readonly notExpression = this.RULE('notExpression', () => {
    this.MANY(() => this.CONSUME(t.Not));
    this.OR({
      DEF: [
        {
          ALT: () => {
            this.CONSUME(t.OpenParen);
            this.SUBRULE(this.orExpression);
            this.CONSUME(t.CloseParen);
          },
        },
        { ALT: () => this.SUBRULE(this.labelTest) },
      ],
      ERR_MSG: CONDITION,
    });
  });

  readonly labelTest = this.RULE('labelTest', () => {
    this.SUBRULE(this.labelKey);
    this.OR({
      DEF: [
        {
          ALT: () => {
            this.CONSUME(t.Equal);
            this.CONSUME(t.StringLiteral);
          },
        },
        {
          ALT: () => {
            this.CONSUME(t.NotEqual);
            this.CONSUME2(t.StringLiteral);
          },
        },
        {
          ALT: () => {
            this.OPTION(() => this.CONSUME(t.Not));
            this.CONSUME(t.In);
            this.SUBRULE(this.textList);
          },
        },
        { ALT: () => this.CONSUME(t.Exists) },
      ],
      ERR_MSG: '`==`, `!=`, `in`, `not in` or `exists`',
    });
  });

  readonly labelKey = this.RULE('labelKey', () => {
    this.OR({
      DEF: [
        { ALT: () => this.CONSUME(t.StringLiteral) },
        {
          ALT: () => {
            this.CONSUME(t.Word);
            this.OPTION(() => {
              this.CONSUME(t.Slash);
              this.CONSUME2(t.Word);
            });
          },
        },
      ],
      ERR_MSG: 'a label key',
    });
  });

  readonly textList = this.RULE('textList', () => {
    this.CONSUME(t.OpenList);
    this.CONSUME(t.StringLiteral);
    this.MANY(() => {
      this.CONSUME(t.Comma);
      this.CONSUME2(t.StringLiteral);
    });
    this.OPTION(() => this.CONSUME2(t.Comma));
    this.CONSUME(t.CloseList);
  });

  readonly directionList = this.RULE('directionList', () => {
    this.AT_LEAST_ONE_SEP({
      SEP: t.Comma,
      DEF: () => this.SUBRULE(this.direction),
      ERR_MSG: DIRECTION,
    });
  });

  readonly direction = this.RULE('direction', () => {
    this.OR({
      DEF: [{ ALT: () => this.CONSUME(t.Ingress) }, { ALT: () => this.CONSUME(t.Egress) }],
      ERR_MSG: DIRECTION,
    });
  });

  /** The name of a declaration. */
  readonly name = this.RULE('name', () => {
    this.OR({
      DEF: [
        { ALT: () => this.CONSUME(t.Name, { LABEL: 'word' }) },
        { ALT: () => this.CONSUME(t.StringLiteral, { LABEL: 'word' }) },
      ],
      ERR_MSG: 'a name',
    });
  });

  /** A name where no word of the language could stand. */
  readonly anyName = this.RULE('anyName', () => {
    this.OR({
      DEF: [
        { ALT: () => this.CONSUME(t.Word, { LABEL: 'word' }) },
        { ALT: () => this.CONSUME(t.StringLiteral, { LABEL: 'word' }) },
      ],
      ERR_MSG: 'a name',
    });
  });
}
