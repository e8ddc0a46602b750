import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Injectable } from '@nestjs/common';

/** A file of the page, ready to be sent. */
export interface PageFile {
  readonly contentType: string;
  readonly etag: string;
  readonly body: Buffer;
  readonly gzipped: Buffer;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** Beside this file, in the sources as in the build. */
const PAGE_FOLDER = join(import.meta.dirname, 'page');
const CHART_FILES = ['uPlot.iife.min.js', 'uPlot.min.css'];

/**
 * The files of the web page and of the chart library, in memory: there are few, and a name that is not among them
 * leads nowhere, so that no path of a request ever reaches the disk.
 */
@Injectable()
export class PageFiles {
  readonly #files = new Map<string, PageFile>();

  constructor() {
    for (const name of readdirSync(PAGE_FOLDER)) this.#add(name, join(PAGE_FOLDER, name));
    const chartFolder = join(createRequire(import.meta.url).resolve('uplot/package.json'), '../dist');
    for (const name of CHART_FILES) this.#add(`uplot/${name}`, join(chartFolder, name));
  }

  get(name: string): PageFile | undefined {
    return this.#files.get(name);
  }

  #add(name: string, path: string): void {
    const contentType = CONTENT_TYPES[extname(name)];
    if (contentType === undefined) return;
    const body = readFileSync(path);
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    this.#files.set(name, { contentType, etag, body, gzipped: gzipSync(body) });
  }
}
