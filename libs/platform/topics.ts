import type { TopicNoun } from '#libs/messaging';
import type { PipelineDefinition } from '#libs/pipeline';
import type { SchemaToRegister, WantedTopic } from '#libs/pulsar-admin';
import { PUBLIC_SCHEMAS, type PublicNoun } from '#libs/schema';
import type { Pipelines } from './pipelines.js';

interface TopicPlan {
  readonly noun: TopicNoun;
  readonly subscriptions?: readonly string[];
  /** Internal topics are empty once read; what people may want to read again stays until room is needed. */
  readonly retentionMs?: number;
}

const PLAN: readonly TopicPlan[] = [
  { noun: 'raw', subscriptions: ['enrich'] },
  { noun: 'enriched', subscriptions: ['aggregate'], retentionMs: 0 },
  { noun: 'partials', subscriptions: ['aggregate'], retentionMs: 0 },
  { noun: 'judged', subscriptions: ['alert'], retentionMs: 0 },
  { noun: 'results' },
  { noun: 'late' },
  { noun: 'dead' },
  { noun: 'alerts' },
  { noun: 'notifications' },
  { noun: 'live' },
];

/** Every topic of the pipelines, as it has to be before anything uses it. */
export function topicsOf(pipelines: Pipelines): readonly WantedTopic[] {
  return pipelines.all.flatMap((pipeline) => PLAN.map((plan) => topicOf(pipelines, pipeline, plan)));
}

function topicOf(
  pipelines: Pipelines,
  pipeline: PipelineDefinition,
  { noun, ...settings }: TopicPlan,
): WantedTopic {
  return {
    name: pipelines.topic(pipeline.name, noun),
    partitions: pipelines.partitionsOf(pipeline, noun),
    ...settings,
    ...patternReaders(pipeline, noun, settings),
    ...(isPublic(noun) ? { schema: schemaOf(noun) } : {}),
  };
}

function isPublic(noun: TopicNoun): noun is PublicNoun {
  return noun in PUBLIC_SCHEMAS;
}

function schemaOf(noun: PublicNoun): SchemaToRegister {
  return { type: 'JSON', schema: JSON.stringify(PUBLIC_SCHEMAS[noun]), properties: {} };
}

/** Rules that look at events read beside the windows; without them nobody would, and everything would be kept. */
function patternReaders(
  { alerts }: PipelineDefinition,
  noun: TopicNoun,
  { subscriptions = [] }: Pick<TopicPlan, 'subscriptions'>,
): Pick<TopicPlan, 'subscriptions'> {
  const isRead = noun === 'enriched' && alerts.some(({ condition }) => condition.kind === 'pattern');
  return isRead ? { subscriptions: [...subscriptions, 'alert'] } : {};
}
