import type { AlertRule } from '#libs/alerting';
import { formatDuration } from '#libs/kernel';
import type { AlignedWindow, SeriesDefinition, WindowDefinition } from '#libs/windowing';
import type { PipelineDefinition } from './pipeline-definition.js';

/** A topic of a pipeline, by its noun: `<pipeline>.<noun>`. */
export interface PipelineTopic {
  readonly noun:
    | 'raw'
    | 'enriched'
    | 'partials'
    | 'judged'
    | 'results'
    | 'late'
    | 'dead'
    | 'alerts'
    | 'notifications'
    | 'live';
  readonly partitions: number;
  /** The apps that write to it and read from it. */
  readonly from: string;
  readonly to: string;
}

/** The topics of a pipeline, in the order in which an event passes them. */
export function topicsOf({ partitions, globalPartitions }: PipelineDefinition): readonly PipelineTopic[] {
  return [
    { noun: 'raw', partitions, from: 'ingest', to: 'enrich' },
    { noun: 'enriched', partitions, from: 'enrich', to: 'aggregate' },
    { noun: 'partials', partitions: globalPartitions, from: 'aggregate', to: 'aggregate' },
    { noun: 'judged', partitions: globalPartitions, from: 'aggregate', to: 'alert' },
    { noun: 'results', partitions: globalPartitions, from: 'aggregate', to: 'subscribers' },
    { noun: 'late', partitions: 1, from: 'aggregate', to: 'subscribers' },
    { noun: 'dead', partitions: 1, from: 'aggregate', to: 'subscribers' },
    { noun: 'alerts', partitions: 1, from: 'alert', to: 'subscribers' },
    { noun: 'notifications', partitions: 1, from: 'alert', to: 'subscribers' },
    { noun: 'live', partitions: 1, from: 'aggregate', to: 'dashboard' },
  ];
}

/** A pipeline for people: where an event goes, and what comes of it. Plain text, a few lines. */
export function explainPipeline(definition: PipelineDefinition): string {
  const { name, eventType, time, ingest, enrich, series, alerts } = definition;
  const lines = [
    `pipeline ${name}: events ${eventType}, ${counted(definition.partitions, 'partition')}`,
    `  on time up to ${formatDuration(time.maxOutOfOrdernessMs)} behind the newest event of its stream; ` +
      `refused if more than ${formatDuration(time.maxFutureSkewMs)} ahead of its arrival; ` +
      `a stream is idle after ${formatDuration(time.idleAfterMs)}`,
    `  log formats ${ingest.logFormats.map((format) => format.name).join(', ')}; repeats of an id dropped for ${formatDuration(ingest.deduplicateForMs)}`,
    `  enrich: ${enrich.length === 0 ? 'nothing' : enrich.map(({ kind }) => kind).join(', then ')}`,
    'topics',
    ...topicsOf(definition).map(
      ({ noun, partitions, from, to }) =>
        `  ${name}.${noun} (${counted(partitions, 'partition')}): ${from} -> ${to}`,
    ),
    'series',
    ...series.map(explainSeries),
    'alerts',
    ...alerts.map(explainRule),
  ];
  return lines.join('\n');
}

function explainRule({ name, severity, series, condition, forMs }: AlertRule): string {
  const { kind, expression, direction, limit } = condition;
  const head = `  ${name} (${severity}): `;
  switch (kind) {
    case 'absence':
      return `${head}no row of ${series} for ${formatDuration(condition.afterMs)}`;
    case 'pattern':
      return `${head}${condition.times} events within ${formatDuration(condition.withinMs)} where ${expression}`;
    case 'change': {
      const unit = condition.unit === 'percent' ? '%' : '';
      const against = formatDuration(condition.againstMs);
      return `${head}${expression} of ${series} against ${against} before ${direction} ${limit}${unit} for ${formatDuration(forMs)}`;
    }
    case 'spike':
      return `${head}${expression} of ${series} more than ${limit} deviations from the ${condition.overWindows} windows before for ${formatDuration(forMs)}`;
    default:
      return `${head}${expression} of ${series} ${direction} ${limit} for ${formatDuration(forMs)}`;
  }
}

function explainSeries(series: SeriesDefinition): string {
  const { name, window, allowedLatenessMs, by, measures, where, maxKeys } = series;
  const key = ['stream', ...by].join(', ');
  const filter = where === undefined ? '' : ', of some events';
  const cap = maxKeys === undefined ? '' : `, at most ${maxKeys} keys a window`;
  // A window of a count takes events whatever their time.
  const lateness = window.kind === 'global' ? '' : `, corrected for ${formatDuration(allowedLatenessMs)}`;
  const names = measures.map((measure) => measure.name).join(', ');
  return `  ${name}: ${describeWindow(window)} by ${key}${filter}${cap}${lateness}: ${names}`;
}

/** A window in the words of the file: `hopping 5m every 1m`. */
function describeWindow(window: WindowDefinition): string {
  switch (window.kind) {
    case 'tumbling':
      return `tumbling ${formatDuration(window.sizeMs)}${describeAlignment(window)}`;
    case 'hopping': {
      const every = formatDuration(window.everyMs);
      return `hopping ${formatDuration(window.sizeMs)} every ${every}${describeAlignment(window)}`;
    }
    case 'sliding':
      return `sliding ${formatDuration(window.sizeMs)}`;
    case 'session': {
      const cut = window.maxLengthMs === undefined ? '' : `, cut every ${formatDuration(window.maxLengthMs)}`;
      return `session with a gap of ${formatDuration(window.gapMs)}${cut},`;
    }
    case 'global':
      return `every ${counted(window.count, 'event')}`;
    default:
      return window satisfies never;
  }
}

function describeAlignment({ offsetMs, timeZone }: AlignedWindow): string {
  const offset = offsetMs === 0 ? '' : ` offset ${formatDuration(offsetMs)}`;
  return timeZone === undefined ? offset : `${offset} in ${timeZone}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
