import { type DocumentWrite, keyText } from '#libs/storage';
import { storedName } from '../field-names.js';

/** A document: as JSON text, exact whatever is in it, beside what it is found by. */
export interface DocumentRecord {
  readonly _id: string;
  readonly collection: string;
  readonly timeMs: number;
  /** Place among those of the same time: its id, printable and short. */
  readonly order: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
  readonly document: string;
}

/** Ids of different collections and texts stay different; a tab is in no key text. */
export function documentId(collection: string, id: string): string {
  return `${keyText(collection)}\t${keyText(id)}`;
}

export function documentRecord(document: DocumentWrite): DocumentRecord {
  const { collection, id, timeMs, fields } = document;
  return {
    _id: documentId(collection, id),
    collection: keyText(collection),
    timeMs,
    order: keyText(id),
    fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [storedName(name), value])),
    document: JSON.stringify(document),
  };
}

export function documentOf({ document }: Pick<DocumentRecord, 'document'>): DocumentWrite {
  return JSON.parse(document) as DocumentWrite;
}
