// Node streams with csv-parse, its most used CSV parser: node_csv_parse.mjs JOB FILE >output
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip, createGzip } from 'node:zlib';
import { createRequire } from 'node:module';

const [job, path] = process.argv.slice(2);
const { parse } = createRequire(process.env.WEIR_BENCH_NODE_MODULES + '/')('csv-parse');

const sink = job === 'gzip' ? createGzip({ level: 1 }) : process.stdout;
if (job === 'gzip') sink.pipe(process.stdout);
let held = '';
async function put(text) {
  held += text;
  if (held.length < 1 << 16) return;
  const all = held;
  held = '';
  if (!sink.write(all)) await new Promise((resolve) => sink.once('drain', resolve));
}
const cell = (text) => (/[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text);
const line = (fields) => fields.map(cell).join(',') + '\n';

async function* records() {
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  yield* (path.endsWith('.gz') ? file.pipe(createGunzip()) : file).pipe(parse());
}

if (job === 'jsonfilter') {
  for await (const text of createInterface({ input: createReadStream(path, { highWaterMark: 1 << 18 }) })) {
    const { order_id, customer_id, amount, status } = JSON.parse(text);
    if (status === 'shipped' && amount > 100) await put(JSON.stringify({ order_id, customer_id, amount }) + '\n');
  }
} else {
  let header = null;
  let batch = [];
  let [n, sum] = [0, 0];
  for await (const r of records()) {
    if (header === null) {
      header = r;
      if (job === 'select') await put(line([r[0], r[4], r[8]]));
      if (job === 'filter' || job === 'gzip') await put(line(r));
      continue;
    }
    const shipped = r[5] === 'shipped';
    if (job === 'count') {
      n += 1;
    } else if (job === 'select') {
      await put(line([r[0], r[4], r[8]]));
    } else if (job === 'filter' || job === 'gzip') {
      if (shipped && +r[8] > 100) await put(line(r));
    } else if (job === 'ndjson') {
      if (shipped && +r[8] > 100) {
        await put(JSON.stringify({ order_id: +r[0], customer_id: +r[2], customer_name: r[3], amount: +r[8] }) + '\n');
      }
    } else if (job === 'batch') {
      batch.push(Object.fromEntries(header.map((name, i) => [name, r[i]])));
      if (batch.length === 500) {
        await put(JSON.stringify(batch) + '\n');
        batch = [];
      }
    } else if (job === 'fold' && shipped) {
      n += 1;
      sum += +r[8];
    }
  }
  if (batch.length > 0) await put(JSON.stringify(batch) + '\n');
  if (job === 'count') await put(n + '\n');
  if (job === 'fold') await put(JSON.stringify({ n, sum, avg: sum / n }) + '\n');
}
if (sink === process.stdout) sink.write(held);
else sink.end(held);
