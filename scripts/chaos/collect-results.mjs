// Brings everything that came of a run into files, from outside: rows, alerts, dead letters and counts by the HTTP API, what is on
// the public topics, and the rows as the database holds them.

import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { readTopic } from './topic-reader.mjs';

const PAGE = 10_000;
const PAGE_OF_DEAD_LETTERS = 1_000;

/** @param run `url` of the dashboard, `pipeline`, `series`, `stream`, `broker`, `namespace`, `storeUrl`, `database`, `folder` */
export async function collectResults(run) {
  for (const series of run.series) await collectRows(run, series);
  await collectAlerts(run);
  await collectDeadLetters(run);
  const { streams } = await json(`${run.url}/v1/pipelines/${run.pipeline}`);
  writeFileSync(join(run.folder, 'streams.json'), JSON.stringify(streams));
  for (const noun of ['results', 'alerts', 'late', 'dead']) await collectTopic(run, noun);
  await collectStored(run);
}

async function collectRows({ url, stream, folder }, series) {
  // Rows that were taken back, too: there is nothing here that could have been.
  for (const [name, phase] of [
    [`rows-${series}`, ''],
    [`retracted-${series}`, '&phase=retracted'],
  ])
    await toFile(folder, name, (write) =>
      pages(`${url}/v1/series/${series}?stream=${stream}&limit=${PAGE}${phase}`, ({ rows }) =>
        rows.forEach(write),
      ),
    );
}

async function collectAlerts({ url, folder }) {
  const { alerts } = await json(`${url}/v1/alerts`);
  await toFile(folder, 'alerts', async (write) => {
    for (const { fingerprint } of alerts) write(await json(`${url}/v1/alerts/${fingerprint}`));
  });
}

async function collectDeadLetters({ url, folder }) {
  await toFile(folder, 'dead-letters', (write) =>
    pages(`${url}/v1/dead-letters?limit=${PAGE_OF_DEAD_LETTERS}`, ({ deadLetters }) =>
      deadLetters.forEach(write),
    ),
  );
}

async function collectTopic({ broker, namespace, pipeline, folder }, noun) {
  const topic = `public/${namespace}/${pipeline}.${noun}`;
  await toFile(folder, `topic-${noun}`, (write) => readTopic(broker, topic, write));
}

/** The API shows the newest row of each window; whether there are others only the database knows. */
async function collectStored({ storeUrl, database, pipeline, folder }) {
  const client = new MongoClient(storeUrl);
  try {
    const db = client.db(database);
    const collections = await db.listCollections({}, { nameOnly: true }).toArray();
    await toFile(folder, 'stored-rows', async (write) => {
      for (const { name } of collections) {
        const [, series] = new RegExp(`^(?:rows|table)\\.${pipeline}\\.(.+)$`).exec(name) ?? [];
        if (series === undefined) continue;
        for await (const { _id } of db.collection(name).find({}, { projection: { _id: 1 } }))
          write({ series, id: String(_id) });
      }
    });
  } finally {
    await client.close();
  }
}

async function pages(url, onPage) {
  for (let cursor = ''; cursor !== undefined;) {
    const page = await json(cursor === '' ? url : `${url}&cursor=${encodeURIComponent(cursor)}`);
    onPage(page);
    cursor = page.nextCursor ?? undefined;
  }
}

async function toFile(folder, name, fill) {
  const file = createWriteStream(join(folder, `${name}.ndjson`));
  await fill((value) => file.write(`${JSON.stringify(value)}\n`));
  await new Promise((done, fail) => {
    file.once('error', fail);
    file.end(done);
  });
}

async function json(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return await answer.json();
}
