import { pino, type DestinationStream, type Logger } from 'pino';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Fact, FactMetric } from './fact.js';

export interface TelemetryOptions {
  /** Bound to every log line, e.g. `{app: 'ingest'}`. */
  readonly bindings?: Readonly<Record<string, string>>;
  /** The least level that is written. Default `info`. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Where log lines go. Default: standard output, one JSON object a line. */
  readonly destination?: DestinationStream;
  /** Also measure the process: memory, event loop, garbage collection. Default false. */
  readonly processMetrics?: boolean;
}

/** One call for one fact: it is logged with its fields and counted, and can't be one without the other. */
export class Telemetry {
  readonly logger: Logger;
  readonly #registry = new Registry();
  readonly #metrics = new Map<string, Counter | Gauge | Histogram>();

  constructor(options: TelemetryOptions = {}) {
    const settings = {
      level: options.logLevel ?? 'info',
      base: options.bindings ?? null,
      serializers: { error: pino.stdSerializers.err },
    };
    this.logger = options.destination === undefined ? pino(settings) : pino(settings, options.destination);
    if (options.processMetrics === true) collectDefaultMetrics({ register: this.#registry });
  }

  /**
   * Records that something happened.
   *
   * @param amount how often (counter), how long in seconds (histogram) or how much (gauge); default 1
   */
  record<F extends object>(fact: Fact<F>, fields: F, amount = 1): void {
    if (fact.message !== undefined) this.logger[fact.level](fields as object, fact.message);
    if (fact.metric !== undefined) this.#measure(fact.metric, fields, amount);
  }

  /** The metrics in Prometheus' text format, with the content type to answer with. */
  async metrics(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  #measure(metric: FactMetric, fields: object, amount: number): void {
    const labels = labelsOf(metric, fields);
    const instrument = this.#metrics.get(metric.name) ?? this.#create(metric);
    if (instrument instanceof Counter) instrument.inc(labels, amount);
    else if (instrument instanceof Gauge) instrument.set(labels, amount);
    else instrument.observe(labels, amount);
  }

  #create(metric: FactMetric): Counter | Gauge | Histogram {
    const settings = {
      name: metric.name,
      help: metric.help,
      labelNames: [...metric.labels],
      registers: [this.#registry],
    };
    const created = instrumentOf(metric, settings);
    this.#metrics.set(metric.name, created);
    return created;
  }
}

function instrumentOf(
  metric: FactMetric,
  settings: { name: string; help: string; labelNames: string[]; registers: Registry[] },
): Counter | Gauge | Histogram {
  switch (metric.type) {
    case 'counter':
      return new Counter(settings);
    case 'gauge':
      return new Gauge(settings);
    case 'histogram':
      return new Histogram({ ...settings, buckets: [...metric.buckets] });
    default:
      return metric satisfies never;
  }
}

function labelsOf(metric: FactMetric, fields: object): Record<string, string | number> {
  const labels: Record<string, string | number> = {};
  for (const label of metric.labels) labels[label] = String((fields as Record<string, unknown>)[label]);
  return labels;
}
