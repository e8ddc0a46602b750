import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { CONFIGURATION_VARIABLES } from '#libs/platform';
import { CHART_TOOLS, CHARTS, Charts, only, podOf } from './charts.js';
import { readText } from './source-files.js';

const KUBERNETES_VERSIONS = ['1.31', '1.34', '1.37'];
const describeWithHelm = CHART_TOOLS === undefined ? describe.skip : describe;

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
podLabels: {team: events}
env: [{name: TZ, value: UTC}, {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
volumes: [{name: lookups, configMap: {name: lookups}}]
volumeMounts: [{name: lookups, mountPath: /lookups, readOnly: true}]
autoscaling: {enabled: true, minReplicas: 1, maxReplicas: 6}
serviceAccount: {name: events, annotations: {a: b}}
networkPolicy: {enabled: true, from: [{namespaceSelector: {matchLabels: {team: events}}}]}
ingress: {enabled: true, className: nginx, host: events.example, tlsSecret: certificate, annotations: {a: b}}
`;

describeWithHelm('the charts [needs helm]', () => {
  let charts: Charts;

  beforeAll(() => {
    charts = Charts.open();
    charts.write('all.yaml', ALL_VALUES);
  }, 300_000);
  afterAll(() => charts.close());

  function everyApp(values: string): string {
    return CHARTS.map((app) => charts.rendered(app, values)).join('\n---\n');
  }

  it.each(KUBERNETES_VERSIONS)(
    'are what Kubernetes %s takes, with few values and with all',
    (version) => {
      for (const values of ['values-example.yaml', 'all.yaml']) {
        const { code, output } = charts.validated(everyApp(values), version);
        expect([code, output.split('\n').filter((line) => line.startsWith('ERROR'))]).toEqual([0, []]);
        expect(output).toContain('deployment/web-dashboard');
      }
    },
    300_000,
  );

  it('would not pass with a typo', () => {
    const text = charts.rendered('alert', 'values-example.yaml');
    const typo = text.replace('readOnlyRootFilesystem', 'readOnlyRootFileSystem');
    const { code, output } = charts.validated(typo, '1.37');
    expect(code).not.toBe(0);
    expect(output).toContain("'readOnlyRootFileSystem' was unexpected");
  });

  it('give a pod as long as it may drain, and 15 s more', () => {
    for (const [values, drainSeconds] of [
      ['values-example.yaml', 30],
      ['all.yaml', 40],
    ] as const) {
      const [deployment, settings] = [
        only(charts.rendered('aggregate', values), 'Deployment'),
        settingsOf(values),
      ];
      expect(podOf(deployment)['terminationGracePeriodSeconds']).toBe(drainSeconds + 15);
      expect(settings['MILLRACE_DRAIN_TIMEOUT']).toBe(`${drainSeconds}s`);
    }
  });

  function settingsOf(values: string): Record<string, string> {
    return only(charts.rendered('aggregate', values), 'ConfigMap').data ?? {};
  }

  it.each(CHARTS)('let %s do nothing that it need not', (app) => {
    const pod = podOf(only(charts.rendered(app, 'values-example.yaml'), 'Deployment'));
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
    const { code, output } = charts.helm('template', 'web', join(charts.folder, 'ingest'));
    expect(code).not.toBe(0);
    expect(output).toMatch(/(broker\.url|image\.repository|store\.secret\.name) is wanted/);
    const none = charts.render('ingest', 'all.yaml', '--set', 'pipelines.main={gone.yaml}');
    expect(none.output).toContain('pipelines.main names gone.yaml, which is not in pipelines.files');
  });
});

describe('deploy/compose', () => {
  const { services } = parse(readText('deploy/compose/compose.yaml'), { merge: true }) as {
    services: Record<string, { environment: Record<string, string>; ports?: string[] } & object>;
  };

  it('has a container for every app, read-only, without privileges, with time to drain', () => {
    for (const app of CHARTS)
      expect([app, services[app]]).toMatchObject([
        app,
        { read_only: true, cap_drop: ['ALL'], stop_grace_period: '45s', image: `millrace-${app}` },
      ]);
  });

  it('sets only what is a setting, and opens nothing beyond this machine', () => {
    const known = new Set(CONFIGURATION_VARIABLES.map(({ variable }) => variable as string));
    for (const app of CHARTS) {
      const { environment, ports = [] } = services[app]!;
      expect(Object.keys(environment).filter((name) => !known.has(name))).toEqual([]);
      expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    }
  });
});
