import { isIPv4, isIPv6 } from 'node:net';
import type { EventData, Step } from './step.js';

const MASK = '***';

/** Makes fields unreadable: an IPv4 address keeps its first three bytes, IPv6 its first 48 bits, the rest is `***`. */
export function maskStep(fields: readonly string[]): Step {
  return (data: EventData): void => {
    for (const field of fields) {
      const value = data[field];
      if (value !== undefined && value !== null) data[field] = masked(value);
    }
  };
}

function masked(value: unknown): string {
  if (typeof value !== 'string') return MASK;
  if (isIPv4(value)) return `${value.slice(0, value.lastIndexOf('.'))}.0`;
  return isIPv6(value) ? `${firstGroups(value).join(':')}::` : MASK;
}

/** The first three groups of an IPv6 address, `::` written out. */
function firstGroups(address: string): readonly string[] {
  const [head = '', tail] = address.split('::');
  const front = head === '' ? [] : head.split(':');
  if (tail === undefined || front.length >= 3) return front.slice(0, 3);
  const back = tail === '' ? [] : tail.split(':');
  // An IPv4 ending stands for two groups.
  const backGroups = back.length + (tail.includes('.') ? 1 : 0);
  const zeros = new Array<string>(Math.max(0, 8 - front.length - backGroups)).fill('0');
  return [...front, ...zeros, ...back].slice(0, 3);
}
