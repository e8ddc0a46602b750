import { type AlertRule, labelsOf, type PatternCondition, type PatternMatch } from '#libs/alerting';
import {
  FrameLines,
  type Moment,
  type Outputs,
  type TaskInput,
  type TaskLogic,
  type Urgency,
} from '#libs/functions';
import { type DeadEvent, isDeadEvent, type JsonObject, type JsonValue, type StreamEvent } from '#libs/kernel';
import { FRAME_VERSION } from '#libs/messaging';
import type { PipelineDefinition } from '#libs/pipeline';

export interface PatternTaskOptions {
  /** The pipeline, with the rules that are to be judged by now. */
  readonly pipeline: () => Pick<PipelineDefinition, 'alerts' | 'time'>;
  /** Where matches go: a partition of `judged`. */
  readonly target: { readonly topic: string; readonly partition: number };
}

type PatternRule = AlertRule & { readonly condition: PatternCondition };

/** A match of something that matched this long ago is news no more: it need not hurry. */
const NEWS_AFTER_MS = 10_000;
/** Of whom it is known that they are no news. */
const MAX_KNOWN = 10_000;

/**
 * Looks at every event of one partition of `enriched`, beside the windows, and sends what the pattern rules find to the
 * alert stage: one match for each rule and set of labels a commit, however many events there were.
 */
export class PatternTaskLogic implements TaskLogic {
  /** Of `alerts`: they change only where nothing is found that is not committed. */
  #rules: readonly PatternRule[] = [];
  #alerts: readonly AlertRule[] | undefined;
  #found = new Map<string, PatternMatch>();
  readonly #lastMs = new Map<string, number>();
  #isNews = false;

  constructor(private readonly options: PatternTaskOptions) {}

  restore(): void {
    this.#found = new Map();
  }

  apply({ frame }: TaskInput): void {
    this.#takeRules();
    if (this.#rules.length === 0) return;
    for (const item of frame.items as readonly (StreamEvent<JsonObject> | DeadEvent)[]) {
      if (!isDeadEvent(item) && !this.#isFuture(item)) this.#take(item);
    }
  }

  tick(_moment: Moment): void {
    if (this.#lastMs.size > MAX_KNOWN) this.#lastMs.clear();
  }

  flush(outputs: Outputs): 'done' {
    if (this.#found.size === 0) return 'done';
    const { topic, partition } = this.options.target;
    const lines = new FrameLines({ v: FRAME_VERSION, kind: 'judged' }, (message) =>
      outputs.message(topic, partition, message),
    );
    for (const match of this.#found.values()) lines.add(JSON.stringify(match));
    lines.end(undefined);
    this.#found = new Map();
    this.#isNews = false;
    return 'done';
  }

  changes(): Iterable<readonly [name: string, value: JsonValue | undefined]> {
    return [];
  }

  cells(): Iterable<readonly [name: string, value: JsonValue]> {
    return [];
  }

  urgency(): Urgency {
    if (this.#found.size === 0) return 'pace';
    return this.#isNews ? 'now' : 'soon';
  }

  #takeRules(): void {
    const { alerts } = this.options.pipeline();
    if (alerts === this.#alerts || this.#found.size > 0) return;
    this.#alerts = alerts;
    this.#rules = alerts.filter(isPatternRule);
  }

  #take(event: StreamEvent<JsonObject>): void {
    for (const rule of this.#rules) {
      if (!rule.condition.where({ stream: event.stream, ...event.data })) continue;
      const labels = labelsOf(rule.condition, event.data);
      const key = JSON.stringify([rule.name, event.stream, labels]);
      this.#found.set(key, merged(this.#found.get(key), { rule, event, labels }));
      this.#isNews ||= event.timeMs - (this.#lastMs.get(key) ?? -Infinity) > NEWS_AFTER_MS;
      this.#lastMs.set(key, event.timeMs);
    }
  }

  /** Its time is not to be believed: as for windows, it ends in `late`. */
  #isFuture({ timeMs, receivedMs }: StreamEvent): boolean {
    return timeMs > receivedMs + this.options.pipeline().time.maxFutureSkewMs;
  }
}

/** Has the pipeline rules that look at events. */
export function hasPatternRules({ alerts }: Pick<PipelineDefinition, 'alerts'>): boolean {
  return alerts.some(isPatternRule);
}

function isPatternRule(rule: AlertRule): rule is PatternRule {
  return rule.condition.kind === 'pattern';
}

function merged(
  known: PatternMatch | undefined,
  {
    rule,
    event,
    labels,
  }: { readonly rule: PatternRule; readonly event: StreamEvent; readonly labels: PatternMatch['labels'] },
): PatternMatch {
  const { id: eventId, timeMs, stream } = event;
  if (known === undefined)
    return { match: rule.name, stream, labels, firstMs: timeMs, lastMs: timeMs, count: 1, eventId };
  const isFirst = timeMs < known.firstMs;
  return {
    ...known,
    firstMs: Math.min(known.firstMs, timeMs),
    lastMs: Math.max(known.lastMs, timeMs),
    count: known.count + 1,
    eventId: isFirst ? eventId : known.eventId,
  };
}
