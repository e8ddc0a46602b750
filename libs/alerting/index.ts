export {
  type AlertEvent,
  alertEvent,
  alertEventId,
  alertRemovedEvent,
  type AlertSubject,
  conditionOf,
} from './alert-event.js';
export { alertFingerprint, type AlertLabels, episodeId } from './alert-identity.js';
export {
  type AlertPolicy,
  DEFAULT_NOTIFICATIONS,
  DEFAULT_POLICY,
  DEFAULT_STALL,
  type NotificationSettings,
  PIPELINE_STALLED,
  type Receiver,
  type StallRule,
} from './alert-policy.js';
export {
  ALERT_SEVERITIES,
  type AlertRule,
  type AlertSeverity,
  DEFAULT_FLAPPING,
  DEFAULT_MAX_ACTIVE,
  DEFAULT_NO_DATA_AFTER_MS,
  DEFAULT_NOTIFY_WITHIN_MS,
  type FlappingRule,
  NO_DATA_MEANINGS,
  type NoDataMeaning,
} from './alert-rule.js';
export { readingOf, sampleValue } from './alert-sample.js';
export {
  ALERT_STATUSES,
  type AlertEpisode,
  type AlertObservation,
  type AlertState,
  type AlertStatus,
  type AlertTransition,
  type Decision,
  decideTransitions,
  isActive,
  isAlerting,
  isForgettable,
  type TransitionReason,
  waitsForTime,
} from './alert-state.js';
export type { AlertCell } from './engine/alert-cell.js';
export { AlertEngine, type AlertEngineOptions } from './engine/alert-engine.js';
export type { AlertSink, Telling } from './engine/alert-teller.js';
export type { JudgedRow } from './engine/judged-row.js';
export { type AlertExplanation, type AlertQuestion, explainAlert, type ReadRow } from './explain-alert.js';
export { type AbsenceCondition, DEFAULT_ABSENCE_WITHIN_MS } from './kinds/absence.js';
export type { ChangeCondition } from './kinds/change.js';
export { type AlertCondition, type Past, type Reading, type Verdict, verdictOf } from './kinds/condition.js';
export {
  AlertKind,
  AlertKindName,
  alertKindName,
  type CustomCondition,
  type CustomSample,
} from './kinds/custom.js';
export {
  DEFAULT_PATTERN_QUIET_MS,
  labelsOf,
  type PatternCondition,
  type PatternMatch,
} from './kinds/pattern.js';
export type { RatioCondition } from './kinds/ratio.js';
export type { SpikeCondition } from './kinds/spike.js';
export type { ThresholdCondition } from './kinds/threshold.js';
export { type Inhibition, inhibitorsOf } from './noise/inhibition.js';
export {
  isMaintenance,
  maintenanceOf,
  type MaintenanceWindow,
  type Weekday,
  WEEKDAYS,
} from './noise/maintenance.js';
export {
  labelOf,
  type Matcher,
  matcherProblem,
  matchesAll,
  MAX_MATCHED_CHARACTERS,
  MAX_PATTERN_CHARACTERS,
  parseMatcher,
  writeMatcher,
} from './noise/matcher.js';
export { patternProblem } from './noise/pattern-problem.js';
export {
  matchesNothingGiven,
  type Silence,
  silencesOf,
  type SilenceStatus,
  silenceStatus,
} from './noise/silence.js';
export { type Notification, receiverLabels } from './notify/notification.js';
export { NotificationGroups } from './notify/notification-groups.js';
export { type PostedAlert, postedAlert, type WebhookBody, webhookBody } from './notify/webhook-body.js';
export type {
  ExpectedNotification,
  ExpectedTransition,
  RuleTest,
  RuleTestEvent,
} from './rule-tests/rule-test.js';
export { runRuleTest, type RuleTestOutcome, type RuleTestSetup } from './rule-tests/run-rule-test.js';
export { parseValueSequence, type ValueSequence } from './rule-tests/value-sequence.js';
export { compileTemplate, type CompiledTemplate, type Template } from './template.js';
