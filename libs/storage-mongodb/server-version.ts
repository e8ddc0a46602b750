import { StoreTooOldError } from './storage-mongodb.errors.js';

/** Time-series collections came with 5.0. */
const REFUSED_BELOW = '5.0.0';

/** What a version risks, by the first version of its line that does not. Newest first. */
const RISKS: readonly { readonly from: string; readonly fixed: string; readonly issue: string }[] = [
  {
    from: '5.0.0',
    fixed: '6.0.19',
    issue:
      'SERVER-96419: crafted BSON with null bytes crashes the server or reads beyond its buffers; SERVER-89529: retryable writes may be done twice while a collection is resharded',
  },
  {
    from: '5.0.0',
    fixed: '6.0.7',
    issue:
      'SERVER-71985: inserts into time-series collections fail now and then with a duplicate bucket id (Millrace tries again)',
  },
];

/** What to make of a server's version. */
export type VersionVerdict =
  | { readonly kind: 'fine' }
  | { readonly kind: 'risky'; readonly wanted: string; readonly issues: readonly string[] };

/**
 * Decides whether a server of this version is used.
 *
 * @param version as `buildInfo` gives it, e.g. `6.0.5` or `7.0.0-rc1`
 * @throws StoreTooOldError below 5.0
 */
export function judgeVersion(version: string): VersionVerdict {
  if (compareVersionTexts(version, REFUSED_BELOW) < 0) throw new StoreTooOldError(version, '5.0');
  const risks = RISKS.filter(
    ({ from, fixed }) => compareVersionTexts(version, from) >= 0 && compareVersionTexts(version, fixed) < 0,
  );
  if (risks.length === 0) return { kind: 'fine' };
  return { kind: 'risky', wanted: '6.0.19', issues: risks.map(({ issue }) => issue) };
}

function compareVersionTexts(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbersOf(version: string): readonly number[] {
  return (version.split('-')[0] ?? '').split('.').map((part) => Number.parseInt(part, 10) || 0);
}
