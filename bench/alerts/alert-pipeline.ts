import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// What is measured is the pipeline that Millrace ships, with all of its steps and series, and two rules more.

/** Events with this status match the pattern rule, each with a path, and so an alert, of its own. */
export const MATCHING_STATUS = 599;
/** Windows of the threshold rule are so long; those with an even number breach. */
export const WINDOW_MS = 500;
/** What the file says. */
export const MAX_OUT_OF_ORDERNESS_MS = 10_000;

export const PATTERN_RULE = 'each-by-itself';
export const THRESHOLD_RULE = 'every-other-window';

const SERIES = `
    - name: writes
      window: { tumbling: ${WINDOW_MS}ms }
      by: [stream]
      measures: { writes: { count: method == 'PUT' } }
`;

const RULES = `apiVersion: millrace/v1
kind: AlertRules
rules:
  - name: ${PATTERN_RULE}
    severity: critical
    summary: 'one event is enough for {{ labels.path }}'
    pattern: { where: status == ${MATCHING_STATUS}, by: [path], quiet: 5s }
    maxActive: 10000
  - name: ${THRESHOLD_RULE}
    severity: warning
    summary: '{{ value }} writes'
    threshold: { series: writes, value: writes, above: 0 }
    flapping: off
`;

/** Writes the files into a folder; gives the path of the pipeline's. */
export function writePipeline(folder: string): string {
  const shipped = readFileSync(join(import.meta.dirname, '../../../pipelines/web.yaml'), 'utf8');
  const files = join(folder, 'pipeline');
  mkdirSync(files);
  const path = join(files, 'web.yaml');
  writeFileSync(path, shipped.replace(/^ {2}alerts:/m, `${SERIES.slice(1)}  alerts:`));
  writeFileSync(join(files, 'alerts.yaml'), RULES);
  return path;
}

/** Is an event of this time one that the threshold rule counts. */
export function isInBreachingWindow(timeMs: number): boolean {
  return Math.floor(timeMs / WINDOW_MS) % 2 === 0;
}
