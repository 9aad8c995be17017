/** The part of the grammar that states what must hold: `assert` and `test`. */
import { PeerGrammar } from './peer-grammar.js';
import * as t from './tokens.js';

export abstract class CheckGrammar extends PeerGrammar {
  readonly assertStatement = this.RULE('assertStatement', () => {
    this.CONSUME(t.Assert);
    this.OR({
      DEF: [
        { ALT: () => this.SUBRULE(this.onlyClaim) },
        { ALT: () => this.SUBRULE(this.edgeClaim) },
        { ALT: () => this.SUBRULE(this.isolatedClaim) },
        { ALT: () => this.SUBRULE(this.mapsClaim) },
      ],
      ERR_MSG: '`reach some`, `reach all`, `only`, `never`, `isolated` or `maps`',
    });
  });

  readonly onlyClaim = this.RULE('onlyClaim', () => {
    this.CONSUME(t.Only);
    this.SUBRULE(this.peerList, { LABEL: 'fromPeers' });
    this.CONSUME(t.Reach);
    this.SUBRULE2(this.peerList, { LABEL: 'toPeers' });
    this.OPTION({ MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.portClause) });
  });

  readonly edgeClaim = this.RULE('edgeClaim', () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Never) },
      {
        ALT: () => {
          this.CONSUME(t.Reach);
          this.OR2({
            DEF: [{ ALT: () => this.CONSUME(t.Some) }, { ALT: () => this.CONSUME(t.All) }],
            ERR_MSG: '`some` or `all`',
          });
        },
      },
    ]);
    this.SUBRULE(this.peerList, { LABEL: 'fromPeers' });
    this.CONSUME(t.Arrow);
    this.SUBRULE2(this.peerList, { LABEL: 'toPeers' });
    this.OPTION({ MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.portClause) });
  });

  readonly isolatedClaim = this.RULE('isolatedClaim', () => {
    this.CONSUME(t.Isolated);
    this.SUBRULE(this.peerList);
    this.OPTION(() => this.SUBRULE(this.directionList));
  });

  readonly mapsClaim = this.RULE('mapsClaim', () => {
    this.CONSUME(t.Maps);
    this.CONSUME(t.AtMost);
    this.CONSUME(t.NumberLiteral);
    this.CONSUME(t.Word, { LABEL: 'unit' });
  });

  readonly testBlock = this.RULE('testBlock', () => {
    this.CONSUME(t.Test);
    this.SUBRULE(this.anyName);
    this.MANY(() => this.CONSUME(t.AnyInHeader, { LABEL: 'extra' }));
    this.CONSUME(t.OpenBlock);
    this.MANY2(() => this.SUBRULE(this.testItem));
    this.CONSUME(t.CloseTop);
  });

  readonly testItem = this.RULE('testItem', () => {
    this.OPTION({ MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.testStatement) });
    this.MANY(() => this.CONSUME(t.AnyInBlock, { LABEL: 'extra' }));
    this.CONSUME(t.EndInBlock);
  });

  readonly testStatement = this.RULE('testStatement', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.givenStatement) },
      {
        ALT: () => {
          this.CONSUME(t.When);
          this.SUBRULE(this.testFlow);
        },
      },
      { ALT: () => this.SUBRULE(this.expectStatement) },
    ]);
  });

  readonly givenStatement = this.RULE('givenStatement', () => {
    this.CONSUME(t.Given);
    this.CONSUME(t.Pod);
    this.SUBRULE(this.anyName, { LABEL: 'pod' });
    this.CONSUME(t.In);
    this.CONSUME(t.Namespace);
    this.SUBRULE2(this.anyName, { LABEL: 'namespace' });
    this.OPTION(() => {
      this.CONSUME(t.With);
      this.AT_LEAST_ONE_SEP({ SEP: t.And, DEF: () => this.SUBRULE(this.labelPair) });
    });
  });

  readonly labelPair = this.RULE('labelPair', () => {
    this.SUBRULE(this.labelKey);
    this.CONSUME(t.Equal);
    this.CONSUME(t.StringLiteral);
  });

  readonly expectStatement = this.RULE('expectStatement', () => {
    this.CONSUME(t.Expect);
    this.OR({
      DEF: [
        { ALT: () => this.CONSUME(t.Allow, { LABEL: 'verdict' }) },
        { ALT: () => this.CONSUME(t.Deny, { LABEL: 'verdict' }) },
      ],
      ERR_MSG: '`allow` or `deny`',
    });
    this.OPTION(() => {
      this.CONSUME(t.By);
      this.SUBRULE(this.decider);
    });
    this.OPTION2(() => {
      this.CONSUME(t.OpenBlock);
      this.MANY(() => this.SUBRULE(this.testFlowItem));
      this.CONSUME(t.CloseInBlock);
    });
  });

  readonly decider = this.RULE('decider', () => {
    this.OR({
      DEF: [{ ALT: () => this.CONSUME(t.Isolate) }, { ALT: () => this.SUBRULE(this.reference) }],
      ERR_MSG: '`isolate`, or the name of a policy or a rule',
    });
  });

  readonly testFlowItem = this.RULE('testFlowItem', () => {
    this.OPTION({ MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.testFlow) });
    this.MANY(() => this.CONSUME(t.AnyInRules, { LABEL: 'extra' }));
    this.CONSUME(t.EndInRules);
  });

  readonly testFlow = this.RULE('testFlow', () => {
    this.SUBRULE(this.testEnd);
    this.CONSUME(t.Arrow);
    this.SUBRULE2(this.testEnd);
    this.OR({
      DEF: [
        {
          ALT: () => {
            this.CONSUME(t.Port);
            this.SUBRULE(this.portItem);
          },
        },
        { ALT: () => this.CONSUME(t.Icmp) },
        { ALT: () => this.CONSUME(t.Icmpv6) },
      ],
      ERR_MSG: '`port NUMBER/PROTOCOL`, `icmp` or `icmpv6`',
    });
  });

  readonly testEnd = this.RULE('testEnd', () => {
    this.OR({
      DEF: [
        { ALT: () => this.CONSUME(t.Address) },
        { ALT: () => this.SUBRULE(this.servicePeer) },
        { ALT: () => this.SUBRULE(this.reference) },
      ],
      ERR_MSG: 'a pod, `service NAMESPACE/NAME` or an address',
    });
  });
}
