//! How well it was measured: remarks, the generator's own lag, the server's use of
//! the machine, the machine itself.

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
    Section { id: "measuring", title: "How well it was measured", body }
}

fn said(summary: &Summary) -> String {
    let items = caveats(summary).into_iter().map(|said| format!("<li>{}</li>\n", esc(&said)));
    let items: String = items.collect();
    if items.is_empty() { items } else { format!("<ul class=\"remarks\">\n{items}</ul>\n") }
}

fn generator(summary: &Summary) -> String {
    let generator = &summary.generator;
    let health = match generator_fault(summary) {
        Some(fault) => format!("<p class=\"note\"><b>Not good enough.</b> {}</p>\n", esc(&fault)),
        None => format!(
            "<p>The load generator was on time: late by {} at p99 (limit {LAG_LIMIT_MS:.0} ms), by \
             {} at most (limit {:.0} s).</p>\n",
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
            "<figure>\n<figcaption>How late it woke (logarithmic).</figcaption>\n<div \
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
        time.map_or("not known".to_owned(), |time| {
            let share = time.as_secs_f64() / generator.ran.as_secs_f64().max(1e-9);
            format!("{} ({} of the time)", show_duration(time), percent(share))
        })
    };
    let punctual = if generator.is_punctual { "yes" } else { "no: the system did not allow it" };
    vec![
        ("Users started late by, at most", ms(generator.spawn_lag.max_ms())),
        ("On a processor", time(generator.cpu)),
        ("Waited for a processor", time(generator.run_queue)),
        ("Runs before others when due", punctual.to_owned()),
    ]
}

fn connections(summary: &Summary) -> Vec<(&'static str, String)> {
    let connects = &summary.connects;
    let acknowledgement = match connects.acknowledgement {
        Acknowledgement::System => "when the system likes",
        other => other.name(),
    };
    let tls = match connects.tls {
        Tls::Insecure => "on, the certificate was not checked",
        other => other.name(),
    };
    let p95 = |latencies: &portcullis_core::measure::Distribution| {
        format!("{}, p95 {}", latencies.count, ms(latencies.percentile_ms(Percentile::P95)))
    };
    vec![
        ("Address", connects.address.clone()),
        ("TLS", tls.to_owned()),
        ("Opened", p95(&connects.connect)),
        ("Opened anew after idling", summary.reopened.to_string()),
        ("Sent again", summary.resent.to_string()),
        ("Answers acknowledged", acknowledgement.to_owned()),
    ]
}

fn server(run: &RunRecord, summary: &Summary) -> String {
    let Some(end) = &run.server_end else { return String::new() };
    let mut pairs = vec![("How it ended", end.clone())];
    if let Some(used) = run.server_usage {
        let seconds = used.cpu.as_secs_f64();
        let cores = seconds / summary.measured.as_secs_f64().max(1e-9);
        let requests = summary.aggregate().requests.max(1) as f64;
        pairs.extend([
            ("Processor time", format!("{seconds:.2} s: {cores:.2} cores on average")),
            ("For each request", show_ms(seconds * 1e3 / requests)),
            ("Memory at its peak", bytes(used.peak_memory_bytes as f64)),
            ("Switches because it waited", used.voluntary_switches.to_string()),
            ("Switches because its time was up", used.involuntary_switches.to_string()),
        ]);
    }
    let drawn = timeline(&run.server_timeline);
    let drawn = match drawn.is_empty() {
        true => drawn,
        false => format!(
            "<figure>\n<figcaption>Processors that it used, and its resident memory, all its \
             processes together.</figcaption>\n<div class=\"wide\" role=\"region\" \
             aria-label=\"Server over time\" tabindex=\"0\">{drawn}</div>\n</figure>\n"
        ),
    };
    format!("<h3>Server, over the load</h3>\n{}{drawn}", facts(&pairs))
}

fn machine(run: &RunRecord) -> Vec<(&'static str, String)> {
    let machine = &run.machine;
    let or_unknown = |value: Option<String>| value.unwrap_or_else(|| "not known".to_owned());
    vec![
        ("System", machine.system.clone()),
        ("Processor", or_unknown(machine.processor.clone())),
        ("Cores", machine.cores.to_string()),
        ("Memory", or_unknown(machine.memory_bytes.map(|n| bytes(n as f64)))),
        ("Load at the start", or_unknown(machine.load_at_start.map(|load| format!("{load:.2}")))),
        ("Frequency governor", or_unknown(machine.governor.clone())),
        ("Quota in cores", or_unknown(machine.quota_cores.map(|cores| format!("{cores:.2}")))),
        ("Taken by the host", or_unknown(machine.steal_share.map(percent))),
    ]
}
