export { type Fact, type FactLevel, type FactMetric } from './fact.js';
export { FACTS } from './facts.js';
export { Telemetry, type TelemetryOptions } from './telemetry.js';
