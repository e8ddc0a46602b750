// One log of many processes: time, who, level, what, and the facts, one line each.

const LEVELS = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'WARN', 50: 'ERROR', 60: 'FATAL' };
const COLOURS = [36, 32, 33, 35, 34, 96, 92, 93, 95, 94];
const NAME_WIDTH = 11;
const MAX_FACTS = 400;
const KNOWN = new Set(['level', 'time', 'msg', 'app', 'pid', 'hostname']);

export class LogView {
  #output;
  #colours = new Map();

  constructor(output) {
    this.#output = output;
  }

  /** A line that an app has written: of its log, or any other. */
  line(name, text) {
    const entry = parse(text);
    if (entry === undefined) return this.#write(name, text);
    const { level, time, msg } = entry;
    const at = new Date(time).toISOString().slice(11, 23);
    this.#write(name, `${at} ${(LEVELS[level] ?? 'info').padEnd(5)} ${msg}${factsOf(entry)}`);
  }

  /** A sentence of the cluster itself. */
  say(text) {
    for (const line of text.split('\n')) this.#write('cluster', line);
  }

  #write(name, text) {
    const prefix = `${name.padEnd(NAME_WIDTH)} |`;
    if (!this.#output.isTTY) return void this.#output.write(`${prefix} ${text}\n`);
    if (!this.#colours.has(name)) this.#colours.set(name, COLOURS[this.#colours.size % COLOURS.length]);
    this.#output.write(`\u001b[${this.#colours.get(name)}m${prefix}\u001b[0m ${text}\n`);
  }
}

function parse(text) {
  if (!text.startsWith('{')) return undefined;
  try {
    const entry = JSON.parse(text);
    return typeof entry.msg === 'string' && typeof entry.time === 'number' ? entry : undefined;
  } catch {
    return undefined;
  }
}

function factsOf(entry) {
  const facts = Object.entries(entry)
    .filter(([name]) => !KNOWN.has(name))
    .map(([name, value]) => `${name}=${textOf(value)}`)
    .join(' ');
  if (facts === '') return '';
  return facts.length > MAX_FACTS ? `  ${facts.slice(0, MAX_FACTS)}…` : `  ${facts}`;
}

function textOf(value) {
  if (typeof value !== 'object' || value === null) return String(value);
  // Of an error: what it says, not where it comes from.
  return typeof value.message === 'string' ? value.message : JSON.stringify(value);
}
