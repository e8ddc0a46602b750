export {
  type AlertEvent,
  alertEvent,
  alertEventId,
  alertRemovedEvent,
  type AlertSubject,
} from './alert-event.js';
export { alertFingerprint, type AlertLabels, episodeId } from './alert-identity.js';
export {
  ALERT_SEVERITIES,
  type AlertCondition,
  type AlertRule,
  type AlertSeverity,
  DEFAULT_NO_DATA_AFTER_MS,
  DEFAULT_NOTIFY_WITHIN_MS,
  type ThresholdCondition,
} from './alert-rule.js';
export { sampleValue } from './alert-sample.js';
export {
  type AlertEpisode,
  type AlertObservation,
  type AlertState,
  type AlertStatus,
  type AlertTransition,
  type Decision,
  decideTransitions,
  isActive,
  type TransitionReason,
} from './alert-state.js';
