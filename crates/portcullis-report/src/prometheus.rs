//! `perf_results.prom`: gauges for the folder of node_exporter's textfile
//! collector, in Prometheus' text format (version 0.0.4).

use std::collections::BTreeSet;

use portcullis_core::judge::Judgement;
use portcullis_core::measure::{Row, Summary};
use portcullis_core::threshold::{Percentile, Scope};

use crate::escape::line;
use crate::format::{Flag, Format};
use crate::record::RunRecord;

/// Gauges for Prometheus.
pub const FILE: &str = "perf_results.prom";

/// The format.
pub const FORMAT: Format = Format {
    flag: Some(Flag { name: "prom", help: "Write gauges for Prometheus", place: 5 }),
    files: &[FILE],
    write: |run| vec![write(run)],
};

/// Writes the file. There are no time stamps: the collector refuses them.
pub fn write(run: &RunRecord) -> String {
    let mut out = String::new();
    let started = run.started_unix_ms as f64 / 1e3;
    let one = |value: f64| vec![(String::new(), value)];
    family(&mut out, "run_start_seconds", "Start of the run as a Unix time.", one(started));
    let code = f64::from(run.exit_code);
    family(&mut out, "exit_code", "Exit code of the run; 0 means passed.", one(code));
    if let Some(summary) = &run.summary {
        measured(&mut out, summary);
    }
    let thresholds = run.verdict.iter().flat_map(|verdict| &verdict.judged).filter_map(|judged| {
        let violated = match judged.judgement {
            Judgement::Violated => 1.0,
            Judgement::Holds => 0.0,
            Judgement::NoData | Judgement::NotJudged => return None,
        };
        let severity = judged.rule.severity.name();
        let scope = judged.rule.scope.to_string();
        let pairs =
            [("rule", judged.rule.text.as_str()), ("scope", &scope), ("severity", severity)];
        Some((labels(&pairs), violated))
    });
    let help = "1 if the threshold is violated, 0 if it passed; left out without data.";
    family(&mut out, "threshold_violated", help, thresholds.collect());
    out
}

fn measured(out: &mut String, summary: &Summary) {
    let rows = rows(summary);
    let counted = |count: fn(&Row) -> u64| {
        rows.iter().map(|(pairs, row)| (labels(pairs), count(row) as f64)).collect::<Vec<_>>()
    };
    family(out, "requests", "Judged requests.", counted(|row| row.requests));
    family(
        out,
        "failures",
        "Failed requests among the judged requests.",
        counted(|row| row.failures),
    );
    let quantiles =
        [("0.5", Percentile::P50), ("0.95", Percentile::P95), ("0.99", Percentile::P99)];
    let latencies = rows.iter().flat_map(|(pairs, row)| {
        quantiles.iter().filter_map(|(name, percentile)| {
            let seconds = row.latency.percentile_ms(*percentile)? / 1e3;
            let pairs: Vec<(&str, &str)> =
                pairs.iter().copied().chain([("quantile", *name)]).collect();
            Some((labels(&pairs), seconds))
        })
    });
    family(
        out,
        "latency_seconds",
        "Latency of good answers, up to the last byte.",
        latencies.collect(),
    );
    let rate = summary.rate(summary.aggregate().requests);
    let help = "Requests per second in the planned window.";
    family(out, "requests_per_second", help, vec![(String::new(), rate)]);
    let lag = summary.generator.lag.percentile_ms(Percentile::P99);
    let lag = lag.map(|ms| (labels(&[("quantile", "0.99")]), ms / 1e3));
    let help = "Lag of the load generator.";
    family(out, "generator_lag_seconds", help, lag.into_iter().collect());
}

type Labelled<'a> = (Vec<(&'a str, &'a str)>, Row);

fn rows(summary: &Summary) -> Vec<Labelled<'_>> {
    let tasks = summary.tasks.iter().filter(|task| task.weight > 0);
    let tasks =
        tasks.map(|task| (vec![("kind", "task"), ("task", task.name.as_str())], task.judged()));
    let login = summary.login.iter().map(|login| (vec![("kind", "login")], login.judged()));
    let steps = summary.tasks.iter().filter(|task| task.weight > 0).flat_map(|task| &task.steps);
    let steps =
        steps.map(|step| (vec![("kind", "step"), ("task", step.name.as_str())], step.judged()));
    tasks
        .chain(steps)
        .chain(login)
        .chain([(vec![("kind", "all")], summary.row(&Scope::Aggregate))])
        .collect()
}

/// One gauge with its samples. A duplicate sample is left out, because the collector
/// refuses a file with two.
fn family(out: &mut String, name: &str, help: &str, samples: Vec<(String, f64)>) {
    if samples.is_empty() {
        return;
    }
    out.push_str(&format!("# HELP portcullis_{name} {help}\n# TYPE portcullis_{name} gauge\n"));
    let mut seen = BTreeSet::new();
    for (labels, value) in samples {
        if seen.insert(labels.clone()) {
            out.push_str(&format!("portcullis_{name}{labels} {value}\n"));
        }
    }
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let label = |(name, value): &(&str, &str)| {
        // GitLab reads the file as a metrics report, in which a `#` begins a comment anywhere.
        let value = line(value).replace('#', "%23");
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        format!("{name}=\"{value}\"")
    };
    format!("{{{}}}", pairs.iter().map(label).collect::<Vec<_>>().join(","))
}
