import { type Call, type CallFault, type CallKind, type FaultPlan, NO_FAULT } from './fault-plan.js';
import type { SimulatedProcess } from './simulated-process.js';

/** One accident of a schedule that somebody has thought of. */
export interface ScriptedFault {
  readonly kind: CallKind;
  /** The end of the call's target, e.g. `local/0` or `results|1`. Default: any */
  readonly target?: string;
  /** Only calls of such processes count. Default: any */
  readonly of?: (process: SimulatedProcess) => boolean;
  /** It meets the so-manieth such call, from 1. */
  readonly nth: number;
  readonly fault: CallFault | ((process: SimulatedProcess) => CallFault);
}

/** Accidents at chosen calls, and everything else without one: a directed schedule. */
export class ScriptedFaults implements FaultPlan {
  readonly #seen = new Map<ScriptedFault, number>();
  /** How many of the accidents have happened. */
  happened = 0;

  constructor(
    private readonly script: readonly ScriptedFault[],
    private readonly parts: Partial<Pick<FaultPlan, 'cursorSkew' | 'rewind'>> = {},
  ) {}

  latencyMs(): number {
    return 1;
  }

  cursorSkew(): number {
    return this.parts.cursorSkew?.() ?? 0;
  }

  rewind(): number {
    return this.parts.rewind?.() ?? 0;
  }

  onCall(process: SimulatedProcess, call: Call): CallFault {
    for (const step of this.script) {
      if (!isMet(step, process, call)) continue;
      const count = (this.#seen.get(step) ?? 0) + 1;
      this.#seen.set(step, count);
      if (count !== step.nth) continue;
      this.happened++;
      return typeof step.fault === 'function' ? step.fault(process) : step.fault;
    }
    return NO_FAULT;
  }
}

function isMet({ kind, target = '', of }: ScriptedFault, process: SimulatedProcess, call: Call): boolean {
  return kind === call.kind && call.target.endsWith(target) && (of === undefined || of(process));
}
