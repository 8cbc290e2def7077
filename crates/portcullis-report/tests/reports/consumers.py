"""Programs that other people wrote for Locust's CSV files read ours, and see what the
results say: locust-csv2openmetrics and locomotive."""

import json
import pathlib
import sys

import locust_csv2openmetrics
from locomotive import export, launcher
from prometheus_client.openmetrics.parser import text_string_to_metric_families

folder = pathlib.Path(sys.argv[1])
stats, failures, history = (
    folder / f"perf_results_{name}.csv" for name in ("stats", "failures", "stats_history")
)
summary = json.loads((folder / "perf_results.json").read_text())["summary"]
whole = summary["aggregate"]
p95_ms = whole["latency"]["percentiles_ms"]["p95"]


def near(value, expected):
    """As near as Locust's rounding lets it be."""
    return abs(value - expected) <= 0.06 * expected + 1


metrics = folder / "metrics.txt"
locust_csv2openmetrics.main([str(stats), "-o", str(metrics)])
families = text_string_to_metric_families(metrics.read_text())
seen = {sample.name: sample.value for family in families for sample in family.samples}
assert near(seen["locust_response_time_p95_seconds"] * 1e3, p95_ms), seen
assert abs(seen["locust_failures_ratio"] - whole["error_rate"]) < 1e-6, seen

read = launcher.parse_locust_stats(stats)
assert (read["requests"], read["failures"]) == (whole["requests"], whole["failures"]), read
assert near(read["p95_ms"], p95_ms) and near(read["rps"], summary["requests_per_s"]), read
assert all(value is not None for value in read.values()), read
rows = export.load_endpoint_rows(stats)
assert rows[-1]["Name"] == "Aggregated" and len(rows) == len(summary["tasks"]) + 2, rows
kinds = launcher.parse_locust_failures(failures)
assert kinds.get("failures_5xx", 0) == whole["failures"], kinds
seconds = launcher.parse_locust_stats_history(history)
assert len(seconds) >= len(summary["series"]) and seconds[-1]["rps"] is not None, seconds[-1]
print("read")
