export { type Aggregator, type AnyAggregator, type Fields } from './aggregators/aggregator.js';
export { count } from './aggregators/count.js';
export { distinct, type DistinctResult } from './aggregators/distinct.js';
export { quantiles, type QuantilesResult } from './aggregators/quantiles.js';
export { sum } from './aggregators/sum.js';
export { type Arrival, classifyArrival } from './arrival.js';
export { type DeliveredProgress, type Phase, type PhasedRow, phaseOf } from './phase.js';
export { type MeasureDefinition, type SeriesDefinition, type TimeDefinition } from './series.js';
export {
  type TimeWindow,
  tumbling,
  type TumblingWindow,
  type WindowDefinition,
  windowFor,
  windowsFor,
} from './window.js';
