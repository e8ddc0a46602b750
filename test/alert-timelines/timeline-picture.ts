import type { AlertEvent, AlertStatus } from '#libs/alerting';
import type { Played, Stretch } from './scenario.js';

// One picture as SVG: what comes in, a line an alert with its states, and what is told of them.

const MINUTE_MS = 60_000;
const LEFT = 150;
const WIDTH = 860;
const LINE = 26;

const COLOURS: Readonly<Record<AlertStatus, string | undefined>> = {
  inactive: undefined,
  pending: '#f2c14e',
  firing: '#d64545',
  recovering: '#f08a4b',
  resolved: '#8fbf8f',
  nodata: '#8c86aa',
};
/** What is over stays in sight for so long. */
const RESOLVED_MINUTES = 1;

export function timelinePicture(played: Played): string {
  const picture = new Picture(played);
  picture.draw();
  return picture.text();
}

class Picture {
  readonly #parts: string[] = [];
  readonly #minutes: number;
  #y = 8;

  constructor(private readonly played: Played) {
    const { startMs, untilMs } = played.test;
    this.#minutes = Math.ceil((untilMs - startMs) / MINUTE_MS) + 1;
  }

  draw(): void {
    this.#axis();
    for (const [name, values] of this.#inputs()) this.#values(name, values);
    this.#events();
    for (const stretch of this.#stretches()) this.#stretch(stretch);
    for (const events of this.#alerts()) this.#alert(events);
    this.#notifications();
  }

  text(): string {
    const height = this.#y + 8;
    const { name, says } = this.played.scenario;
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="sans-serif" font-size="12">`,
      `<title>${escaped(name)}: ${escaped(says)}</title>`,
      `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
      ...this.#parts,
      '</svg>\n',
    ].join('\n');
  }

  #x(minute: number): number {
    const x = LEFT + (minute / this.#minutes) * (WIDTH - LEFT - 10);
    return Math.round(x * 10) / 10;
  }

  #minuteOf(timeMs: number): number {
    return (timeMs - this.played.test.startMs) / MINUTE_MS;
  }

  #label(text: string): void {
    this.#say(LEFT - 8, text, 'text-anchor="end"');
  }

