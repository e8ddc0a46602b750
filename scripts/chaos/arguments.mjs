// The arguments of `npm run chaos`.

import { parseArgs } from 'node:util';
import { ScriptFailure } from '../workspace.mjs';
import { FAULT_KINDS } from './fault-plan.mjs';

/** libs/functions/fences.ts has their meaning; an app refuses the name of any other. */
const USAGE = `usage: npm run chaos [-- --minutes 3 --seed 1 --rate 2000 --faults ${FAULT_KINDS.join(',')} --without FENCE --keep --json]
  --minutes  how long the load lasts, at least: every kind of fault comes once, however long that takes
  --rate     events per second
  --faults   only these kinds
  --without  take a fence away, to see what it is there for (docs/operations.md, "Chaos"); may be given several times
  --keep     leave the folder of the run, which is kept anyway where something is wrong`;

/** @throws ScriptFailure that says what is wrong and what would be right */
export function readArguments(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        minutes: { type: 'string', default: '3' },
        seed: { type: 'string', default: '1' },
        rate: { type: 'string', default: '2000' },
        faults: { type: 'string', default: FAULT_KINDS.join(',') },
        without: { type: 'string', multiple: true, default: [] },
        keep: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new ScriptFailure(`${error.message}\n${USAGE}`, 2);
  }
  const { without, keep: isKept, json: isJson } = values;
  return {
    minutes: number('minutes', values.minutes, { least: 0.1, most: 24 * 60 }),
    seed: number('seed', values.seed, { least: 0, most: 2 ** 32 - 1, isWhole: true }),
    rate: number('rate', values.rate, { least: 100, most: 50_000, isWhole: true }),
    kinds: kindsIn(values.faults),
    without,
    isKept,
    isJson,
  };
}

function number(name, text, { least, most, isWhole = false }) {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most && (!isWhole || Number.isInteger(value)))
    return value;
  const wanted = `a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}`;
  throw new ScriptFailure(`--${name} is '${text}', wanted ${wanted}\n${USAGE}`, 2);
}

function kindsIn(text) {
  const kinds = text.split(',').filter((kind) => kind !== '');
  const unknown = kinds.find((kind) => !FAULT_KINDS.includes(kind));
  if (unknown !== undefined || kinds.length === 0)
    throw new ScriptFailure(
      `--faults has '${unknown ?? ''}', wanted some of ${FAULT_KINDS.join(', ')}\n${USAGE}`,
      2,
    );
  return kinds;
}
