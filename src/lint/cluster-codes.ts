/** The codes that only a cluster can bring up: without one, comments about them are not judged. */
import { lintClusterCatalog } from '../catalog/lint-cluster.js';

export const clusterCatalogCodes: ReadonlySet<string> = new Set([
  ...Object.keys(lintClusterCatalog),
  'check/selects-nothing',
  'check/unknown-service',
  'check/service-mixed',
]);
