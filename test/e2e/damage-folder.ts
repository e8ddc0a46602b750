import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PAGE_BYTES = 4096;
const FILES = ['store/data.mdb', 'log/data.mdb'];

/** Damages one file of a data folder; says how. The same random numbers do the same damage to the same files. */
export function damageFolder(folder: string, random: () => number): string {
  const name = FILES[Math.floor(random() * FILES.length)] ?? '';
  const file = join(folder, name);
  const kind = random();
  if (kind < 0.15) return `${name}: ${truncate(file, random)}`;
  const bytes = readFileSync(file);
  const done = kind < 0.3 ? blank(bytes, random) : flip(bytes, kind < 0.6, random);
  writeFileSync(file, bytes);
  return `${name}: ${done}`;
}

function truncate(file: string, random: () => number): string {
  const size = readFileSync(file).length;
  const left = Math.floor(random() * size);
  // As file systems do, at a page, or as copies do that broke off, anywhere.
  const at = random() < 0.5 ? left - (left % PAGE_BYTES) : left;
  truncateSync(file, at);
  return `cut off at ${at} of ${size}`;
}

function blank(bytes: Buffer, random: () => number): string {
  const page = Math.floor((random() * bytes.length) / PAGE_BYTES);
  bytes.fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
  return `page ${page} blanked`;
}

/** @param inHeads where LMDB keeps what a page is and where its keys are: seldom hit else */
function flip(bytes: Buffer, inHeads: boolean, random: () => number): string {
  const count = 1 + Math.floor(random() * 30);
  const places: string[] = [];
  for (let tries = 0; places.length < count && tries < 10_000; tries++) {
    const place = Math.floor(random() * bytes.length);
    const at = inHeads ? place - (place % PAGE_BYTES) + (place % 48) : place;
    // What is zero is mostly unused.
    if (bytes[at] === 0) continue;
    const by = 1 + Math.floor(random() * 255);
    bytes[at] = (bytes[at] ?? 0) ^ by;
    places.push(`${at}^${by}`);
  }
  return `flipped ${places.join(' ')}`;
}
