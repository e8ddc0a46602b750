import { type JsonScalar, murmur3 } from '#libs/kernel';

/** What tells the alerts of one rule apart: `stream`, and the key of the series. */
export type AlertLabels = Readonly<Record<string, JsonScalar>>;

/** Four seeds, 128 bits. Fingerprints are stored and sent: never change them. */
const SEEDS = [0x0, 0x9747b28c, 0x5bd1e995, 0x1b873593];

/** The name of one alert: the same for the same pipeline, rule and labels, in any order. 32 hexadecimal digits. */
export function alertFingerprint(pipeline: string, rule: string, labels: AlertLabels): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([pipeline, rule, sorted]);
  return SEEDS.map((seed) => murmur3(text, seed).toString(16).padStart(8, '0')).join('');
}

/** The name of an episode: `<fingerprint>-<start of its first breaching window>`. */
export function episodeId(fingerprint: string, episodeStartMs: number): string {
  return `${fingerprint}-${episodeStartMs}`;
}
