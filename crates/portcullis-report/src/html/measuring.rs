//! Measurement quality: caveats, the lag of the load generator, the resource usage of
//! the server, the machine itself.

use portcullis_core::judge::{LAG_LIMIT_MS, STOP_LIMIT_MS, caveats, generator_fault};
use portcullis_core::measure::{Acknowledgement, Generator, Summary, Tls};
use portcullis_core::threshold::Percentile;
use portcullis_core::units::{show_duration, show_ms};

use super::Section;
use super::charts::distribution::{Shown, alone, range};
use super::charts::timeline::timeline;
use super::markup::{esc, facts};
use crate::record::RunRecord;
use crate::wording::{bytes, percent};

/// The section; empty without load.
pub fn section(run: &RunRecord) -> Section {
    let body = run.summary.as_ref().map_or_else(String::new, |summary| {
        [
            said(summary),
            generator(summary),
            format!("<h3>Connections</h3>\n{}", facts(&connections(summary))),
            server(run, summary),
            format!("<h3>Machine</h3>\n{}", facts(&machine(run))),
        ]
        .concat()
    });
    Section { id: "measuring", title: "Measurement quality", body }
}

fn said(summary: &Summary) -> String {
    let items = caveats(summary).into_iter().map(|said| format!("<li>{}</li>\n", esc(&said)));
    let items: String = items.collect();
    if items.is_empty() { items } else { format!("<ul class=\"remarks\">\n{items}</ul>\n") }
}

fn generator(summary: &Summary) -> String {
    let generator = &summary.generator;
    let health = match generator_fault(summary) {
        Some(fault) => format!("<p class=\"note\"><b>Limit exceeded.</b> {}</p>\n", esc(&fault)),
        None => format!(
            "<p>The load generator was on time: its lag was {} at p99 (limit {LAG_LIMIT_MS:.0} ms) \
             and {} at most (limit {:.0} s).</p>\n",
            ms(generator.lag.percentile_ms(Percentile::P99)),
            ms(generator.lag.max_ms()),
            STOP_LIMIT_MS / 1e3
        ),
    };
    let lag = Shown {
        name: "lag of the load generator",
        latencies: &generator.lag,
        limits: vec![("p99".to_owned(), LAG_LIMIT_MS)],
        stall: None,
    };
    let drawn = range(std::slice::from_ref(&lag)).map_or_else(String::new, |range| {
        format!(
            "<figure>\n<figcaption>Lag of the load generator (logarithmic axis).</figcaption>\n<div \
             class=\"wide\" role=\"region\" aria-label=\"Lag of the load generator\" \
             tabindex=\"0\">{}</div>\n</figure>\n",
            alone(&lag, range)
        )
    });
    format!("<h3>Load generator</h3>\n{health}{}{drawn}", facts(&efforts(generator)))
}

fn ms(ms: Option<f64>) -> String {
    ms.map_or("–".to_owned(), show_ms)
}

fn efforts(generator: &Generator) -> Vec<(&'static str, String)> {
    let time = |time: Option<std::time::Duration>| {
        time.map_or("unknown".to_owned(), |time| {
            let share = time.as_secs_f64() / generator.ran.as_secs_f64().max(1e-9);
            format!("{} ({} of the run time)", show_duration(time), percent(share))
        })
    };
    let punctual = if generator.is_punctual { "yes" } else { "no: the system did not allow it" };
    vec![
        ("Spawn lag, max", ms(generator.spawn_lag.max_ms())),
        ("CPU time", time(generator.cpu)),
        ("Waiting for a CPU", time(generator.run_queue)),
        ("Raised priority (nice -10)", punctual.to_owned()),
    ]
}

fn connections(summary: &Summary) -> Vec<(&'static str, String)> {
    let connects = &summary.connects;
    let acknowledgement = match connects.acknowledgement {
        Acknowledgement::System => "delayed by the system",
        other => other.name(),
    };
    let tls = match connects.tls {
        Tls::Insecure => "on, certificate not checked",
        other => other.name(),
    };
    let p95 = |latencies: &portcullis_core::measure::Distribution| {
        format!("{}, p95 {}", latencies.count, ms(latencies.percentile_ms(Percentile::P95)))
    };
    vec![
        ("Address", connects.address.clone()),
        ("TLS", tls.to_owned()),
        ("Opened connections", p95(&connects.connect)),
        ("Reopened after idling", summary.reopened.to_string()),
        ("Requests sent again", summary.resent.to_string()),
        ("TCP acknowledgements", acknowledgement.to_owned()),
    ]
}

fn server(run: &RunRecord, summary: &Summary) -> String {
    let Some(end) = &run.server_end else { return String::new() };
    let mut pairs = vec![("End", end.clone())];
    if let Some(used) = run.server_usage {
        let seconds = used.cpu.as_secs_f64();
        let cores = seconds / summary.measured.as_secs_f64().max(1e-9);
        let requests = summary.aggregate().requests.max(1) as f64;
        pairs.extend([
            ("CPU time", format!("{seconds:.2} s: {cores:.2} cores on average")),
            ("CPU time per request", show_ms(seconds * 1e3 / requests)),
            ("Peak memory", bytes(used.peak_memory_bytes as f64)),
            ("Voluntary context switches", used.voluntary_switches.to_string()),
            ("Involuntary context switches", used.involuntary_switches.to_string()),
        ]);
    }
    let drawn = timeline(&run.server_timeline);
    let drawn = match drawn.is_empty() {
        true => drawn,
        false => format!(
            "<figure>\n<figcaption>CPU cores in use and resident memory, over all processes of \
             the server.</figcaption>\n<div class=\"wide\" role=\"region\" \
             aria-label=\"Server over time\" tabindex=\"0\">{drawn}</div>\n</figure>\n"
        ),
    };
    format!("<h3>Server during the load</h3>\n{}{drawn}", facts(&pairs))
}

fn machine(run: &RunRecord) -> Vec<(&'static str, String)> {
    let machine = &run.machine;
    let or_unknown = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
    vec![
        ("System", machine.system.clone()),
        ("CPU", or_unknown(machine.processor.clone())),
        ("Cores", machine.cores.to_string()),
        ("Memory", or_unknown(machine.memory_bytes.map(|n| bytes(n as f64)))),
        (
            "Load average at the start",
            or_unknown(machine.load_at_start.map(|load| format!("{load:.2}"))),
        ),
        ("CPU frequency governor", or_unknown(machine.governor.clone())),
        ("CPU quota in cores", or_unknown(machine.quota_cores.map(|cores| format!("{cores:.2}")))),
        ("CPU steal", or_unknown(machine.steal_share.map(percent))),
    ]
}
