export {
  ALERT_SEVERITIES,
  type AlertCondition,
  type AlertRule,
  type AlertSeverity,
  DEFAULT_NO_DATA_AFTER_MS,
  DEFAULT_NOTIFY_WITHIN_MS,
  type ThresholdCondition,
} from './alert-rule.js';
