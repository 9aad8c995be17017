/** The diagnostic catalog: every message that policyc can report, keyed `stage/slug`. */
import { assertCatalog } from './assert.js';
import { bindCatalog } from './bind.js';
import { bundleCatalog } from './bundle.js';
import { checkCatalog } from './check.js';
import { cliCatalog } from './cli.js';
import { clusterApiCatalog } from './cluster-api.js';
import { clusterCatalog } from './cluster.js';
import { configCatalog } from './config.js';
import { deployCatalog } from './deploy.js';
import { diffCatalog } from './diff.js';
import { eventsCatalog } from './events.js';
import { explainCatalog } from './explain.js';
import { flowsCatalog } from './flows.js';
import { k8sCatalog } from './k8s.js';
import { kernelCatalog } from './kernel.js';
import { linkCatalog } from './link.js';
import { lintCatalog } from './lint.js';
import { lintClusterCatalog } from './lint-cluster.js';
import { policyCatalog } from './policy.js';
import { replayCatalog } from './replay.js';
import { portabilityCatalog } from './portability.js';
import { sourceCatalog } from './source.js';
import { suggestCatalog } from './suggest.js';
import { syntaxCatalog } from './syntax.js';
import { validateCatalog } from './validate.js';
import { yamlCatalog } from './yaml.js';

export const catalog = {
  ...assertCatalog,
  ...bindCatalog,
  ...bundleCatalog,
  ...checkCatalog,
  ...cliCatalog,
  ...clusterApiCatalog,
  ...clusterCatalog,
  ...configCatalog,
  ...deployCatalog,
  ...diffCatalog,
  ...eventsCatalog,
  ...explainCatalog,
  ...flowsCatalog,
  ...k8sCatalog,
  ...kernelCatalog,
  ...linkCatalog,
  ...lintCatalog,
  ...lintClusterCatalog,
  ...policyCatalog,
  ...replayCatalog,
  ...portabilityCatalog,
  ...sourceCatalog,
  ...suggestCatalog,
  ...syntaxCatalog,
  ...validateCatalog,
  ...yamlCatalog,
};

export type DiagnosticCode = keyof typeof catalog;
