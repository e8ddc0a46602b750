import { type AlertEvent, alertEvent, alertRemovedEvent } from '../alert-event.js';
import type { AlertRule } from '../alert-rule.js';
import {
  type AlertObservation,
  type AlertState,
  type AlertTransition,
  decideTransitions,
  isActive,
} from '../alert-state.js';
import type { AlertBook } from './alert-book.js';
import { type AlertCell, judgedBy } from './alert-cell.js';
import type { Storms } from './storms.js';
import { without } from '../state/without.js';

/** Where what happens goes. */
export interface AlertSink {
  /** One transition; `atMs` is its event time. */
  readonly alert: (event: AlertEvent, atMs: number) => void;
}

/** What a judgement needs beside the row: the wall clock, and where it goes. */
export interface Telling {
  readonly nowMs: number;
  readonly sink: AlertSink;
}

/** Lets an observation change an alert, and tells what came of it. */
export class AlertTeller {
  constructor(
    private readonly pipeline: string,
    private readonly book: AlertBook,
    private readonly storms: Storms,
  ) {}

  /** @param parts what the value was made of */
  observe(
    rule: AlertRule,
    [fingerprint, cell]: readonly [string, Omit<AlertCell, 'state'> & Partial<AlertCell>],
    observation: AlertObservation & { readonly parts?: Readonly<Record<string, number>> | undefined },
    telling: Telling,
  ): void {
    const { parts, ...observed } = observation;
    const { state, transitions } = decideTransitions(rule, cell.state, observed);
    if (state === cell.state) return;
    const known: AlertCell = { ...cell, judgedBy: judgedByOf(rule), state };
    let next = isBeginning(cell.state, transitions) ? this.#admit(rule, known) : known;
    for (const transition of transitions) next = this.#tell(next, { rule, transition, parts }, telling);
    this.book.put(fingerprint, next);
    const isOfStorm = next.isHeld === true || cell.isHeld === true;
    const atMs = transitions.at(-1)?.atMs ?? state.judgedUntilMs;
    if (isOfStorm) this.storms.check(rule, { atMs }, telling);
  }

  /** The end of an alert that is not judged any more. */
  end(
    fingerprint: string,
    cell: AlertCell,
    reason: 'rule-removed' | 'rule-changed',
    { sink }: Telling,
  ): void {
    const { state, told } = cell;
    if (isActive(state) && told !== undefined && cell.isHeld !== true)
      sink.alert(alertRemovedEvent(told, state.judgedUntilMs, reason), state.judgedUntilMs);
    this.book.remove(fingerprint, cell);
  }

  /** One label set too many is held: it lives as any other, but only the storm speaks of it. */
  #admit(rule: AlertRule, cell: AlertCell): AlertCell {
    const isFull = this.book.countsOf(rule.name).active >= (rule.maxActive ?? Infinity);
    const free = without(cell, 'isHeld');
    return isFull ? { ...free, isHeld: true } : free;
  }

  #tell(
    cell: AlertCell,
    told: {
      readonly rule: AlertRule;
      readonly transition: AlertTransition;
      readonly parts: Readonly<Record<string, number>> | undefined;
    },
    { nowMs, sink }: Telling,
  ): AlertCell {
    if (cell.isHeld === true) return cell;
    const { rule, transition, parts } = told;
    const subject = { pipeline: this.pipeline, rule, labels: cell.labels };
    const event = alertEvent(subject, transition, nowMs, parts);
    sink.alert(event, transition.atMs);
    return { ...cell, told: event };
  }
}

/** What is corrected after its end begins nothing, and is told as it was. */
function isBeginning(before: AlertState | undefined, [first]: readonly AlertTransition[]): boolean {
  return (before === undefined || !isActive(before)) && first?.from === 'inactive';
}

const KNOWN = new WeakMap<AlertRule, string>();

function judgedByOf(rule: AlertRule): string {
  const known = KNOWN.get(rule) ?? judgedBy(rule);
  KNOWN.set(rule, known);
  return known;
}
