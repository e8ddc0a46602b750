export { type Aggregator, type AnyAggregator, type Fields } from './aggregators/aggregator.js';
export { collect, type CollectResult } from './aggregators/collect.js';
export { count } from './aggregators/count.js';
export { custom, type CustomCodec, type CustomFunctions } from './aggregators/custom.js';
export { CustomStateTooLargeError } from './aggregators/custom-state.errors.js';
export { distinct, type DistinctResult } from './aggregators/distinct.js';
export { duration } from './aggregators/duration.js';
export { max, min } from './aggregators/extremes.js';
export { first, last } from './aggregators/first-and-last.js';
export { histogram, type HistogramResult } from './aggregators/histogram.js';
export { mean } from './aggregators/mean.js';
export { quantiles, type QuantilesResult } from './aggregators/quantiles.js';
export { rate } from './aggregators/rate.js';
export { sum } from './aggregators/sum.js';
export { topK, type TopEntry, type TopResult } from './aggregators/top-k.js';
export { stddev, variance, type VarianceOf } from './aggregators/variance.js';
export { ORDINAL_FIELD } from './counted/counted-cell.js';
export {
  explainWindow,
  oldestOpenWindow,
  type UpstreamWatermark,
  upstreamOf,
  type WindowExplanation,
  type WindowQuestion,
} from './explain.js';
export { type ProvisionalRows } from './global/gathered-rows.js';
export { type Emission, GlobalAggregation } from './global/global-aggregation.js';
export { type MergeOutcome } from './global/global-windows.js';
export { type RowIdentity, type WindowResult } from './global/window-result.js';
export { OTHER_KEY } from './key.js';
export { type AddOutcome, LocalAggregation } from './local/local-aggregation.js';
export { type LateArrival } from './local/local-windows.js';
export { type Partial } from './partial.js';
export { type MeasureDefinition, type SeriesDefinition, type TimeDefinition } from './series.js';
export { type Arrival, classifyArrival } from './time/arrival.js';
export { type ClosingFact } from './time/closings.js';
export { type DeliveredProgress, type Phase, type PhasedRow, phaseOf } from './time/phase.js';
export { NOTHING_TO_CLOSE_MS, type StreamProgress } from './time/stream-progress.js';
export { StreamTimes } from './time/stream-times.js';
export { settlingMs } from './sessions/settling.js';
export { type TaskFacts, type TaskMoment } from './time/task-facts.js';
export {
  type AlignedWindow,
  type Alignment,
  type GlobalCountWindow,
  globalCount,
  hopping,
  type HoppingWindow,
  session,
  type SessionWindow,
  sliding,
  type SlidingWindow,
  type TimeWindow,
  tumbling,
  type TumblingWindow,
  type WindowDefinition,
} from './time/window.js';
export { gridOf, isWindowOf, type WindowGrid, windowsAt } from './time/window-grid.js';
