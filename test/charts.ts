import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { AppName } from '#libs/platform';
import { ROOT } from './source-files.js';

// The charts of deploy/helm, rendered by a real helm and validated strictly; `node scripts/deploy/chart-tools.mjs` fetches both.

export const CHARTS = [
  'ingest',
  'enrich',
  'aggregate',
  'alert',
  'dashboard',
] as const satisfies readonly AppName[];
export const CHART_TOOLS = chartTools();

export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

export interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: Record<string, unknown>;
  readonly data?: Record<string, string>;
}

/** The charts in a folder of their own. Where the tools are missing it can't be opened. */
export class Charts {
  private constructor(readonly folder: string) {}

  static open(): Charts {
    const charts = new Charts(mkdtempSync(join(tmpdir(), 'millrace-charts-')));
    cpSync(join(ROOT, 'deploy', 'helm'), charts.folder, { recursive: true });
    for (const app of CHARTS) succeed(charts.helm('dependency', 'build', join(charts.folder, app)));
    return charts;
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  helm(...args: readonly string[]): Outcome {
    const home = join(this.folder, '.helm');
    const env = { HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home };
    return run(CHART_TOOLS!.helm, args, env);
  }

  /** Writes a file of values beside the charts. */
  write(name: string, values: string): void {
    writeFileSync(join(this.folder, name), values);
  }

  /** With a file of values, and arguments more. */
  render(app: AppName, values: string, ...more: readonly string[]): Outcome {
    const image = ['--set', `image.repository=registry.example/millrace-${app}`];
    return this.helm(
      'template',
      'web',
      join(this.folder, app),
      '-f',
      join(this.folder, values),
      ...image,
      ...more,
    );
  }

  /** @throws with what helm says where it does not render */
  rendered(app: AppName, values: string, ...more: readonly string[]): string {
    return succeed(this.render(app, values, ...more));
  }

  /** Strictly: what Kubernetes does not know is an error. */
  validated(text: string, version: string): Outcome {
    this.write('rendered.yaml', text);
    const args = ['-m', 'kubernetes_validate', '--strict', '--no-warn', '-k', version];
    return run(CHART_TOOLS!.python, [...args, join(this.folder, 'rendered.yaml')]);
  }
}

/** The resources of a kind. */
export function resourcesOf(text: string, kind: string): readonly Resource[] {
  const found = parseAllDocuments(text).map((document) => document.toJS() as Resource | null);
  return found.filter((each): each is Resource => each?.kind === kind);
}

/** The first resource of a kind. @throws where there is none */
export function only(text: string, kind: string): Resource {
  const [first] = resourcesOf(text, kind);
  if (first === undefined) throw new Error(`no ${kind} in\n${text}`);
  return first;
}

export function podOf(deployment: Resource): Record<string, unknown> {
  const { template } = deployment.spec as { template: { spec: Record<string, unknown> } };
  return template.spec;
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
