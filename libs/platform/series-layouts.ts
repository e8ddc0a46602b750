import type { SeriesDefinition, WindowDefinition } from '#libs/windowing';
import type { SeriesLayout } from '#libs/storage-mongodb';
import type { PipelineDefinition } from '#libs/pipeline';
import type { Retention } from './setting-parsers.js';

/** Above so many keys a bucket of MongoDB would hold hardly more than one row. */
const FEW_KEYS = 1_000;
const DEFAULT_MAX_KEYS = 10_000;

/** How the rows of each series of these pipelines are kept in MongoDB. */
export function seriesLayouts(
  pipelines: readonly PipelineDefinition[],
  retention: Retention,
): readonly SeriesLayout[] {
  return pipelines.flatMap(({ name, series }) => series.map((each) => layoutOf(name, each, retention)));
}

function layoutOf(
  pipeline: string,
  { name, window, by, maxKeys }: SeriesDefinition,
  retention: Retention,
): SeriesLayout {
  const retentionMs = retention.get(`${pipeline}/${name}`) ?? retention.get('');
  return {
    pipeline,
    series: name,
    mode: by.length > 0 && !isCapped(window) ? 'table' : 'time-series',
    keys: by,
    hasFewKeys: by.length === 0 || (isCapped(window) && (maxKeys ?? DEFAULT_MAX_KEYS) <= FEW_KEYS),
    everyMs: distanceOf(window),
    ...(retentionMs === undefined ? {} : { retentionMs }),
  };
}

/** Do keys beyond a number count together: sessions and sliding windows take as many as there are. */
function isCapped({ kind }: WindowDefinition): boolean {
  return kind === 'tumbling' || kind === 'hopping';
}

/** Of two rows of one key. */
function distanceOf(window: WindowDefinition): number {
  switch (window.kind) {
    case 'tumbling':
      return window.sizeMs;
    case 'hopping':
      return window.everyMs;
    case 'session':
      return window.gapMs;
    case 'sliding':
    case 'global':
      return 0;
    default:
      return window satisfies never;
  }
}
