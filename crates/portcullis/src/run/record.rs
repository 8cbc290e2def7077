//! Makes the record of a run, without secrets, for every report.

use portcullis_core::compare::Comparison;
use portcullis_core::config::to_redacted_toml;
use portcullis_core::judge::{headline, in_order};
use portcullis_core::plan::Mode;
use portcullis_report::{BaselineReport, Machine, RunRecord};
use portcullis_supervise::log;

use super::source_locations::source_locations;
use super::{Journal, RunContext, RunResults, command_line, redacted};

/// The record of the run so far.
pub fn record(context: &RunContext<'_>, journal: &Journal<'_>, results: &RunResults) -> RunRecord {
    let (planned, load) = (context.planned, &results.load);
    let told = RunRecord {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        started_unix_ms: context.started_unix_ms,
        commit: context.commit.clone(),
        target: results.target.clone(),
        own_server: matches!(planned.plan.mode, Mode::Serve(_)),
        profile: context.options.profile.clone(),
        seed: planned.plan.load.seed,
        given: command_line::given(&context.options.variables),
        configuration: to_redacted_toml(&planned.loaded.tree),
        configuration_hash: planned.configuration_hash.clone(),
        baseline: baseline(context, results),
        acceptable: is_acceptable(journal, results),
        places: source_locations(planned),
        machine: Machine { steal_share: load.steal_share, ..context.machine.clone() },
        stages: journal.stages().to_vec(),
        server_usage: load.server_usage,
        server_timeline: load.server_timeline.clone(),
        server_end: results.server_end.clone(),
        server_was_silent: results.server_end.is_some()
            && !log::is_written(&context.folder.log("server")),
        first_round: load.first_round.clone(),
        summary: load.summary.clone(),
        verdict: results.verdict.clone(),
        comparison: results.comparison.clone(),
        repeated: results.repeated.clone(),
        exit_code: journal.exit_code(),
        sentence: sentence(context, journal, results),
        strict: context.options.strict,
        findings: in_order(journal.findings().to_vec()),
    };
    redacted::record(&context.secrets(), told)
}

/// The part about the baseline, if a file is configured.
fn baseline(context: &RunContext<'_>, results: &RunResults) -> Option<BaselineReport> {
    let plan = context.planned.plan.baseline.clone()?;
    let shown = context.planned.loaded.config.baseline.file.clone()?;
    Some(BaselineReport { shown, plan, written: results.baseline_written })
}

/// Whether the figures may become the baseline: they are of the whole window, they were
/// judged, and there are no findings except differences from the present baseline.
pub fn is_acceptable(journal: &Journal<'_>, results: &RunResults) -> bool {
    let summary = results.load.summary.as_ref();
    let is_cut = summary.is_some_and(|summary| summary.ended_early.is_some());
    let is_difference = |finding| results.differences.contains(finding);
    !is_cut && results.verdict.is_some() && journal.findings().iter().all(is_difference)
}

/// The verdict in one sentence.
fn sentence(context: &RunContext<'_>, journal: &Journal<'_>, results: &RunResults) -> String {
    let passed = || {
        let (summary, verdict) = (results.load.summary.as_ref(), results.verdict.as_ref());
        let compared = results.comparison.as_ref().map(Comparison::sentence);
        headline::passed(summary, verdict, compared.as_deref())
    };
    let sentence = headline::headline(journal.findings()).unwrap_or_else(passed);
    let told = results.verdict.as_ref().and_then(|_| baseline(context, results));
    let on_baseline = told.map(|BaselineReport { shown, plan, written }| {
        // In a strict run a finding already reports that it is missing.
        let is_said = context.options.strict && context.planned.baseline.is_missed;
        headline::on_baseline(&shown, &plan, written, is_said)
    });
    format!("{sentence}{}", on_baseline.unwrap_or_default())
}
