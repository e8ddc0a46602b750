import type { Member, Roster } from '#libs/storage';

// Who is to run what, decided by every process for itself from the same roster:
//   S1. Of each stage a process has as many tasks as any other that could run it, or one more or less; and so of all stages together.
//   S2. A task stays where it is unless S1 says otherwise. Of one stage as few move as may be; of several, at most one more for each.
//   S3. The same roster gives the same shares, whoever looks: nobody waits for somebody who thinks otherwise.

/** By task name, the member that is to run it; missing: nobody can at present. */
export type TaskShares = ReadonlyMap<string, string>;

/** One stage with those who could run it. */
interface StageShares {
  readonly tasks: readonly string[];
  readonly members: readonly Member[];
  /** By owner: the tasks that it has, in the order of their names. */
  readonly held: ReadonlyMap<string, readonly string[]>;
  /** What everybody gets. */
  readonly base: number;
  /** Who gets one more. */
  readonly extra: Set<string>;
}

/** Everybody's share. Whoever is leaving has none. */
export function sharesOf({ members, holders }: Roster): TaskShares {
  const staying = members
    .filter(({ isLeaving }) => !isLeaving)
    .sort((a, b) => (a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : 0));
  const stages = stagesOf(staying, holders);
  const totals = new Map(staying.map(({ owner }) => [owner, 0]));
  for (const stage of stages) giveExtras(stage, totals);
  levelTotals(stages, totals);
  return new Map(stages.flatMap((stage) => [...sharesIn(stage)]));
}

/** What one process has to do by now. */
export interface TaskMoves {
  /** Its share, as far as nobody else has it. */
  readonly take: ReadonlySet<string>;
  /** What it has and another one is to have. */
  readonly giveBack: ReadonlySet<string>;
  /** Some of its share is with somebody else still. */
  readonly isAwaiting: boolean;
}

export function movesOf(owner: string, roster: Roster): TaskMoves {
  const take = new Set<string>();
  const giveBack = new Set<string>();
  let isAwaiting = false;
  for (const [task, to] of sharesOf(roster)) {
    const holder = roster.holders.get(task);
    if (to === owner && (holder === undefined || holder === owner)) take.add(task);
    else if (to === owner) isAwaiting = true;
    else if (holder === owner) giveBack.add(task);
  }
  return { take, giveBack, isAwaiting };
}

function stagesOf(members: readonly Member[], holders: ReadonlyMap<string, string>): readonly StageShares[] {
  const tasks = new Map<string, Set<string>>();
  for (const task of members.flatMap((member) => member.tasks)) {
    const stage = task.slice(0, task.lastIndexOf('/'));
    const known = tasks.get(stage);
    if (known === undefined) tasks.set(stage, new Set([task]));
    else known.add(task);
  }
  return [...tasks.keys()]
    .sort()
    .map((name) => stageOf([...(tasks.get(name) ?? [])].sort(), members, holders));
}

function stageOf(
  tasks: readonly string[],
  everybody: readonly Member[],
  holders: ReadonlyMap<string, string>,
): StageShares {
  const wanted = new Set(tasks);
  const members = everybody.filter((member) => member.tasks.some((task) => wanted.has(task)));
  const held = new Map(
    members.map(({ owner }) => [owner, tasks.filter((task) => holders.get(task) === owner)] as const),
  );
  return { tasks, members, held, base: Math.floor(tasks.length / members.length), extra: new Set() };
}

/** One more than the others: best for whoever has it, then for whoever has least of everything. */
function giveExtras(stage: StageShares, totals: Map<string, number>): void {
  const { tasks, members, base, extra } = stage;
  const totalOf = (member: Member): number => totals.get(member.owner) ?? 0;
  // Sorting is stable: what is left is decided by the names.
  const order = [...members].sort(
    (a, b) => keeps(stage, b.owner) - keeps(stage, a.owner) || totalOf(a) - totalOf(b),
  );
  for (const { owner } of order.slice(0, tasks.length - base * members.length)) extra.add(owner);
  for (const { owner } of members)
    totals.set(owner, (totals.get(owner) ?? 0) + base + (extra.has(owner) ? 1 : 0));
}

/** 1: it has one more than everybody gets, and would have to give that back. */
function keeps({ held, base }: StageShares, owner: string): 0 | 1 {
  return (held.get(owner)?.length ?? 0) > base ? 1 : 0;
}

/** What one stage gives more to one is made good by another stage. Ends, since each exchange evens the totals out. */
function levelTotals(stages: readonly StageShares[], totals: Map<string, number>): void {
  for (let found = exchange(stages, totals); found !== undefined; found = exchange(stages, totals)) {
    const { stage, from, to } = found;
    stage.extra.delete(from);
    stage.extra.add(to);
    totals.set(from, (totals.get(from) ?? 0) - 1);
    totals.set(to, (totals.get(to) ?? 0) + 1);
  }
}

/** The exchange that moves least, of those between two whose totals are two or more apart. */
function exchange(
  stages: readonly StageShares[],
  totals: ReadonlyMap<string, number>,
): { readonly stage: StageShares; readonly from: string; readonly to: string } | undefined {
  let best: { readonly stage: StageShares; readonly from: string; readonly to: string } | undefined;
  let bestCost = Infinity;
  for (const stage of stages) {
    for (const from of stage.extra) {
      for (const { owner: to } of stage.members) {
        if (stage.extra.has(to) || (totals.get(from) ?? 0) - (totals.get(to) ?? 0) < 2) continue;
        const cost = keeps(stage, from) - keeps(stage, to);
        if (cost >= bestCost) continue;
        best = { stage, from, to };
        bestCost = cost;
      }
    }
  }
  return best;
}

function sharesIn(stage: StageShares): ReadonlyMap<string, string> {
  const { tasks, members, held, base, extra } = stage;
  const shares = new Map<string, string>();
  const room = new Map(members.map(({ owner }) => [owner, base + (extra.has(owner) ? 1 : 0)]));
  const give = (task: string, owner: string): void => {
    shares.set(task, owner);
    room.set(owner, roomOf(room, owner) - 1);
  };
  for (const { owner } of members)
    for (const task of (held.get(owner) ?? []).slice(0, room.get(owner))) give(task, owner);
  const holders = new Map(
    [...held].flatMap(([owner, theirs]) => theirs.map((task) => [task, owner] as const)),
  );
  for (const task of tasks) {
    const next = shares.has(task) ? undefined : nextFor(task, { members, room, holder: holders.get(task) });
    if (next !== undefined) give(task, next);
  }
  return shares;
}

/** Who takes a task that is free, or too many where it is. */
function nextFor(
  task: string,
  among: {
    readonly members: readonly Member[];
    readonly room: ReadonlyMap<string, number>;
    readonly holder: string | undefined;
  },
): string | undefined {
  const { members, room, holder } = among;
  const able = members.filter((member) => canRun(member, task)).map(({ owner }) => owner);
  const most = Math.max(...able.map((owner) => roomOf(room, owner)));
  const roomiest = able.find((owner) => roomOf(room, owner) === most);
  // What nobody with room can run stays; what is free goes to whoever can at all.
  return most > 0 ? roomiest : (holder ?? roomiest);
}

function roomOf(room: ReadonlyMap<string, number>, owner: string): number {
  return room.get(owner) ?? 0;
}

function canRun({ tasks, resting }: Member, task: string): boolean {
  return tasks.includes(task) && !resting.includes(task);
}
