// A worker in a language that Headrace has no package for: plain HTTP, no dependencies, Node 18 or newer.
//
//   node worker.mjs
//
// It shows all that a worker owes the server: say what it is, lease with a long poll, repeat a lease whose answer got
// lost, heartbeat while it works, end a job that was cancelled, settle with the token, be quiet or stop when it is told
// to, and stop without losing a job. The tasks are at the bottom.

import { readFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const url = process.env.HEADRACE_URL ?? "http://127.0.0.1:8080";
const token = process.env.HEADRACE_TOKEN;
const workerId = process.env.WORKER_ID ?? `node-${hostname()}-${process.pid}`;
const here = `/v1/workers/${encodeURIComponent(workerId)}/heartbeat`;
const slots = 4;
const pollMs = 20_000;
const heartbeatMs = Number(process.env.HEARTBEAT_MS ?? 10_000); // a third of the server's lease of 30 s
const startedAt = new Date().toISOString();

const held = new Map(); // job id -> the leased job, as long as we work on it; its `end` tells the task to stop
const stopping = new AbortController(); // ends the long poll; what is held is finished first

let directive = "run"; // what the server tells us to do

for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => stopping.abort());

function obey(told) {
  if (!told || told === directive) return; // without one, go on as before
  console.error(`the server says ${told}`);
  directive = told;
  if (told === "stop") stopping.abort();
}

// One request. Throws Refused for an answer other than 2xx, and whatever fetch throws when there is no answer.
class Refused extends Error {
  constructor(status, problem) {
    super(`${status} ${problem.code}: ${problem.detail}`);
    this.status = status;
  }
}

async function call(path, body, { headers = {}, signal } = {}) {
  const response = await fetch(url + path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }), ...headers },
    signal,
  });
  const answer = await response.json();
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

// Repeat a request until there is an answer that counts: 4xx is one, 5xx and a broken connection are not. Safe, because
// a lease carries its key and a settle its token.
async function insist(path, body, options = {}) {
  for (let wait = 100; ; wait = Math.min(2 * wait, 5_000)) {
    try {
      return await call(path, body, options);
    } catch (error) {
      if (options.signal?.aborted || (error instanceof Refused && error.status < 500)) throw error;
      console.error(`${path}: ${error.message}; trying again`);
      await sleep(wait / 2 + (Math.random() * wait) / 2);
    }
  }
}

// Settle what is done and lease what comes next, in one request. A request that settles does not wait.
async function exchange(done) {
  const ask = { queues: ["codestats"], max: slots, worker: { id: workerId }, complete: done };
  const waiting = done.length === 0;
  const answer = await insist("/v1/leases", waiting ? { ...ask, wait_ms: pollMs } : ask, {
    headers: { "Idempotency-Key": randomUUID() },
    signal: waiting ? stopping.signal : undefined,
  });
  obey(answer.directive);
  return answer;
}

async function work(job) {
  const settle = { job_id: job.id, token: job.token };
  const task = tasks[job.task];
  if (!task) return { ...settle, op: "snooze", delay_ms: 5_000 }; // another worker may know it
  try {
    return { ...settle, op: "ack", result: await task(job.payload, job.end.signal) };
  } catch (error) {
    // Somebody wants it to end, or it is no longer ours: the server makes the right thing of a release.
    if (job.end.signal.aborted) return { ...settle, op: "release" };
    return { ...settle, op: "nack", error: { type: error.name, message: error.message, stack: error.stack } };
  }
}

// Tell a task to stop; it looks at its signal where it can.
function end(id, why) {
  const job = held.get(id);
  if (!job || job.end.signal.aborted) return;
  console.error(`${id} shall end: ${why}`);
  job.end.abort(why);
}

// Say that we live, also when we hold nothing: so we are seen, and hear what to do.
async function heartbeat() {
  const leases = [...held.values()].map((job) => ({ job_id: job.id, token: job.token }));
  const state = stopping.signal.aborted ? "stop" : directive;
  const serves = { queues: ["codestats"], tasks: Object.keys(tasks), slots, busy: leases.length };
  const versions = { node: process.versions.node };
  const info = { host: hostname(), pid: process.pid, state, ...serves, versions, started_at: startedAt };
  try {
    const answer = await call(here, { leases, info, next_ms: Math.max(1_000, heartbeatMs) });
    obey(answer.directive);
    for (const { job_id, status } of answer.leases) {
      const over = ["lease_lost", "job_cancelled", "not_found"].includes(status);
      if (over || status === "cancel_requested") end(job_id, status);
      if (over) held.delete(job_id); // else it is ours until we settle it
    }
  } catch (error) {
    console.error(`heartbeat: ${error.message}`); // the next one comes long before the leases end
  }
}

async function main() {
  let done = [];
  while (!stopping.signal.aborted) {
    if (directive === "quiet" && done.length === 0) {
      await sleep(1_000, undefined, { signal: stopping.signal }); // a heartbeat tells when to go on
      continue;
    }
    const { jobs, completed } = await exchange(done);
    for (const job of jobs) held.set(job.id, Object.assign(job, { end: new AbortController() }));
    const unsettled = done.filter((_, i) => ["not_done", "unknown"].includes(completed[i].status));
    done = [...unsettled, ...(await Promise.all(jobs.map(work)))];
    held.clear();
    if (unsettled.length > 0) await sleep(200);
  }
  if (done.length > 0) await insist("/v1/completions", { items: done });
}

// Lines, bytes and the ten commonest names of a file. A name is a match of [A-Za-z_][A-Za-z0-9_]* in the file read as
// Latin-1; a line ends with a newline; the commoner name is first, of two that are equally common the one sorted first.
const tasks = {
  "codestats.count": async ({ path }, signal) => {
    const text = await readFile(path, { encoding: "latin1", signal });
    signal.throwIfAborted(); // before work that nobody wants any more
    const counts = new Map();
    for (const [name] of text.matchAll(/[A-Za-z_][A-Za-z0-9_]*/g)) counts.set(name, (counts.get(name) ?? 0) + 1);
    const names = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, 10);
    return { lines: text.split("\n").length - 1, bytes: text.length, names };
  },
};

console.error(`${workerId} works for ${url}`);
await heartbeat();
const heart = setInterval(heartbeat, heartbeatMs);
try {
  await main();
} catch (error) {
  if (!stopping.signal.aborted) throw error;
} finally {
  clearInterval(heart);
  await call(here, { final: true }).catch((error) => console.error(`goodbye: ${error.message}`));
}
