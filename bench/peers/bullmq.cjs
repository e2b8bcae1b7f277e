// BullMQ: `node bullmq.cjs work` is the worker, `node bullmq.cjs` the producer, which speaks as driver.py does.
"use strict";

const fs = require("node:fs");
const readline = require("node:readline");
const { Queue, Worker } = require("bullmq");
const Redis = require("ioredis");

const QUEUE = "bench";
const STAMP_DIGITS = 20;
const PAYLOAD_BYTES = 98;
const wishes = (process.env.PEER_WISHES ?? "").split(",");
const concurrency = Number(wishes.find((wish) => wish.startsWith("concurrency="))?.split("=")[1] ?? 1);
const connection = new (Redis.default ?? Redis)(process.env.PEER_URL, { maxRetriesPerRequest: null });

function work() {
  const tally = fs.openSync(process.env.PEER_TALLY, "a");
  const line = Buffer.alloc(8);
  const note = async (job) => {
    const stamp = BigInt(job.data.slice(0, STAMP_DIGITS));
    line.writeBigInt64LE(process.hrtime.bigint() - stamp);
    fs.writeSync(tally, line);
    return job.data.length;
  };
  new Worker(QUEUE, note, { connection, concurrency });
}

function payload() {
  return process.hrtime.bigint().toString().padStart(STAMP_DIGITS, "0").padEnd(PAYLOAD_BYTES, "x");
}

const now = () => Number(process.hrtime.bigint()) / 1e9;

async function repeat(call, size, jobs, seconds) {
  const begun = now();
  let done = 0;
  while (done < jobs && now() < begun + seconds) {
    await call();
    done += size;
  }
  return { jobs: done, seconds: now() - begun };
}

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

function verbs(queue) {
  const many = (batch) => queue.addBulk(Array.from({ length: batch }, () => ({ name: "note", data: payload() })));
  return {
    one: ({ jobs, seconds }) => repeat(() => queue.add("note", payload()), 1, jobs, seconds),
    many: ({ jobs, seconds, batch }) => repeat(() => many(batch), batch, jobs, seconds),
    async pace({ jobs, rate }) {
      const begun = now();
      for (let number = 0; number < jobs; number++) {
        await sleep(Math.max(0, begun + number / rate - now()));
        await queue.add("note", payload());
      }
      return { jobs, seconds: now() - begun };
    },
    async left() {
      const counts = await queue.getJobCounts("wait", "active");
      return { left: counts.wait + counts.active };
    },
  };
}

async function produce() {
  const queue = new Queue(QUEUE, { connection });
  const known = verbs(queue);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const ask = JSON.parse(line);
    process.stdout.write(JSON.stringify(await known[ask.do](ask)) + "\n");
  }
  await queue.close();
  connection.disconnect();
}

if (process.argv[2] === "work") work();
else produce();
