import { type AlertPolicy, type AlertRule, DEFAULT_POLICY } from '#libs/alerting';
import type { ProblemLog } from '../settings/problem-log.js';
import type { Setting } from '../settings/setting.js';
import { choiceReader, distinctReader, listReader, MapReader } from '../settings/setting-reader.js';
import type { AlertScope } from './alerts/alert-kinds.js';
import { POLICY_OPTIONS, readAlertPolicy } from './alerts/alert-policy-reader.js';
import { readAlertRule } from './alerts/alert-rule-reader.js';

export type { AlertScope } from './alerts/alert-kinds.js';

/** An alert file: rules, and what is done with what they say. */
export interface ReadAlerts {
  readonly rules: readonly AlertRule[];
  readonly policy: AlertPolicy;
}

export const NO_ALERTS: ReadAlerts = { rules: [], policy: DEFAULT_POLICY };

/** An alert file, or the `alerts` of a pipeline: `{apiVersion, kind, rules, …}`. */
export function readAlertRules(setting: Setting, scope: AlertScope, log: ProblemLog): ReadAlerts {
  const document = MapReader.of(setting, log, ['apiVersion', 'kind', 'rules', ...POLICY_OPTIONS]);
  if (document === undefined) return NO_ALERTS;
  document.optional('apiVersion', choiceReader(['millrace/v1']), undefined);
  document.optional('kind', choiceReader(['AlertRules']), undefined);
  const rule = distinctReader<AlertRule>(
    (each, problems) => readAlertRule(each, scope, problems),
    ({ name }) => name,
  );
  return {
    rules: document.required('rules', listReader(rule, 'a list of rules')) ?? [],
    policy: readAlertPolicy(document),
  };
}
