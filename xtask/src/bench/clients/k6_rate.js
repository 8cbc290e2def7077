// One URL at a constant arrival rate in k6.
import http from "k6/http";

const url = __ENV.BENCH_URL;

export const options = {
  summaryTrendStats: ["p(50)", "p(99)"],
  discardResponseBodies: true,
  scenarios: {
    even: {
      executor: "constant-arrival-rate",
      rate: Number(__ENV.BENCH_RATE),
      timeUnit: "1s",
      duration: __ENV.BENCH_SECONDS + "s",
      preAllocatedVUs: 100,
      maxVUs: 500,
      gracefulStop: "5s",
    },
  },
};

export default function () {
  http.get(url);
}

export function handleSummary({ metrics }) {
  return {
    stdout: JSON.stringify({
      requests: metrics.http_reqs.values.count,
      failed: metrics.http_req_failed.values.passes,
      p50_ms: metrics.http_req_duration.values["p(50)"],
      p99_ms: metrics.http_req_duration.values["p(99)"],
    }) + "\n",
  };
}
