/** A typo has at most so many letters wrong, and less than half of the word. */
const MAX_TYPO_DISTANCE = 2;

/** The name that was probably meant: the nearest by edit distance, if it is near. */
export function nearName(written: string, names: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let nearestDistance = Math.min(MAX_TYPO_DISTANCE, Math.floor((written.length - 1) / 2)) + 1;
  for (const name of names) {
    const distance = editDistance(written.toLowerCase(), name.toLowerCase());
    if (distance < nearestDistance) [nearest, nearestDistance] = [name, distance];
  }
  return nearest;
}

/** `one of a, b, c (did you mean b?)` */
export function wantedName(written: string, names: Iterable<string>): string {
  const all = [...names];
  if (all.length === 0) return 'none: there is nothing to name here';
  const meant = nearName(written, all);
  return `one of ${all.join(', ')}${meant === undefined ? '' : ` (did you mean ${meant}?)`}`;
}

/** Letters to insert, remove, replace or swap with their neighbour to turn one text into the other. */
export function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? at(i - 2, j - 2) + 1 : Infinity;
      rows[i]?.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced, swapped));
    }
  }
  return at(a.length, b.length);
}
