import { hash } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import type { MaskWay } from '#libs/pipeline';
import { withoutMapping } from './mapped-address.js';
import type { EventData, Step } from './step.js';

const MASK = '***';
const HASH_LENGTH = 16;

export interface MaskOptions {
  readonly fields: readonly string[];
  readonly way: MaskWay;
  readonly ipv4Bits: number;
  readonly ipv6Bits: number;
  /** What hashes are made with: who does not have it can't try all addresses. */
  readonly secret: string;
}

/**
 * Makes fields unreadable. `truncate`: an address keeps its first bits, whatever is none becomes `***`; `hash`: equal values
 * stay equal, and nothing else can be told; `drop`: the field is gone.
 */
export function maskStep({ fields, way, ipv4Bits, ipv6Bits, secret }: MaskOptions): Step {
  const masked = (value: unknown): unknown => {
    if (way === 'drop') return undefined;
    if (way === 'hash') return hashed(value, secret);
    return truncated(value, ipv4Bits, ipv6Bits);
  };
  return (data: EventData): undefined => {
    for (const field of fields) {
      const value = data[field];
      if (value === undefined || value === null) continue;
      const kept = masked(value);
      if (kept === undefined) delete data[field];
      else data[field] = kept;
    }
  };
}

function hashed(value: unknown, secret: string): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return hash('sha256', `mask ${secret}\n${text}`, 'base64url').slice(0, HASH_LENGTH);
}

function truncated(value: unknown, ipv4Bits: number, ipv6Bits: number): string {
  if (typeof value !== 'string') return MASK;
  const inner = withoutMapping(value);
  if (isIPv4(inner)) {
    const kept = cutBytes(inner.split('.').map(Number), ipv4Bits, 8).join('.');
    return value.replace(inner, kept);
  }
  const plain = value.split('%', 1)[0] ?? '';
  return isIPv6(plain) ? printGroups(cutBytes(groupsOf(plain), ipv6Bits, 16)) : MASK;
}

/** Parts of so many bits each, all behind the first `bits` set to 0. */
function cutBytes(parts: readonly number[], bits: number, size: number): readonly number[] {
  return parts.map((part, index) => {
    const kept = Math.min(size, Math.max(0, bits - index * size));
    return part & (((1 << kept) - 1) << (size - kept));
  });
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): readonly number[] {
  const [head = '', tail] = withoutDots(address).split('::');
  const front = numbersOf(head);
  if (tail === undefined) return front;
  const back = numbersOf(tail);
  return [...front, ...new Array<number>(Math.max(0, 8 - front.length - back.length)).fill(0), ...back];
}

function numbersOf(groups: string): readonly number[] {
  return groups === '' ? [] : groups.split(':').map((group) => parseInt(group, 16));
}

/** An IPv4 ending stands for two groups. */
function withoutDots(address: string): string {
  const at = address.lastIndexOf(':') + 1;
  if (!address.includes('.')) return address;
  const [a = 0, b = 0, c = 0, d = 0] = address.slice(at).split('.').map(Number);
  return `${address.slice(0, at)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** Zeros at the end as `::`; those before them are written out. */
function printGroups(groups: readonly number[]): string {
  const end = groups.findLastIndex((group) => group !== 0) + 1;
  const shown = groups.slice(0, Math.max(end, Math.min(3, groups.length))).map((group) => group.toString(16));
  return shown.length >= 7 ? groups.map((group) => group.toString(16)).join(':') : `${shown.join(':')}::`;
}
