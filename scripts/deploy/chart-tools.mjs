// What the test of the charts needs: helm, built from its Go module, and kubernetes-validate from PyPI. Both are kept in
// the cache, outside of any clone. `node scripts/deploy/chart-tools.mjs` fetches them (a few minutes, once);
// `… --where` says in JSON where they are, or that they are not there.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE_FOLDER, cachedFolder } from '../servers/download-cache.mjs';
import { outputOf } from '../servers/server-process.mjs';
import { main } from '../workspace.mjs';

const HELM = { module: 'helm.sh/helm/v3/cmd/helm', version: 'v3.22.0' };
const VALIDATOR = { name: 'kubernetes-validate', version: '1.37.0' };
const HELM_FOLDER = `helm-${HELM.version}`;
const VALIDATOR_FOLDER = `${VALIDATOR.name}-${VALIDATOR.version}`;
const BUILD_WITHIN_MS = 1_800_000;

await main(async () => {
  if (!process.argv.includes('--where')) {
    await fetchHelm();
    await fetchValidator();
  }
  console.log(JSON.stringify(found()));
});

/** Paths, or null. */
function found() {
  const helm = process.env.MILLRACE_TEST_HELM ?? join(CACHE_FOLDER, HELM_FOLDER, 'helm');
  const python = join(CACHE_FOLDER, VALIDATOR_FOLDER, 'bin', 'python');
  return { helm: existsSync(helm) ? helm : null, python: existsSync(python) ? python : null };
}

function fetchHelm() {
  if (process.env.MILLRACE_TEST_HELM) return undefined;
  return cachedFolder(HELM_FOLDER, async (unfinished) => {
    console.error(`building helm ${HELM.version} from its Go module (once) …`);
    const missing =
      'helm is built with Go: install Go 1.25 or newer, or set MILLRACE_TEST_HELM to the path of a helm 3';
    const args = ['install', '-trimpath', '-ldflags=-s -w', `${HELM.module}@${HELM.version}`];
    await outputOf('env', [`GOBIN=${unfinished}`, 'go', ...args], {
      missing,
      cwd: unfinished,
      timeoutMs: BUILD_WITHIN_MS,
    });
  });
}

/** A venv is called by its python alone, so that it does not matter that the folder was renamed. */
function fetchValidator() {
  return cachedFolder(VALIDATOR_FOLDER, async (unfinished) => {
    console.error(`fetching ${VALIDATOR.name} ${VALIDATOR.version} from PyPI (once) …`);
    const missing = `${VALIDATOR.name} needs Python 3 with venv and pip`;
    await outputOf('python3', ['-m', 'venv', unfinished], { missing });
    const python = join(unfinished, 'bin', 'python');
    const wanted = `${VALIDATOR.name}==${VALIDATOR.version}`;
    await outputOf(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', wanted], {
      missing,
    });
  });
}
