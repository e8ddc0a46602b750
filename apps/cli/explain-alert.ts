import { isJsonObject, type JsonObject } from '#libs/kernel';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import { askServer, noMillrace } from './server-answer.js';
import type { Terminal } from './terminal.js';

export interface ExplainAlertOptions {
  /** Of the dashboard or standalone, e.g. `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly rule: string;
  readonly stream: string;
  /** `method=GET`, for series that are grouped by more than the stream. */
  readonly key?: readonly string[];
  readonly pipeline?: string;
  /** The whole answer as JSON instead of text. */
  readonly json?: boolean;
}

/** Says why an alert is firing, or is not. */
export async function explainAlert(options: ExplainAlertOptions, terminal: Terminal): Promise<ExitCode> {
  const wrong = options.key?.find((pair) => !/^[^=]+=/.test(pair));
  if (wrong !== undefined) {
    terminal.complain(`--key ${wrong}: wanted a name and a value, such as method=GET`);
    return EXIT_CODE.usage;
  }
  const route = routeOf(options);
  const answer = await askServer(route);
  if ('problem' in answer || typeof answer.body['reason'] !== 'string') {
    terminal.complain('problem' in answer ? answer.problem : noMillrace(route));
    return EXIT_CODE.unavailable;
  }
  if (options.json === true) terminal.out(JSON.stringify(answer.body, undefined, 2));
  else for (const line of linesOf(answer.body)) terminal.out(line);
  return EXIT_CODE.done;
}

function routeOf({ url, rule, stream, key = [], pipeline }: ExplainAlertOptions): URL {
  const route = new URL('/v1/alerts/explain', url);
  route.searchParams.set('rule', rule);
  route.searchParams.set('stream', stream);
  if (pipeline !== undefined) route.searchParams.set('pipeline', pipeline);
  for (const pair of key) {
    const [name = ''] = pair.split('=', 1);
    route.searchParams.set(`key.${name}`, pair.slice(name.length + 1));
  }
  return route;
}

function linesOf(body: JsonObject): readonly string[] {
  const { rule, status, reason, rows, silencedBy, maintenance, inhibitedBy } = body;
  const holds = [
    ['silenced by', silencedBy],
    ['in maintenance', maintenance],
    ['held back by', inhibitedBy],
  ].flatMap(([label, names]) =>
    Array.isArray(names) && names.length > 0 ? [`${String(label)} ${names.join(', ')}`] : [],
  );
  const told = holds.length === 0 ? [] : [`  notifies nobody: ${holds.join('; ')}`];
  const read = Array.isArray(rows) ? rows.filter(isJsonObject) : [];
  return [`${String(rule)} is ${String(status)}: ${String(reason)}`, ...told, ...read.map(rowLine)];
}

function rowLine({ windowEnd, value, verdict, why }: JsonObject): string {
  const said = typeof value === 'number' ? `${value} ${String(verdict)}` : `nothing: ${String(why)}`;
  return `  until ${String(windowEnd)}: ${said}`;
}
