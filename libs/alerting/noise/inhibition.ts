import { labelOf, type Matched, type Matcher, matchesAll } from './matcher.js';

/** While an alert that fits `source` fires, those that fit `target` notify nobody, if they have the same values of `equal`. */
export interface Inhibition {
  readonly source: readonly Matcher[];
  readonly target: readonly Matcher[];
  readonly equal: readonly string[];
}

type Named = Matched & { readonly fingerprint: string };

/** The firing alerts that hold this one back. One that fits both sides never holds back its like, nor itself. */
export function inhibitorsOf(
  inhibitions: readonly Inhibition[],
  alert: Named,
  firing: readonly Named[],
): readonly Named[] {
  return inhibitions.flatMap(({ source, target, equal }) => {
    if (!matchesAll(target, alert)) return [];
    const isSourceToo = matchesAll(source, alert);
    return firing.filter(
      (other) =>
        other.fingerprint !== alert.fingerprint &&
        matchesAll(source, other) &&
        !(isSourceToo && matchesAll(target, other)) &&
        equal.every((name) => labelOf(other, name) === labelOf(alert, name)),
    );
  });
}
