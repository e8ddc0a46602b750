import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseAllDocuments, parse } from 'yaml';
import { type AppName, CONFIGURATION_VARIABLES } from '#libs/platform';
import { readText, ROOT } from './source-files.js';

// The charts are rendered by a real helm and validated strictly; `node scripts/deploy/chart-tools.mjs` fetches both.

const APPS = ['ingest', 'enrich', 'aggregate', 'alert', 'dashboard'] as const satisfies readonly AppName[];
const KUBERNETES_VERSIONS = ['1.31', '1.34', '1.37'];
const TOOLS = chartTools();
const describeWithHelm = TOOLS === undefined ? describe.skip : describe;

/** Everything that a chart can be told, beside what it must be. */
const ALL_VALUES = `
drainSeconds: 40
broker: {url: 'pulsar://broker:6650', adminUrl: 'http://broker:8080', tokenSecret: {name: pulsar, key: token}, caSecret: {name: pulsar, key: ca}}
store: {secret: {name: mongodb, key: address}}
settings: {MILLRACE_LOG_LEVEL: debug}
pipelines:
  main: [web.yaml]
  files: {web.yaml: "apiVersion: millrace/v1\\nkind: Pipeline\\n", alerts.yaml: "[]\\n"}
imagePullSecrets: [{name: registry}]
nodeSelector: {disk: fast}
tolerations: [{key: only, operator: Exists, effect: NoSchedule}]
affinity: {nodeAffinity: {}}
priorityClassName: high
podAnnotations: {team: events}
ingress: {enabled: true, className: nginx, host: events.example, tlsSecret: certificate, annotations: {a: b}}
`;

interface Resource {
  readonly kind: string;
  readonly spec: Record<string, unknown>;
  readonly data?: Record<string, string>;
}

describeWithHelm('the charts [needs helm]', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-charts-'));
    cpSync(join(ROOT, 'deploy', 'helm'), folder, { recursive: true });
    writeFileSync(join(folder, 'all.yaml'), ALL_VALUES);
    for (const app of APPS) succeed(helm('dependency', 'build', join(folder, app)));
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function helm(...args: readonly string[]): Outcome {
    const home = join(folder, '.helm');
    return run(TOOLS!.helm, args, { HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home });
  }

  function rendered(app: AppName, values: string, ...more: readonly string[]): string {
    const image = ['--set', `image.repository=registry.example/millrace-${app}`];
    return succeed(helm('template', 'web', join(folder, app), '-f', join(folder, values), ...image, ...more));
  }

  function validated(text: string, version: string): Outcome {
    const file = join(folder, 'rendered.yaml');
    writeFileSync(file, text);
    const args = ['-m', 'kubernetes_validate', '--strict', '--no-warn', '-k', version, file];
    return run(TOOLS!.python, args);
  }

  function everyApp(values: string): string {
    return APPS.map((app) => rendered(app, values)).join('\n---\n');
  }

  it.each(KUBERNETES_VERSIONS)(
    'are what Kubernetes %s takes, with few values and with all',
    (version) => {
      for (const values of ['values-example.yaml', 'all.yaml']) {
        const { code, output } = validated(everyApp(values), version);
        expect([code, output.split('\n').filter((line) => line.startsWith('ERROR'))]).toEqual([0, []]);
        expect(output).toContain('deployment/web-dashboard');
      }
    },
    300_000,
  );

  it('would not pass with a typo', () => {
    const text = rendered('alert', 'values-example.yaml');
    const typo = text.replace('readOnlyRootFilesystem', 'readOnlyRootFileSystem');
    const { code, output } = validated(typo, '1.37');
    expect(code).not.toBe(0);
    expect(output).toContain("'readOnlyRootFileSystem' was unexpected");
  });

  it('give a pod as long as it may drain, and 15 s more', () => {
    for (const [values, drainSeconds] of [
      ['values-example.yaml', 30],
      ['all.yaml', 40],
    ] as const) {
      const [deployment, settings] = [only(rendered('aggregate', values), 'Deployment'), settingsOf(values)];
      expect(podOf(deployment)['terminationGracePeriodSeconds']).toBe(drainSeconds + 15);
      expect(settings['MILLRACE_DRAIN_TIMEOUT']).toBe(`${drainSeconds}s`);
    }
  });

  function settingsOf(values: string): Record<string, string> {
    return only(rendered('aggregate', values), 'ConfigMap').data ?? {};
  }

  it.each(APPS)('let %s do nothing that it need not', (app) => {
    const pod = podOf(only(rendered(app, 'values-example.yaml'), 'Deployment'));
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          livenessProbe: { httpGet: { path: '/health/live' } },
          readinessProbe: { httpGet: { path: '/health/ready' } },
        },
      ],
    });
  });

  it('set no variable that is no setting', () => {
    const known = new Set(CONFIGURATION_VARIABLES.map(({ variable }) => variable as string));
    const given = everyApp('all.yaml').match(/MILLRACE_[A-Z_]+/g) ?? [];
    expect([...new Set(given)].filter((name) => !known.has(name))).toEqual([]);
    expect(given.length).toBeGreaterThan(30);
  });

  it('say which value is missing', () => {
    const { code, output } = helm('template', 'web', join(folder, 'ingest'));
    expect(code).not.toBe(0);
    expect(output).toMatch(/(broker\.url|image\.repository|store\.secret\.name) is wanted/);
    const none = helm(
      'template',
      'web',
      join(folder, 'ingest'),
      '--set',
      'image.repository=a',
      '-f',
      join(folder, 'all.yaml'),
      '--set',
      'pipelines.main={gone.yaml}',
    );
    expect(none.output).toContain('pipelines.main names gone.yaml, which is not in pipelines.files');
  });
});

describe('deploy/compose', () => {
  const { services } = parse(readText('deploy/compose/compose.yaml'), { merge: true }) as {
    services: Record<string, { environment: Record<string, string>; ports?: string[] } & object>;
  };

  it('has a container for every app, read-only, without privileges, with time to drain', () => {
    for (const app of APPS)
      expect([app, services[app]]).toMatchObject([
        app,
        { read_only: true, cap_drop: ['ALL'], stop_grace_period: '45s', image: `millrace-${app}` },
      ]);
  });

  it('sets only what is a setting, and opens nothing beyond this machine', () => {
    const known = new Set(CONFIGURATION_VARIABLES.map(({ variable }) => variable as string));
    for (const app of APPS) {
      const { environment, ports = [] } = services[app]!;
      expect(Object.keys(environment).filter((name) => !known.has(name))).toEqual([]);
      expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    }
  });
});

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Outcome {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 26,
  });
  return { code: status, output: `${stdout}${stderr}` };
}

function succeed({ code, output }: Outcome): string {
  if (code !== 0) throw new Error(output);
  return output;
}

function chartTools(): { readonly helm: string; readonly python: string } | undefined {
  const { output } = run(process.execPath, [join(ROOT, 'scripts/deploy/chart-tools.mjs'), '--where']);
  const { helm, python } = JSON.parse(output) as { helm: string | null; python: string | null };
  return helm === null || python === null ? undefined : { helm, python };
}

function only(text: string, kind: string): Resource {
  const found = parseAllDocuments(text).map((document) => document.toJS() as Resource | null);
  const [first] = found.filter((each) => each?.kind === kind);
  if (first === undefined || first === null) throw new Error(`no ${kind} in\n${text}`);
  return first;
}

function podOf(deployment: Resource): Record<string, unknown> {
  const { template } = deployment.spec as { template: { spec: Record<string, unknown> } };
  return template.spec;
}
