import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { PipelineSource, SourceFile } from './pipeline-source.js';
import type { ProblemLog } from './problem-log.js';
import { type MapSetting, memberPath, type Place, type Setting } from './setting.js';

const INCLUDE = '!include';

/**
 * Reads a file, with what it includes in its place, as a tree of settings. A file that is not YAML, a missing or
 * circular include, an unknown tag and a key that is not a text are problems. Undefined: nothing can be read.
 */
export function settingTree(source: PipelineSource, log: ProblemLog): Setting | undefined {
  return new TreeReader(source, source, { log, open: [source.file] }).read();
}

interface Reading {
  readonly log: ProblemLog;
  /** The files that are being read, outermost first: one of them again would never end. */
  readonly open: readonly string[];
}

class TreeReader {
  readonly #lines = new LineCounter();
  readonly #document;

  constructor(
    private readonly source: PipelineSource,
    private readonly file: SourceFile,
    private readonly reading: Reading,
  ) {
    // Tags are ours to judge: the warnings of the YAML library would repeat them.
    const options = { lineCounter: this.#lines, prettyErrors: false, logLevel: 'error' } as const;
    this.#document = parseDocument(file.text, options);
  }

  read(): Setting | undefined {
    const { errors, contents } = this.#document;
    for (const error of errors) {
      const found = `'${this.file.text
        .slice(...error.pos)
        .trim()
        .slice(0, 40)}'`;
      this.#report(error.pos[0], '', found, `YAML: ${error.message}`);
    }
    if (errors.length > 0) return undefined;
    if (contents !== null) return this.#setting(contents, '');
    this.#report(0, '', 'an empty file', 'a map');
    return undefined;
  }

  #setting(node: Node, path: string): Setting | undefined {
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      return target === undefined ? undefined : this.#setting(target, path);
    }
    if (node.tag === INCLUDE && isScalar(node)) return this.#include(node, path);
    if (node.tag?.startsWith('!') === true) {
      this.#report(startOf(node), path, node.tag, `a plain value, or ${INCLUDE} and the name of a file`);
      return undefined;
    }
    return this.#plain(node, path);
  }

  #plain(node: Node, path: string): Setting | undefined {
    const place = this.#place(startOf(node));
    if (isMap(node)) return this.#map(node, path);
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.#setting(item as Node, memberPath(path, index)));
      return { kind: 'list', place, path, items: items.filter((item) => item !== undefined) };
    }
    if (!isScalar(node)) return undefined;
    const { value } = node;
    if (isPlainScalar(value))
      return { kind: 'scalar', place, path, value, placeAt: this.#placeAt(node, value) };
    this.#report(startOf(node), path, String(value), 'a text, a number, true or false');
    return undefined;
  }

  #map(node: YAMLMap, path: string): MapSetting {
    const entries = new Map<string, { keyPlace: Place; value: Setting }>();
    for (const pair of node.items) {
      const key = pair.key as Node;
      const name = isScalar(key) ? String(key.value) : undefined;
      if (name === undefined) {
        this.#report(startOf(key), path, 'a key that is not a text', 'a text');
        continue;
      }
      const keyPlace = this.#place(startOf(key));
      const memberAt = memberPath(path, name);
      const value =
        pair.value === null ? nothing(keyPlace, memberAt) : this.#setting(pair.value as Node, memberAt);
      if (value !== undefined) entries.set(name, { keyPlace, value });
    }
    return { kind: 'map', place: this.#place(startOf(node)), path, entries };
  }

  #include(node: Scalar, path: string): Setting | undefined {
    const name = String(node.value);
    const file = this.source.include(name);
    if (file === undefined) {
      this.#report(startOf(node), path, `${INCLUDE} '${name}'`, 'the name of a file that can be read');
      return undefined;
    }
    const open = this.reading.open;
    if (open.includes(file.file)) {
      this.#report(
        startOf(node),
        path,
        `${INCLUDE} '${name}'`,
        `a file that is not being read already: ${open.join(' > ')}`,
      );
      return undefined;
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
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.file.file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  #report(offset: number, path: string, found: string, wanted: string): void {
    this.reading.log.report(this.#place(offset), path, { found, wanted });
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
