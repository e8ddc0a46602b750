import { Injectable } from '@nestjs/common';
import { Clock, type JsonObject } from '#libs/kernel';
import { Pipelines } from '#libs/platform';
import { COLLECTIONS, type DocumentQuery, DocumentStore, type DocumentWrite } from '#libs/storage';
import { isoTime } from '../request-query.js';
import { planRedrive, type RedrivePlan } from './redrive-plan.js';
import { RawWriter } from './raw-writer.js';
import type { RedriveRequest } from './redrive-request.js';

/** Letters that are looked at, and sent, in one go. */
const BATCH = 500;
/** Letters that one request looks at, however few of them it may send. */
const MAX_EXAMINED = 100_000;
const MAX_PROBLEMS = 100;

/** What became of the dead letters that were to be sent again. */
export interface RedriveAnswer {
  readonly dryRun: boolean;
  /** Sent now; of a dry run: would be sent. */
  readonly sent: number;
  /** Sent by an earlier request, and not again. */
  readonly alreadySent: number;
  readonly notRedrivable: number;
  /** The first 100 that can't be sent, each with the reason. */
  readonly problems: readonly { readonly id: string; readonly code: string; readonly reason: string }[];
  /** The limit was reached: there may be more that the filter fits. */
  readonly more: boolean;
}

type Planned = { readonly letter: DocumentWrite; readonly plan: Extract<RedrivePlan, { kind: 'send' }> };
type Answer = { -readonly [Name in keyof RedriveAnswer]: RedriveAnswer[Name] } & {
  problems: { id: string; code: string; reason: string }[];
};

/**
 * Sends dead letters on their way again.
 *
 *   D1. First the letter is marked as being sent, with the id and the time it goes by; then the event is stored; then the
 *       letter is marked as sent. Who finds only the first mark sends the same again: the id is the same, and enrich counts it once.
 *   D2. A letter that is marked as sent is not sent again. If it fails again it leaves a letter of its own.
 */
@Injectable()
export class Redriver {
  constructor(
    private readonly documents: DocumentStore,
    private readonly pipelines: Pipelines,
    private readonly writer: RawWriter,
    private readonly clock: Clock,
  ) {}

  async redrive(request: RedriveRequest): Promise<RedriveAnswer> {
    const answer: Answer = {
      dryRun: request.dryRun,
      sent: 0,
      alreadySent: 0,
      notRedrivable: 0,
      problems: [],
      more: false,
    };
    for await (const letters of this.#lettersOf(request, answer)) {
      const room = request.limit - answer.sent;
      const plans = await this.#plan(letters, room, answer);
      if (!request.dryRun) await this.#send(plans);
      answer.sent += plans.length;
      if (answer.sent >= request.limit) {
        answer.more = true;
        break;
      }
    }
    return answer;
  }

  /** How each of these letters was sent again, by its id. */
  async marksOf(letters: readonly DocumentWrite[]): Promise<ReadonlyMap<string, JsonObject>> {
    const marks = await Promise.all(letters.map(({ id }) => this.#markOf(id)));
    return new Map(
      marks.flatMap((mark) =>
        mark?.fields['isSent'] === true
          ? [[mark.id, { as: mark.body['as'] ?? null, at: isoTime(mark.timeMs) }] as const]
          : [],
      ),
    );
  }

  async *#lettersOf(request: RedriveRequest, answer: Answer): AsyncGenerator<readonly DocumentWrite[]> {
    if ('ids' in request) {
      for (let first = 0; first < request.ids.length; first += BATCH)
        yield await this.#named(request.ids.slice(first, first + BATCH), answer);
      return;
    }
    let cursor: string | undefined;
    for (let examined = 0; examined < MAX_EXAMINED; examined += BATCH) {
      const query: DocumentQuery = {
        ...request.filter,
        limit: BATCH,
        ...(cursor === undefined ? {} : { cursor }),
      };
      const page = await this.documents.find(query);
      yield page.documents;
      cursor = page.nextCursor;
      if (cursor === undefined) return;
    }
    answer.more = true;
  }

  async #named(ids: readonly string[], answer: Answer): Promise<readonly DocumentWrite[]> {
    const found = await Promise.all(ids.map((id) => this.documents.get(COLLECTIONS.deadLetters, id)));
    for (const [index, id] of ids.entries()) {
      if (found[index] === undefined)
        refuse(answer, id, { code: 'DEAD_LETTER_UNKNOWN', reason: 'there is no dead letter of this id' });
    }
    return found.filter((letter) => letter !== undefined);
  }

  async #plan(letters: readonly DocumentWrite[], room: number, answer: Answer): Promise<readonly Planned[]> {
    const planned: Planned[] = [];
    const marks = await Promise.all(letters.map(({ id }) => this.#markOf(id)));
    for (const [index, letter] of letters.entries()) {
      const mark = marks[index];
      if (mark?.fields['isSent'] === true) {
        answer.alreadySent++;
        continue;
      }
      if (planned.length >= room) return planned;
      const pipeline = this.pipelines.all.find(({ name }) => name === letter.fields['pipeline']);
      const plan =
        pipeline === undefined
          ? noPipeline(String(letter.fields['pipeline']))
          : planRedrive(letter, pipeline, mark?.timeMs ?? this.clock.nowMs());
      if (plan.kind === 'send') planned.push({ letter, plan });
      else refuse(answer, letter.id, plan);
    }
    return planned;
  }

  async #send(planned: readonly Planned[]): Promise<void> {
    for (const each of planned) await this.documents.putIfAbsent(this.#mark(each, false));
    const byPipeline = Map.groupBy(planned, ({ letter }) => String(letter.fields['pipeline']));
    for (const [name, found] of byPipeline) {
      await this.writer.write(
        this.pipelines.byName(name),
        found.map(({ plan }) => plan),
      );
      await this.documents.put(found.map((each) => this.#mark(each, true)));
    }
  }

  #mark({ letter, plan }: Planned, isSent: boolean): DocumentWrite {
    return {
      collection: COLLECTIONS.redrives,
      id: letter.id,
      timeMs: this.clock.nowMs(),
      fields: { pipeline: letter.fields['pipeline'] ?? '', isSent },
      body: { as: plan.event.id },
    };
  }

  #markOf(id: string): Promise<DocumentWrite | undefined> {
    return this.documents.get(COLLECTIONS.redrives, id);
  }
}

function refuse(
  answer: Answer,
  id: string,
  { code, reason }: { readonly code: string; readonly reason: string },
): void {
  answer.notRedrivable++;
  if (answer.problems.length < MAX_PROBLEMS) answer.problems.push({ id, code, reason });
}

function noPipeline(name: string): Extract<RedrivePlan, { kind: 'refuse' }> {
  return { kind: 'refuse', code: 'PIPELINE_UNKNOWN', reason: `there is no pipeline '${name}' any more` };
}
