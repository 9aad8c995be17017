/** Commands about policyc itself. */
import type { CommandGroup } from '../base/spec.js';
import { BUG_EXIT, COLOR, DONE_EXIT, INPUT_EXIT } from './shared.js';

export const otherCommands: CommandGroup = {
  title: 'help',
  commands: [
    {
      name: 'help',
      summary: 'explain a command, or what a diagnostic means',
      purpose: [
        "Explains a diagnostic by its code, such as the `k8s/bad-cidr` in `error[k8s/bad-cidr]`: why it is reported and what to do. A command as the topic shows that command's help, `codes` lists all codes.",
      ],
      operands: [
        {
          name: 'TOPIC',
          description: 'a command, the code of a diagnostic, or codes',
          many: false,
          optional: true,
        },
      ],
      options: [COLOR],
      examples: [
        { command: 'policyc help source/not-found', does: 'what a diagnostic means' },
        { command: 'policyc help codes', does: 'all that policyc can report' },
      ],
      exits: [DONE_EXIT, INPUT_EXIT, BUG_EXIT],
      load: () => import('../help.js'),
    },
    {
      name: 'completion',
      summary: 'print a completion script for a shell',
      purpose: ['Prints a script that completes commands, options and their values.'],
      operands: [
        {
          name: 'SHELL',
          description: 'one of bash, zsh, fish',
          many: false,
          choices: ['bash', 'zsh', 'fish'],
        },
      ],
      options: [COLOR],
      examples: [
        { command: 'source <(policyc completion bash)', does: 'for this bash' },
        {
          command: 'policyc completion zsh > "${fpath[1]}/_policyc"',
          does: 'for every zsh from now on',
        },
        {
          command: 'policyc completion fish > ~/.config/fish/completions/policyc.fish',
          does: 'for every fish from now on',
        },
      ],
      exits: [DONE_EXIT, INPUT_EXIT, BUG_EXIT],
      load: () => import('../base/completion.js'),
    },
  ],
};
