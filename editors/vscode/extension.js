/** The VS Code extension: starts `policyc lsp` for policy files and for manifests. */
const { workspace } = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

/** @type {LanguageClient | undefined} */
let client;

/** What the settings say, for the start and for later changes. */
function settings() {
  const config = workspace.getConfiguration('policyc');
  return { policies: config.get('policies', []), cluster: config.get('cluster', []) };
}

async function start() {
  const command = workspace.getConfiguration('policyc').get('path', 'policyc');
  client = new LanguageClient(
    'policyc',
    'policyc',
    { command, args: ['lsp'] },
    {
      documentSelector: [
        { language: 'pol' },
        { scheme: 'file', language: 'yaml' },
        { scheme: 'file', language: 'json' },
      ],
      initializationOptions: settings(),
      synchronize: { configurationSection: 'policyc' },
    },
  );
  await client.start();
}

async function activate(context) {
  context.subscriptions.push(
    workspace.onDidChangeConfiguration(async (event) => {
      if (!event.affectsConfiguration('policyc.path')) return;
      await client?.stop();
      await start();
    }),
  );
  await start();
}

function deactivate() {
  return client?.stop();
}

module.exports = { activate, deactivate };
