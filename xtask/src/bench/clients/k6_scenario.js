// The tasks of perf.toml in k6, as cheap as possible: the parameters are created once
// for each user, and a body is kept only if a check reads it.
import http from "k6/http";
import { check } from "k6";

const base = __ENV.BENCH_BASE;
const scenario = JSON.parse(open(__ENV.BENCH_SCENARIO));
const deck = scenario.tasks.flatMap((task) => Array(task.weight).fill(task));

export const options = { summaryTrendStats: ["p(50)", "p(99)"] };

let authorization = null;

function login() {
  const { path, json, token } = scenario.login;
  const headers = { "Content-Type": "application/json" };
  const answer = http.post(base + path, JSON.stringify(json), { headers });
  authorization = "Bearer " + answer.json(token);
  for (const task of scenario.tasks) {
    task.params = {
      headers: { Authorization: authorization },
      responseType: task.array ? "text" : "none",
      tags: { name: task.name },
    };
    task.checks = { status: (answer) => answer.status === 200 };
    if (task.array) {
      task.checks.items = (answer) => answer.json(task.array + ".#") >= task.min_items;
    }
  }
}

export default function () {
  if (authorization === null) {
    login();
  }
  const task = deck[Math.floor(Math.random() * deck.length)];
  const path = task.paths[Math.floor(Math.random() * task.paths.length)];
  check(http.get(base + path, task.params), task.checks);
}

export function handleSummary({ metrics }) {
  return {
    stdout: JSON.stringify({
      requests: metrics.http_reqs.values.count,
      failed: metrics.checks.values.fails,
      p50_ms: metrics.http_req_duration.values["p(50)"],
      p99_ms: metrics.http_req_duration.values["p(99)"],
    }) + "\n",
  };
}
