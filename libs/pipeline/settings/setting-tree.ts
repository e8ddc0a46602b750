import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { PipelineSource, SourceFile } from '../pipeline-source.js';
import type { ProblemLog } from './problem-log.js';
import { type MapSetting, memberPath, type Place, type Setting } from './setting.js';

const INCLUDE = '!include';
/** Anchors of anchors grow without bound. */
const MAX_ALIASES = 100;

/**
 * Reads a file, with what it includes in its place, as a tree of settings. A file that is not YAML, a missing or
 * circular include, an unknown tag and a key that is not a text are problems, and refused settings in their place.
 */
export function settingTree(source: PipelineSource, log: ProblemLog): Setting {
  return new TreeReader(source, source, { log, open: [source.file] }).read();
}

interface Reading {
  readonly log: ProblemLog;
  /** The files that are being read, outermost first: one of them again would never end. */
  readonly open: readonly string[];
}

class TreeReader {
  /** Offsets at which lines begin. Counted here: after some errors the library's own counter points beyond a line's end. */
  readonly #lineStarts: readonly number[];
  readonly #document;
  /** The nodes that are being read, from the document down to here. */
  readonly #open = new Set<Node>();
  #aliases = 0;

  constructor(
    private readonly source: PipelineSource,
    private readonly file: SourceFile,
    private readonly reading: Reading,
  ) {
    this.#lineStarts = [0, ...[...file.text.matchAll(/\n/g)].map(({ index }) => index + 1)];
    // Tags are ours to judge: the warnings of the YAML library would repeat them.
    const options = { prettyErrors: false, logLevel: 'error' } as const;
    this.#document = parseDocument(file.text, options);
  }

  read(): Setting {
    const { errors, contents } = this.#document;
    for (const error of errors) {
      const found = `'${this.file.text
        .slice(...error.pos)
        .trim()
        .slice(0, 40)}'`;
      this.#refuse(error.pos[0], '', found, `YAML: ${error.message}`);
    }
    if (errors.length > 0) return { kind: 'refused', place: this.#place(0), path: '' };
    return contents === null ? this.#refuse(0, '', 'an empty file', 'a map') : this.#setting(contents, '');
  }

  #setting(node: Node, path: string): Setting {
    if (isAlias(node)) return this.#aliased(node, path);
    if (node.tag === INCLUDE && isScalar(node)) return this.#include(node, path);
    if (node.tag?.startsWith('!') === true) {
      return this.#refuse(
        startOf(node),
        path,
        node.tag,
        `a plain value, or ${INCLUDE} and the name of a file`,
      );
    }
    this.#open.add(node);
    const setting = this.#plain(node, path);
    this.#open.delete(node);
    return setting;
  }

  #aliased(node: Alias, path: string): Setting {
    const target = ++this.#aliases > MAX_ALIASES ? undefined : node.resolve(this.#document);
    if (target !== undefined && !this.#open.has(target)) return this.#setting(target, path);
    const wanted = `an anchor that does not hold this use of it; at most ${MAX_ALIASES} uses`;
    return this.#refuse(startOf(node), path, `*${node.source}`, wanted);
  }

  #plain(node: Node, path: string): Setting {
    const place = this.#place(startOf(node));
    if (isMap(node)) return this.#map(node, path);
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.#setting(item as Node, memberPath(path, index)));
      return { kind: 'list', place, path, items };
    }
    const value = isScalar(node) ? node.value : undefined;
    if (isScalar(node) && isPlainScalar(value)) {
      return { kind: 'scalar', place, path, value, placeAt: this.#placeAt(node, value) };
    }
    return this.#refuse(startOf(node), path, String(value), 'a text, a number, true or false');
  }

  #map(node: YAMLMap, path: string): MapSetting {
    const entries = new Map<string, { keyPlace: Place; value: Setting }>();
    for (const pair of node.items) {
      const key = pair.key as Node;
      if (!isScalar(key)) {
        this.#refuse(startOf(key), path, 'a key that is not a text', 'a text');
        continue;
      }
      const name = String(key.value);
      const keyPlace = this.#place(startOf(key));
      const memberAt = memberPath(path, name);
      const value =
        pair.value === null ? nothing(keyPlace, memberAt) : this.#setting(pair.value as Node, memberAt);
      entries.set(name, { keyPlace, value });
    }
    return { kind: 'map', place: this.#place(startOf(node)), path, entries };
  }

  #include(node: Scalar, path: string): Setting {
    const name = String(node.value);
    const found = `${INCLUDE} '${name}'`;
    const file = this.source.include(name);
    if (file === undefined)
      return this.#refuse(startOf(node), path, found, 'the name of a file that can be read');
    const open = this.reading.open;
    if (open.includes(file.file)) {
      const wanted = `a file that is not being read already: ${open.join(' > ')}`;
      return this.#refuse(startOf(node), path, found, wanted);
    }
    return new TreeReader(this.source, file, { ...this.reading, open: [...open, file.file] }).read();
  }

  /** Where the text of a scalar stands letter for letter (no escapes, not folded), its inside has places too. */
  #placeAt(node: Scalar, value: unknown): (offset: number) => Place {
    const start = startOf(node);
    const textStart = ['QUOTE_SINGLE', 'QUOTE_DOUBLE'].includes(node.type ?? '') ? start + 1 : start;
    const isVerbatim = typeof value === 'string' && this.file.text.startsWith(value, textStart);
    return (offset) => this.#place(isVerbatim ? textStart + offset : start);
  }

  #place(offset: number): Place {
    const next = this.#lineStarts.findIndex((start) => start > offset);
    const line = next < 0 ? this.#lineStarts.length : next;
    return { file: this.file.file, line, column: offset - this.#lineStarts[line - 1]! + 1 };
  }

  #refuse(offset: number, path: string, found: string, wanted: string): Setting {
    const place = this.#place(offset);
    this.reading.log.report(place, path, { found, wanted });
    return { kind: 'refused', place, path };
  }
}

function startOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

function nothing(place: Place, path: string): Setting {
  return { kind: 'scalar', place, path, value: null, placeAt: () => place };
}

function isPlainScalar(value: unknown): value is string | number | boolean | null {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}
