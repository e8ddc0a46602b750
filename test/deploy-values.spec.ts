import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CHART_TOOLS, CHARTS, Charts, only, podOf, resourcesOf } from './charts.js';
import { readText } from './source-files.js';

// Values as people write them, right and wrong.

const KUBERNETES_VERSION = '1.34';
const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
const describeWithHelm = CHART_TOOLS === undefined ? describe.skip : describe;

describeWithHelm('the values of a chart [needs helm]', () => {
  let charts: Charts;

  beforeAll(() => void (charts = Charts.open()), 300_000);
  afterAll(() => charts.close());

  /** Rendered with the example's values and these, and found to be right. */
  function rendered(values: string, release = 'web'): string {
    charts.write('own.yaml', values);
    const image = ['--set', 'image.repository=registry.example/ingest'];
    const files = ['values-example.yaml', 'own.yaml'].flatMap((name) => ['-f', `${charts.folder}/${name}`]);
    const { code, output } = charts.helm('template', release, `${charts.folder}/ingest`, ...files, ...image);
    expect([code, output]).toEqual([0, expect.stringContaining('kind: Deployment')]);
    const validated = charts.validated(output, KUBERNETES_VERSION);
    expect([validated.code, validated.output]).toEqual([0, expect.not.stringContaining('ERROR')]);
    return output;
  }

  function containerOf(text: string): Record<string, unknown> {
    const [container] = podOf(only(text, 'Deployment'))['containers'] as Record<string, unknown>[];
    return container!;
  }

  it('give numbers to a setting as they were written', () => {
    const text = rendered(
      'settings: {MILLRACE_DATA_MAX_BYTES: 2147483648, MILLRACE_INGEST_MAX_BACKLOG: 1000000}',
    );
    expect(only(text, 'ConfigMap').data).toMatchObject({
      MILLRACE_DATA_MAX_BYTES: '2147483648',
      MILLRACE_INGEST_MAX_BACKLOG: '1000000',
    });
  });

  it('give a pipeline file as it was written, whatever it begins with', () => {
    const texts = { 'a.yaml': '   # a comment\nname: x\r\n', 'b.yaml': '', 'c.yaml': '\tx: |\n  y\n\n' };
    const text = rendered(JSON.stringify({ pipelines: { main: ['a.yaml'], files: texts } }));
    expect(resourcesOf(text, 'ConfigMap')[1]?.data).toEqual(texts);
  });

  it('name an image by its digest, or by its tag', () => {
    expect(containerOf(rendered(`image: {digest: '${DIGEST}', tag: '1.2'}`))['image']).toBe(
      `registry.example/ingest@${DIGEST}`,
    );
    expect(containerOf(rendered("image: {tag: '1234567'}"))['image']).toBe('registry.example/ingest:1234567');
    const long = `a${'b'.repeat(61)}_-c`;
    const text = rendered(`image: {tag: '${long}'}`);
    expect(only(text, 'Deployment').metadata.labels['app.kubernetes.io/version']).toBe(`a${'b'.repeat(61)}`);
  });

  it.each([
    ['web', 'web-ingest'],
    ['ingest', 'ingest'],
    ['a'.repeat(53), `${'a'.repeat(53)}-ingest`],
    ['1web.v2', 'm-1web-v2-ingest'],
  ])('make a name that Kubernetes takes of the release %s', (release, name) => {
    const text = rendered('', release);
    expect(['Service', 'Deployment', 'ConfigMap'].map((kind) => only(text, kind).metadata.name)).toEqual([
      name,
      name,
      name,
    ]);
  });

  it('may say that there is nothing: no replica, no resources, no service account of its own', () => {
    const text = rendered('{replicas: 0, resources: null, serviceAccount: {create: false, name: shared}}');
    expect(only(text, 'Deployment').spec['replicas']).toBe(0);
    expect(containerOf(text)['resources']).toBeUndefined();
    expect(podOf(only(text, 'Deployment'))['serviceAccountName']).toBe('shared');
    expect(resourcesOf(text, 'ServiceAccount')).toEqual([]);
  });

  it('leave the number of replicas to what scales them', () => {
    const text = rendered('autoscaling: {enabled: true, minReplicas: 1}');
    expect(only(text, 'Deployment').spec['replicas']).toBeUndefined();
    expect(only(text, 'HorizontalPodAutoscaler').spec).toMatchObject({ minReplicas: 1, maxReplicas: 4 });
  });

  it.each([
    ['repicas: 3', "additional properties 'repicas' not allowed"],
    ['image: {tags: x}', "at '/image': additional properties 'tags' not allowed"],
    ['image: {tag: 1234567}', "at '/image/tag': got number, want string"],
    ['image: {digest: abc}', "at '/image/digest': 'abc' does not match pattern"],
    ['replicas: many', "at '/replicas': got string, want integer"],
    ['drainSeconds: 1m', "at '/drainSeconds': got string, want integer"],
    ['preStopSeconds: 30', "at '/preStopSeconds': maximum: got 30, want 10"],
    ['broker: {url: "http://pulsar:8080"}', "at '/broker/url'"],
    ['settings: {PORT: 1}', "at '/settings': additional properties 'PORT' not allowed"],
    ['settings: {MILLRACE_PORT: 1}', 'settings.MILLRACE_PORT: another value of the chart says it already'],
    ['settings: {MILLRACE_STORE: x}', 'settings.MILLRACE_STORE: another value of the chart says it already'],
    ['secretSettings: {MILLRACE_STORE: {name: a, key: b}}', 'store.secret says it already'],
    [
      'secretSettings: {MILLRACE_ADMIN_KEY: secret}',
      "at '/secretSettings/MILLRACE_ADMIN_KEY': got string, want object",
    ],
    [
      'autoscaling: {enabled: true, minReplicas: 5}',
      'autoscaling.minReplicas is 5, more than maxReplicas, 4',
    ],
    ['ingress: {enabled: true}', 'ingress.host is wanted'],
  ])('are refused with what is wrong: %s', (values, problem) => {
    charts.write('own.yaml', values);
    const { code, output } = charts.render(
      'ingest',
      'values-example.yaml',
      '-f',
      `${charts.folder}/own.yaml`,
    );
    expect(code).not.toBe(0);
    expect(output).toContain(problem);
  });
});

it('every chart checks its values by the same schema', () => {
  const [first, ...others] = CHARTS.map((app) => readText(`deploy/helm/${app}/values.schema.json`));
  for (const other of others) expect(other).toBe(first);
});
