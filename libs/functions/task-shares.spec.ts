import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Member, Roster } from '#libs/storage';
import { movesOf, sharesOf } from './task-shares.js';

const OWNERS = ['a', 'b', 'c', 'd'] as const;

function member(owner: string, tasks: readonly string[], rest: Partial<Member> = {}): Member {
  return { owner, tasks, resting: [], isLeaving: false, ...rest };
}

function stage(name: string, partitions: number): readonly string[] {
  return Array.from({ length: partitions }, (_, partition) => `web/${name}/${partition}`);
}

/** `a: local/0 local/1` */
function drawn(shares: ReadonlyMap<string, string>): Record<string, string> {
  const byOwner: Record<string, string> = {};
  for (const [task, owner] of [...shares].sort())
    byOwner[owner] = `${byOwner[owner] ?? ''} ${task.replace('web/', '')}`.trim();
  return byOwner;
}

describe('the shares of two who run four tasks', () => {
  const tasks = stage('local', 4);
  const both = [member('a', tasks), member('b', tasks)];

  it.each([
    ['nobody has any', {}, { a: 'local/0 local/2', b: 'local/1 local/3' }],
    ['one has all', { a: tasks }, { a: 'local/0 local/1', b: 'local/2 local/3' }],
    [
      'each has two',
      { a: tasks.slice(2), b: tasks.slice(0, 2) },
      { a: 'local/2 local/3', b: 'local/0 local/1' },
    ],
    [
      'somebody who is gone has three',
      { gone: tasks.slice(1), b: tasks.slice(0, 1) },
      { a: 'local/1 local/2', b: 'local/0 local/3' },
    ],
  ])('where %s', (_, has, wanted) => {
    expect(drawn(sharesOf({ members: both, holders: holdersIn(has) }))).toEqual(wanted);
  });

  it('are all those of the one that stays', () => {
    const members = [member('a', tasks, { isLeaving: true }), member('b', tasks)];
    const roster = { members, holders: holdersIn({ a: tasks.slice(2), b: tasks.slice(0, 2) }) };
    expect(drawn(sharesOf(roster))).toEqual({ b: 'local/0 local/1 local/2 local/3' });
    // The one that leaves gives back by itself, when it has committed.
    expect(movesOf('b', roster)).toMatchObject({ isAwaiting: true, take: new Set(tasks.slice(0, 2)) });
  });

  it('leave out what has just failed at one of them', () => {
    const members = [member('a', tasks, { resting: ['web/local/0'] }), member('b', tasks)];
    expect(sharesOf({ members, holders: new Map() }).get('web/local/0')).toBe('b');
    const alone = [member('a', tasks, { resting: ['web/local/0'] })];
    expect(sharesOf({ members: alone, holders: new Map() }).has('web/local/0')).toBe(false);
  });

  it('are of all stages together, where each has one task', () => {
    const single = ['x', 'y', 'z', 'w'].flatMap((name) => stage(name, 1));
    const members = [member('a', single), member('b', single)];
    const shares = drawn(sharesOf({ members, holders: holdersIn({ a: single }) }));
    expect(Object.values(shares).map((line) => line.split(' ').length)).toEqual([2, 2]);
  });

  it('are of the stages that each of them runs', () => {
    const members = [
      member('a', stage('local', 2)),
      member('b', [...stage('local', 2), ...stage('sums', 2)]),
    ];
    const shares = drawn(sharesOf({ members, holders: new Map() }));
    expect(shares).toEqual({ a: 'local/0', b: 'local/1 sums/0 sums/1' });
  });
});

describe('for any members, stages and holders', () => {
  const small = fc.record({
    partitions: fc
      .array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 })
      .filter((all) => sum(all) <= 6),
    owners: fc.integer({ min: 1, max: 3 }),
    held: fc.array(fc.constantFrom(...OWNERS, 'nobody'), { minLength: 6, maxLength: 6 }),
  });

  it('shares are even, and as little moves as may be', () => {
    fc.assert(
      fc.property(small, ({ partitions, owners, held }) => {
        const tasks = partitions.flatMap((count, place) => stage(`s${place}`, count));
        const members = OWNERS.slice(0, owners).map((owner) => member(owner, tasks));
        const holders = new Map(tasks.map((task, place) => [task, held[place] ?? 'nobody'] as const));
        for (const [task, owner] of holders) if (owner === 'nobody') holders.delete(task);
        const shares = sharesOf({ members, holders });
        const found = tasks.map((task) => shares.get(task) ?? 'nobody');
        expect(isEven(tasks, found, members)).toBe(true);
        const moves = movesIn(tasks, found, { members, holders });
        const fewest = fewestMoves(tasks, { members, holders });
        expect(moves).toBeGreaterThanOrEqual(fewest);
        // Of one stage exactly as few; where several even each other out, the last bit is not searched for.
        expect(moves).toBeLessThanOrEqual(fewest + partitions.length - 1);
      }),
    );
  });

  const event = fc.oneof(
    fc.record({ kind: fc.constant('joins' as const), owner: fc.constantFrom(...OWNERS) }),
    fc.record({ kind: fc.constant('dies' as const), owner: fc.constantFrom(...OWNERS) }),
    fc.record({ kind: fc.constant('leaves' as const), owner: fc.constantFrom(...OWNERS) }),
    fc.record({ kind: fc.constant('fails' as const), owner: fc.constantFrom(...OWNERS), place: fc.nat(20) }),
    fc.record({ kind: fc.constant('looks' as const), owner: fc.constantFrom(...OWNERS) }),
  );

  it('whoever comes, goes and looks when, they agree in the end and then keep still', () => {
    const partitions = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(partitions, fc.array(event, { maxLength: 60 }), (counts, events) => {
        const tasks = counts.flatMap((count, place) => stage(`s${place}`, count));
        const world = new World(tasks);
        world.happen({ kind: 'joins', owner: 'a' });
        for (const each of events) world.happen(each);
        world.recover();
        // One round to give back, one to take; another one finds nothing to do.
        for (let round = 0; round < 3; round++) world.everybodyLooks();
        const before = world.roster();
        expect(world.everybodyLooks()).toBe(0);
        const found = tasks.map((task) => before.holders.get(task) ?? 'nobody');
        expect(isEven(tasks, found, before.members)).toBe(true);
      }),
    );
  });
});