  #say(x: number, text: string, more = ''): void {
    this.#parts.push(`<text x="${x}" y="${this.#y + 17}" fill="#222" ${more}>${escaped(text)}</text>`);
  }

  #bar({ from, to }: Pick<Stretch, 'from' | 'to'>, colour: string, text: string): void {
    const [x, end] = [this.#x(from), this.#x(to)];
    const width = Math.round((end - x) * 10) / 10;
    this.#parts.push(
      `<rect x="${x}" y="${this.#y + 3}" width="${width}" height="${LINE - 6}" rx="3" fill="${colour}"/>`,
    );
    if (width > text.length * 7) this.#say(x + 4, text, 'font-size="11"');
  }

  #axis(): void {
    this.#label('minute');
    for (let minute = 0; minute <= this.#minutes; minute++)
      this.#say(this.#x(minute), String(minute), 'text-anchor="middle" fill-opacity="0.6" font-size="10"');
    this.#y += LINE;
  }

  /** By name: what each minute has. */
  #inputs(): ReadonlyMap<string, readonly { readonly minute: number; readonly text: string }[]> {
    const found = new Map<string, { minute: number; text: string }[]>();
    for (const { atMs, row } of this.played.test.rows) {
      for (const [measure, value] of Object.entries(row.measures)) {
        const name = [...Object.values(row.key).map(String), measure].join(' ');
        const isCorrection = row.revision > 0;
        const minute = this.#minuteOf(isCorrection ? atMs : row.windowEndMs);
        const text = isCorrection ? `↻${String(value)}` : String(value);
        found.set(name, [...(found.get(name) ?? []), { minute, text }]);
      }
    }
    return found;
  }

  /** A row is complete at the end of its minute. */
  #values(name: string, values: readonly { readonly minute: number; readonly text: string }[]): void {
    this.#label(name);
    for (const { minute, text } of values) this.#say(this.#x(minute), text, 'text-anchor="middle"');
    this.#y += LINE;
  }

  #events(): void {
    const { events } = this.played.test;
    if (events.length === 0) return;
    this.#label('events');
    for (const { atMs, data } of events)
      this.#say(this.#x(this.#minuteOf(atMs)), `●${String(data['status'])} ${String(data['path'])}`);
    this.#y += LINE;
  }

  #stretches(): readonly Stretch[] {
    const { silences, standstills, clockMs } = this.played.test;
    const minute = (ms: number): number => (ms - clockMs) / MINUTE_MS;
    return [
      ...(this.played.scenario.marks ?? []),
      ...silences.map((each) => ({
        ...{ text: 'silenced', from: minute(each.startsAtMs) },
        to: Math.min(this.#minutes, minute(each.endsAtMs)),
      })),
      ...standstills.map((each) => ({
        ...{ text: 'nothing goes on', from: this.#minuteOf(each.fromMs), to: this.#minuteOf(each.toMs) },
      })),
    ];
  }

  #stretch(stretch: Stretch): void {
    this.#bar(stretch, '#d5dbe3', stretch.text);
    this.#y += LINE;
  }

  #alerts(): readonly (readonly AlertEvent[])[] {
    const found = new Map<string, AlertEvent[]>();
    for (const event of this.played.transitions)
      found.set(event.fingerprint, [...(found.get(event.fingerprint) ?? []), event]);
    return [...found.values()];
  }

  #alert(events: readonly AlertEvent[]): void {
    const [first] = events;
    if (first === undefined) return;
    const labels = Object.entries(first.labels).filter(([name]) => name !== 'stream');
    this.#label([first.rule, ...labels.map(([, value]) => String(value))].join(' '));
    for (const [place, event] of events.entries()) this.#state(event, events[place + 1]);
    this.#y += LINE;
  }

  #state(event: AlertEvent, next: AlertEvent | undefined): void {
    const { status } = event;
    const colour = COLOURS[status];
    if (colour === undefined) return;
    const from = this.#beginOf(event);
    const end = next === undefined ? this.#minutes : this.#beginOf(next);
    const to = Math.min(end, status === 'resolved' ? from + RESOLVED_MINUTES : this.#minutes);
    this.#bar({ from, to }, colour, status);
    const marks = marksOf(event);
    if (marks !== '')
      this.#say(status === 'resolved' ? this.#x(to) + 4 : this.#x(from) + 48, marks, 'font-size="11"');
  }

  /** What a correction undoes is told when it comes. */
  #beginOf({ reason, since }: AlertEvent): number {
    const correction = this.played.test.rows.find(({ row }) => row.revision > 0);
    const isCorrected = reason === 'updated' && correction !== undefined;
    return this.#minuteOf(isCorrected ? correction.atMs : Date.parse(since));
  }

  #notifications(): void {
    const { notifications, test } = this.played;
    this.#label('notified');
    if (notifications.length === 0) this.#say(LEFT, 'nobody', 'fill-opacity="0.6" font-size="11"');
    for (const { at, status, reason, alerts } of notifications) {
      const x = this.#x((Date.parse(at) - test.clockMs) / MINUTE_MS);
      const [y, colour] = [this.#y, status === 'firing' ? COLOURS.firing : COLOURS.resolved];
      this.#parts.push(
        `<path d="M${x} ${y + 4}l5 9h-10z" fill="${colour}"><title>${status}, ${reason}: ${escaped(alerts.map(({ rule }) => rule).join(', '))}</title></path>`,
        `<text x="${x}" y="${y + 23}" text-anchor="middle" font-size="9" fill="#222">${reason === 'repeat' ? 'again' : status} ${alerts.length}</text>`,
      );
    }
    this.#y += LINE;
  }
}

function marksOf(event: AlertEvent): string {
  const isHistorical = 'historical' in event && event.historical === true;
  const marks = [event.flapping === true && 'flapping', isHistorical && 'historical'];
  const isTelling = ['updated', 'no-data', 'storm', 'silent'].includes(event.reason);
  return [...marks, isTelling && event.reason].filter((mark) => mark !== false).join(', ');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
