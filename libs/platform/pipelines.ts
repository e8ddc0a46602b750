import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PlatformError, type RetryAdvice } from '#libs/kernel';
import { topicName, type TopicNoun } from '#libs/messaging';
import { parsePipeline, type PipelineDefinition } from '#libs/pipeline';
import { shippedSchemas } from '#libs/schema';
import type { Configuration } from './configuration.js';

/** A pipeline file that is named but cannot be read. */
export class PipelineFileMissingError extends PlatformError {
  readonly code = 'PIPELINE_FILE_MISSING';
  readonly retry: RetryAdvice = 'never';
  constructor(file: string, cause: unknown) {
    super(`the pipeline file ${file} cannot be read; MILLRACE_PIPELINES names the files`, {
      cause,
      context: { file },
    });
  }
}

/** No pipeline of that name, or several to choose from. */
export class PipelineUnknownError extends PlatformError {
  readonly code = 'PIPELINE_UNKNOWN';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 404;
  constructor(name: string | undefined, known: readonly string[]) {
    const problem =
      name === undefined ? 'there are several pipelines; say which' : `there is no pipeline '${name}'`;
    super(`${problem}: ${known.join(', ')}`, { context: { name, known } });
  }
}

/** Topics that are keyed by series and key: as many partitions as the global stage has tasks. */
const KEYED_BY_SERIES: ReadonlySet<TopicNoun> = new Set(['partials', 'judged', 'results']);

const OWN_NOUNS: readonly TopicNoun[] = [
  'raw',
  'enriched',
  'partials',
  'judged',
  'results',
  'late',
  'dead',
  'alerts',
  'notifications',
  'live',
];

/** The pipelines of this process, checked, and where their topics are. */
export class Pipelines {
  readonly #all: PipelineDefinition[];

  /** @param files where each comes from, in the same order; absent: it is not read again */
  constructor(
    all: readonly PipelineDefinition[],
    private readonly where: { readonly tenant: string; readonly namespace: string },
    readonly files: readonly string[] = [],
  ) {
    this.#all = [...all];
  }

  get all(): readonly PipelineDefinition[] {
    return this.#all;
  }

  /**
   * Reads and checks every pipeline file that the configuration names.
   *
   * @throws PipelineFileMissingError, PipelineInvalidError
   */
  static load(configuration: Configuration): Pipelines {
    const { pipelines, tenant, namespace } = configuration.values;
    const files = pipelines?.split(',').map((file) => file.trim()) ?? [shippedPipeline()];
    return new Pipelines(
      files.map((file) => loadPipeline(file)),
      { tenant, namespace },
      files,
    );
  }

  /** @throws PipelineUnknownError */
  byName(name: string): PipelineDefinition {
    const found = this.all.find((pipeline) => pipeline.name === name);
    if (found === undefined) throw new PipelineUnknownError(name, this.#names());
    return found;
  }

  /** From now on a pipeline has the alert rules, and what goes with them, of another reading of its file. */
  useAlertsOf({ name, alerts, alertPolicy, source }: PipelineDefinition): void {
    const place = this.#all.findIndex((pipeline) => pipeline.name === name);
    const present = this.#all[place];
    if (present !== undefined) this.#all[place] = { ...present, alerts, alertPolicy, source };
  }

  /**
   * The pipeline that takes the events of a stream: the named one, or the only one there is.
   *
   * @throws PipelineUnknownError
   */
  forStream(_stream: string, name?: string): PipelineDefinition {
    if (name !== undefined) return this.byName(name);
    const [only, ...others] = this.all;
    if (only === undefined || others.length > 0) throw new PipelineUnknownError(undefined, this.#names());
    return only;
  }

  /** The full name of a pipeline's topic. */
  topic(pipeline: string, noun: TopicNoun): string {
    return topicName(this.where, pipeline, noun);
  }

  /**
   * Any topic of a pipeline by its short name, `web.checkouts`; those of functions have as many partitions as the pipeline.
   *
   * @throws PipelineUnknownError
   */
  place(topic: string): { readonly name: string; readonly partitions: number } {
    const pipeline = this.byName(topic.slice(0, topic.indexOf('.')));
    const noun = topic.slice(topic.indexOf('.') + 1);
    const own = OWN_NOUNS.find((each) => each === noun);
    // Deltas of a function, `web.revenue.partials`, are keyed as those of the pipeline are.
    const isPartials = noun.endsWith('.partials');
    const partitions =
      own === undefined && !isPartials ? pipeline.partitions : this.partitionsOf(pipeline, own ?? 'partials');
    return { name: topicName(this.where, pipeline.name, noun as TopicNoun), partitions };
  }

  /** How many partitions a topic has. */
  partitionsOf(pipeline: PipelineDefinition, noun: TopicNoun): number {
    if (noun === 'raw' || noun === 'enriched') return pipeline.partitions;
    return KEYED_BY_SERIES.has(noun) ? pipeline.globalPartitions : 1;
  }

  #names(): readonly string[] {
    return this.all.map(({ name }) => name);
  }
}

/**
 * Reads and checks one pipeline file with what it includes.
 *
 * @param onFile called with the path of each file that it is made of, whether it is there or not
 * @throws PipelineFileMissingError, PipelineInvalidError
 */
export function loadPipeline(
  file: string,
  onFile: (path: string) => void = () => undefined,
): PipelineDefinition {
  const path = resolve(file);
  onFile(path);
  const include = (name: string): { file: string; text: string } | undefined => {
    const included = resolve(dirname(path), name);
    onFile(included);
    return existsSync(included) ? { file: included, text: readFileSync(included, 'utf8') } : undefined;
  };
  return parsePipeline({ file, text: readPipelineFile(path), include }, { schemas: shippedSchemas() });
}

function readPipelineFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new PipelineFileMissingError(path, error);
  }
}

/** `pipelines/web.yaml` beside package.json, from the sources as well as from `dist`. */
function shippedPipeline(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, 'pipelines', 'web.yaml');
}
