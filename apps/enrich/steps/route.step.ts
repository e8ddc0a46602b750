import { LRUCache } from 'lru-cache';
import type { EventData, Step } from './step.js';

export interface RouteOptions {
  readonly from: string;
  readonly rules: readonly string[];
  readonly maxValues: number;
  readonly maxRoutes: number;
}

const CACHED_PATHS = 20_000;
/** Of all that are kept together: some may have 16 KiB each. */
const CACHED_CHARACTERS = 4_000_000;
const MAX_SEGMENTS = 12;
const ID = ':id';
/** A number, a UUID, a long hexadecimal or mixed token, a mail address, a date: nobody names a page like that. */
const IDENTIFIER =
  /^(?:\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{12,}|(?=[^.]*\d)(?=[^.]*[a-z])[\w-]{20,}|[^@]+@[^@]+|\d{4}-\d{2}-\d{2})$/i;

/**
 * `route`: the path with what varies replaced. A rule that fits decides; else segments that look like identifiers become `:id`,
 * and so do those of a place in a path that has had `maxValues` values; beyond `maxRoutes` routes it is `/:other`.
 * What the guard has counted is forgotten with the process: it keeps a series small, and names no page.
 */
export function routeStep({ from, rules, maxValues, maxRoutes }: RouteOptions): Step {
  const patterns = rules.map(patternOf);
  const guard = new RouteGuard(maxValues, maxRoutes);
  const cache = new LRUCache<string, string>({
    max: CACHED_PATHS,
    maxSize: CACHED_CHARACTERS,
    sizeCalculation: (route, path) => path.length + route.length + 1,
  });
  return (data: EventData): undefined => {
    const path = data[from];
    if (typeof path !== 'string') return;
    let route = cache.get(path);
    if (route === undefined) {
      const segments = segmentsOf(path);
      route = patterns.find((pattern) => fits(pattern, segments))?.route ?? guard.routeOf(segments);
      cache.set(path, route);
    }
    data['route'] = route;
  };
}

interface Pattern {
  readonly route: string;
  readonly segments: readonly string[];
  readonly isOpen: boolean;
}

function patternOf(rule: string): Pattern {
  const isOpen = rule.endsWith('/*');
  return { route: rule, segments: segmentsOf(isOpen ? rule.slice(0, -2) : rule), isOpen };
}

function segmentsOf(path: string): readonly string[] {
  const end = path.search(/[?#;]/);
  return (end < 0 ? path : path.slice(0, end)).split('/').filter((segment) => segment !== '');
}

function fits({ segments: wanted, isOpen }: Pattern, segments: readonly string[]): boolean {
  if (isOpen ? segments.length < wanted.length : segments.length !== wanted.length) return false;
  return wanted.every((segment, index) => segment.startsWith(':') || segment === segments[index]);
}

/** Which values each place in a path has had: a tree, of bounded size. */
class RouteGuard {
  readonly #root: RouteNode = { next: new Map() };
  readonly #routes = new Set<string>();

  constructor(
    private readonly maxValues: number,
    private readonly maxRoutes: number,
  ) {}

  routeOf(segments: readonly string[]): string {
    const named: string[] = [];
    let node = this.#root;
    for (const segment of segments.slice(0, MAX_SEGMENTS)) {
      const name = this.#nameOf(node, segment);
      named.push(name);
      node = this.#child(node, name);
    }
    if (segments.length > MAX_SEGMENTS) named.push('*');
    return this.#known(`/${named.join('/')}`);
  }

  #nameOf(node: RouteNode, segment: string): string {
    if (IDENTIFIER.test(segment.replaceAll('%40', '@'))) return ID;
    return node.next.has(segment) || node.next.size < this.maxValues ? segment : ID;
  }

  #child(node: RouteNode, name: string): RouteNode {
    const known = node.next.get(name);
    if (known !== undefined) return known;
    const made = { next: new Map<string, RouteNode>() };
    // Past the cap nothing is added: what is not known by then is `/:other` anyway.
    if (this.#routes.size < this.maxRoutes) node.next.set(name, made);
    return made;
  }

  #known(route: string): string {
    if (this.#routes.has(route)) return route;
    if (this.#routes.size >= this.maxRoutes) return '/:other';
    this.#routes.add(route);
    return route;
  }
}

interface RouteNode {
  readonly next: Map<string, RouteNode>;
}
