//! The top of the page: the verdict, its reason, and what was measured.

use portcullis_core::measure::Summary;
use portcullis_core::units::show_duration;

use super::markup::{esc, facts};
use super::next::next;
use super::page::class;
use crate::instant::rfc3339;
use crate::record::{Machine, RunRecord};
use crate::wording;

/// The header.
pub fn header(run: &RunRecord) -> String {
    let word = wording::verdict(run.exit_code);
    let sign = match class(run.exit_code) {
        "passed" => "✓",
        "failed" => "✗",
        _ => "!",
    };
    let sentence = run.sentence.strip_prefix(word).and_then(|rest| rest.strip_prefix(": "));
    format!(
        "<header>\n<h1><span class=\"verdict\"><span aria-hidden=\"true\">{sign}</span> \
         {word}</span> <span class=\"code\">exit code {}</span></h1>\n<p \
         class=\"sentence\">{}</p>\n{}{}{}</header>\n",
        run.exit_code,
        esc(sentence.unwrap_or(&run.sentence)),
        next(run),
        findings(run),
        facts(&measured(run))
    )
}

/// The number of listed findings.
const MOST: usize = 40;
/// The number of findings that are not collapsed: after a failure most of the others follow
/// from it.
const OPEN: usize = 3;

/// The other findings, because the sentence has only the first.
fn findings(run: &RunRecord) -> String {
    if run.findings.len() < 2 {
        return String::new();
    }
    let shown = run.findings.iter().skip(1).take(MOST).map(|finding| {
        let message = wording::shortened(&finding.message, 1_000);
        format!("<li><b>{}</b> {}</li>\n", finding.kind.name(), esc(&message))
    });
    let shown: Vec<String> = shown.collect();
    let (open, folded) = shown.split_at(OPEN.min(shown.len()));
    let more = match run.findings.len().saturating_sub(MOST + 1) {
        0 => String::new(),
        n => format!("<li>and {n} more</li>\n"),
    };
    let folded = match folded.len() {
        0 => String::new(),
        n => format!(
            "<details class=\"support\">\n<summary>and {n} more</summary>\n<ul>\n{}{more}</ul>\n\
             </details>\n",
            folded.concat()
        ),
    };
    format!("<h2>Other findings</h2>\n<ul class=\"findings\">\n{}</ul>\n{folded}", open.concat())
}

fn measured(run: &RunRecord) -> Vec<(&'static str, String)> {
    let server = if run.own_server { ", started for this run" } else { ", already running" };
    let target = match run.target.as_str() {
        "" => "none yet".to_owned(),
        target => format!("{target}{server}"),
    };
    vec![
        ("Commit", run.commit.as_deref().map_or("unknown".to_owned(), short)),
        ("Started", rfc3339(run.started_unix_ms)),
        ("Target", target),
        ("Load", run.summary.as_ref().map_or("none".to_owned(), load)),
        ("Compared with", against(run)),
        ("Profile", run.profile.clone().unwrap_or_else(|| "none".to_owned())),
        ("Seed", run.seed.to_string()),
        ("Machine", machine(&run.machine)),
    ]
}

/// A short form of a commit: its first characters, and whether there are changes. The
/// results have the whole id.
fn short(commit: &str) -> String {
    let is_hash = commit.chars().take(40).filter(char::is_ascii_hexdigit).count() == 40;
    match (is_hash, commit.get(..12), commit.get(40..)) {
        (true, Some(start), Some(rest)) => format!("{start}{rest}"),
        _ => commit.to_owned(),
    }
}

/// The base or baseline of the run.
fn against(run: &RunRecord) -> String {
    let base =
        run.comparison.as_ref().map(|base| format!("{} ({})", short(&base.commit), base.asked));
    let stored = run.baseline.as_ref().map(|stored| format!("the baseline {}", stored.shown));
    let all: Vec<String> = base.into_iter().chain(stored).collect();
    if all.is_empty() { "thresholds only".to_owned() } else { all.join(" and ") }
}

/// The load in words.
pub fn load(summary: &Summary) -> String {
    let window = show_duration(summary.window);
    let cut = match summary.measured {
        measured if measured + std::time::Duration::from_millis(500) < summary.window => {
            format!(", stopped after {}", show_duration(measured))
        }
        _ => String::new(),
    };
    let how = match summary.arrivals {
        Some(arrivals) => format!(
            "{} scheduled requests with at most {} users",
            arrivals.scheduled, summary.users_asked
        ),
        None => format!("{} of {} users", summary.users_ran, summary.users_asked),
    };
    let requests = summary.aggregate().requests;
    format!("{how}, {window}{cut}: {requests} requests, {:.1}/s", summary.rate(requests))
}

fn machine(machine: &Machine) -> String {
    let mut parts = vec![format!("{} cores", machine.cores)];
    parts.extend(machine.processor.clone());
    parts.push(machine.system.clone());
    parts.extend(machine.memory_bytes.map(|bytes| wording::bytes(bytes as f64)));
    parts.join(", ")
}
