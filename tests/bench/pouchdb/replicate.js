// How fast does PouchDB replicate? The figure that a pull of mutuald is put beside.
//
//   node replicate.js DOCS.jsonl [BATCH_SIZE]     (`run` beside it installs the packages first)
//
// DOCS.jsonl holds one JSON document a line. A second process serves them from LevelDB through express-pouchdb on a loopback port;
// this one replicates them over HTTP into a LevelDB of its own, and prints one line: {"docs":N,"seconds":…,"docs_per_s":…}.
// Only the replication is timed. Two processes, so that server and puller may have a core each.
'use strict';

const { fork } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

const DEADLINE_MS = 240_000;
const LOAD_BATCH = 1000;

/** Serves the documents of `file` from a database in `folder`; tells the parent its port once all are stored. */
async function serve(file, folder) {
  const express = require('express');
  const PouchDB = require('pouchdb').defaults({ prefix: folder + path.sep });
  const source = new PouchDB('source');
  let batch = [];
  let docs = 0;
  const store = async () => {
    for (const result of await source.bulkDocs(batch)) {
      if (result.error) throw new Error(`document ${result.id}: ${result.message}`);
    }
    docs += batch.length;
    batch = [];
  };
  for await (const line of readline.createInterface({ input: fs.createReadStream(file), crlfDelay: Infinity })) {
    if (line.trim() === '') continue;
    const doc = JSON.parse(line);
    // PouchDB names a document `_id`; whatever the file calls it, the order is the file's.
    if (doc._id === undefined) doc._id = String(docs + batch.length).padStart(9, '0');
    batch.push(doc);
    if (batch.length === LOAD_BATCH) await store();
  }
  if (batch.length > 0) await store();

  const app = express();
  app.use('/', require('express-pouchdb')(PouchDB, { mode: 'minimumForPouchDB', inMemoryConfig: true, logPath: path.join(folder, 'log.txt') }));
  const server = app.listen(0, '127.0.0.1', () => process.send({ port: server.address().port, docs }));
}

/** Replicates everything from the server into a fresh database in `folder`; answers how many seconds that took. */
async function replicate(port, docs, folder, batchSize) {
  const PouchDB = require('pouchdb').defaults({ prefix: folder + path.sep });
  const target = new PouchDB('target');
  const source = new PouchDB(`http://127.0.0.1:${port}/source`);
  const start = process.hrtime.bigint();
  const result = await target.replicate.from(source, batchSize ? { batch_size: batchSize } : {});
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const { doc_count: arrived } = await target.info();
  if (!result.ok || arrived !== docs) throw new Error(`${arrived} of ${docs} documents arrived`);
  if (target.adapter !== 'leveldb' || source.adapter !== 'http') throw new Error(`replicated from ${source.adapter} to ${target.adapter}`);
  // The last document, whole, is at both ends.
  const last = async (db) => JSON.stringify((await db.allDocs({ include_docs: true, descending: true, limit: 1 })).rows);
  if ((await last(target)) !== (await last(source))) throw new Error('the last document differs between the two ends');
  await target.close();
  return seconds;
}

async function main(file, batchSize) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pouchdb-bench-'));
  const child = fork(__filename, ['--serve', file, folder], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], cwd: folder });
  const end = (status) => {
    child.removeAllListeners();
    child.kill('SIGKILL');
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    process.exit(status);
  };
  const fail = (reason) => {
    console.error(`replicate.js: ${reason}`);
    end(1);
  };
  setTimeout(() => fail(`not done after ${DEADLINE_MS / 1000} s`), DEADLINE_MS);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => fail(`stopped by ${signal}`));
  try {
    const { port, docs } = await new Promise((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', (status) => reject(new Error(`the server ended with status ${status}`)));
    });
    const seconds = await replicate(port, docs, folder, batchSize);
    const round = (value) => Number(value.toFixed(3));
    console.log(JSON.stringify({ docs, seconds: round(seconds), docs_per_s: round(docs / seconds) }));
    end(0);
  } catch (error) {
    fail(error.message);
  }
}

const args = process.argv.slice(2);
if (args[0] === '--serve') {
  serve(args[1], args[2]).catch((error) => {
    console.error(`replicate.js: ${error.message}`);
    process.exit(1);
  });
} else if (args.length < 1 || args.length > 2) {
  console.error('usage: node replicate.js DOCS.jsonl [BATCH_SIZE]');
  process.exit(2);
} else {
  main(path.resolve(args[0]), args[1] && Number(args[1]));
}