type WorldEvent =
  | { readonly kind: 'joins' | 'dies' | 'leaves' | 'looks'; readonly owner: string }
  | { readonly kind: 'fails'; readonly owner: string; readonly place: number };

/** Processes that look at different times; a task is held by one, since it is a map. */
class World {
  readonly #members = new Map<string, Member>();
  readonly #holders = new Map<string, string>();

  constructor(private readonly tasks: readonly string[]) {}

  roster(): Roster {
    return { members: [...this.#members.values()], holders: this.#holders };
  }

  happen(event: WorldEvent): void {
    const { owner } = event;
    const there = this.#members.get(owner);
    switch (event.kind) {
      case 'joins':
        this.#members.set(owner, there ?? member(owner, this.tasks));
        break;
      case 'dies':
        this.#drop(owner);
        break;
      case 'leaves':
        if (there !== undefined) this.#members.set(owner, { ...there, isLeaving: true });
        break;
      case 'fails':
        this.#fail(owner, event.place);
        break;
      case 'looks':
        this.#look(owner);
        break;
      default:
        event satisfies never;
    }
  }

  /** Nobody rests any more; who was leaving is gone; somebody is there. */
  recover(): void {
    for (const [owner, { isLeaving }] of this.#members) if (isLeaving) this.#drop(owner);
    if (this.#members.size === 0) this.happen({ kind: 'joins', owner: 'a' });
    for (const [owner] of this.#members) this.#members.set(owner, member(owner, this.tasks));
  }

  /** How many tasks have moved. */
  everybodyLooks(): number {
    return [...this.#members.keys()].reduce((moved, owner) => moved + this.#look(owner), 0);
  }

  #look(owner: string): number {
    const there = this.#members.get(owner);
    if (there === undefined || there.isLeaving) return 0;
    const { take, giveBack } = movesOf(owner, this.roster());
    const taken = [...take].filter((task) => !this.#holders.has(task));
    for (const task of giveBack) this.#holders.delete(task);
    for (const task of taken) this.#holders.set(task, owner);
    return taken.length + giveBack.size;
  }

  #fail(owner: string, place: number): void {
    const there = this.#members.get(owner);
    const task = this.tasks[place % this.tasks.length] ?? '';
    if (there === undefined || this.#holders.get(task) !== owner) return;
    this.#holders.delete(task);
    this.#members.set(owner, { ...there, resting: [...there.resting, task] });
  }

  #drop(owner: string): void {
    this.#members.delete(owner);
    for (const [task, holder] of this.#holders) if (holder === owner) this.#holders.delete(task);
  }
}

// The slow way: every way to share is looked at.

function fewestMoves(tasks: readonly string[], roster: Roster): number {
  const owners = roster.members.map(({ owner }) => owner);
  let fewest = Infinity;
  for (let number = 0; number < owners.length ** tasks.length; number++) {
    const way = tasks.map(
      (_, place) => owners[Math.floor(number / owners.length ** place) % owners.length] ?? '',
    );
    if (isEven(tasks, way, roster.members)) fewest = Math.min(fewest, movesIn(tasks, way, roster));
  }
  return fewest;
}

/** Each stage and all of them together differ by one task at most. */
function isEven(tasks: readonly string[], way: readonly string[], members: readonly Member[]): boolean {
  const stages = ['web/', ...new Set(tasks.map((task) => task.slice(0, task.lastIndexOf('/') + 1)))];
  return stages.every((prefix) => {
    const counts = members.map(
      ({ owner }) => tasks.filter((task, place) => task.startsWith(prefix) && way[place] === owner).length,
    );
    const all = tasks.filter((task) => task.startsWith(prefix)).length;
    return sum(counts) === all && Math.max(...counts) - Math.min(...counts) <= 1;
  });
}

function movesIn(tasks: readonly string[], way: readonly string[], { members, holders }: Roster): number {
  const there = new Set(members.map(({ owner }) => owner));
  return tasks.filter((task, place) => {
    const holder = holders.get(task);
    return holder !== undefined && there.has(holder) && holder !== way[place];
  }).length;
}

function holdersIn(has: Record<string, readonly string[] | undefined>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(has).flatMap(([owner, tasks = []]) => tasks.map((task) => [task, owner] as const)),
  );
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
