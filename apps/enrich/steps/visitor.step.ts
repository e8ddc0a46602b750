import { createHmac, hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { EventData, Step } from './step.js';

/** Salts of a day or so each: a log of a year needs some hundred. */
const CACHED_SALTS = 500;
/** 96 bits: two of a thousand million visitors meet with a chance below 10^-10. */
const ID_LENGTH = 16;

export interface VisitorOptions {
  /** The first alternative of which every field is present decides. */
  readonly from: readonly (readonly string[])[];
  readonly rotateSaltMs: number;
  /** The salt of each period is made from it; who does not have it cannot link a visitor to an address. */
  readonly secret: string;
}

/**
 * `visitor`: a keyed hash, so that people can be counted without storing who they are. The salt follows the time
 * of the event, not of its arrival: a log gives the same visitors whenever it is loaded.
 */
export function visitorStep({ from, rotateSaltMs, secret }: VisitorOptions): Step {
  const salts = new LRUCache<number, string>({ max: CACHED_SALTS });
  const saltOf = (timeMs: number): string => {
    const period = Math.floor(timeMs / rotateSaltMs);
    let salt = salts.get(period);
    if (salt === undefined)
      salts.set(period, (salt = createHmac('sha256', secret).update(`salt ${period}`).digest('base64')));
    return salt;
  };
  return (data: EventData, timeMs: number): undefined => {
    for (const fields of from) {
      const identity = identityOf(data, fields);
      if (identity === undefined) continue;
      // A hash of salt and identity, not an HMAC: that costs ten times as much here, and what it guards against (appending
      // to a known text) is no use to anybody where most of the hash is cut off.
      data['visitor'] = hash('sha256', saltOf(timeMs) + identity, 'base64url').slice(0, ID_LENGTH);
      return;
    }
    // Whoever sends events does not say who somebody is.
    delete data['visitor'];
  };
}

/** The fields with their names, so that a user id is never taken for an address of the same text. */
function identityOf(data: EventData, fields: readonly string[]): string | undefined {
  let identity = '';
  for (const field of fields) {
    const value = data[field];
    if (value === undefined || value === null || value === '') return undefined;
    identity += `${field}=${typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean)}\n`;
  }
  return identity;
}
