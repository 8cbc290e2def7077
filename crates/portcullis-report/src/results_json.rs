//! A run's results → `perf_results.json`.

mod against;
mod measurements;
mod thresholds;

use std::time::{Duration, UNIX_EPOCH};

use portcullis_core::event::{StageEnd, StageRecord};
use portcullis_core::measure::UsageAt;

use crate::run::{BaselineReport, RunReport};
use crate::wire::{
    Baseline, Finding, FirstCall, Machine, PlacedRule, Places, Results, Server, Stage,
};

/// Raised when a field changes its meaning or goes; new fields leave it.
pub const SCHEMA_VERSION: u32 = 1;

/// The last instant that RFC 3339 can say: the end of the year 9999.
const LAST_UNIX_MS: u64 = 253_402_300_799_999;

/// The instant as RFC 3339 in UTC, to the millisecond; a later one than the year 9999's
/// last is that one.
pub fn rfc3339(unix_ms: u64) -> String {
    let unix_ms = unix_ms.min(LAST_UNIX_MS);
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(unix_ms)).to_string()
}

/// Writes the results.
///
/// # Errors
/// A number that JSON cannot hold: a defect.
pub fn write(run: &RunReport) -> Result<String, serde_json::Error> {
    let verdict = run.verdict.as_ref();
    let results = Results {
        schema_version: SCHEMA_VERSION,
        tool: "portcullis".into(),
        tool_version: env!("CARGO_PKG_VERSION").into(),
        started_at: rfc3339(run.started_unix_ms).into(),
        commit: run.commit.as_deref().map(Into::into),
        exit_code: run.exit_code,
        passed: run.exit_code == 0,
        sentence: (&run.sentence).into(),
        strict: run.strict,
        findings: run
            .findings
            .iter()
            .map(|f| Finding {
                kind: f.kind().into(),
                exit_code: f.exit_code(),
                message: f.message().into(),
            })
            .collect(),
        thresholds: verdict.iter().flat_map(|v| &v.judged).map(thresholds::threshold).collect(),
        silent_tasks: verdict.map_or(&[][..], |verdict| &verdict.silent_tasks).into(),
        target: (&run.target).into(),
        own_server: run.own_server,
        profile: run.profile.as_deref().map(Into::into),
        seed: run.seed,
        command: run.command().into(),
        machine: machine(run),
        stages: run.stages.iter().map(stage).collect(),
        server: run.server_end.as_deref().map(|end| Server {
            cpu_s: run.server_usage.map(|used| used.cpu.as_secs_f64()),
            peak_memory_bytes: run.server_usage.map(|used| used.peak_memory_bytes),
            voluntary_switches: run.server_usage.map(|used| used.voluntary_switches),
            involuntary_switches: run.server_usage.map(|used| used.involuntary_switches),
            course: run.server_course.iter().map(moment).collect(),
            end: end.into(),
        }),
        first_round: run
            .first_round
            .iter()
            .map(|call| FirstCall {
                task: (&call.task).into(),
                latency_ms: call.latency.as_secs_f64() * 1e3,
                failure: call.failure.as_deref().map(Into::into),
            })
            .collect(),
        summary: run.summary.as_ref().map(measurements::summary),
        against: run.comparison.as_ref().map(against::against),
        against_repeated: run.repeated.iter().map(against::against).collect(),
        baseline: run.baseline.as_ref().map(baseline),
        acceptable: run.acceptable,
        configuration_hash: (&run.configuration_hash).into(),
        configuration_places: places(run),
        configuration: (&run.configuration).into(),
    };
    let mut text = serde_json::to_string_pretty(&results)?;
    text.push('\n');
    Ok(text)
}

fn places(run: &RunReport) -> Places<'_> {
    let rules = run.places.rules.iter().map(|placed| PlacedRule {
        severity: thresholds::severity(placed.severity).into(),
        rule: (&placed.text).into(),
        line: placed.line,
    });
    Places { file: (&run.places.file).into(), rules: rules.collect(), against: run.places.against }
}

fn machine(run: &RunReport) -> Machine<'_> {
    Machine {
        system: (&run.machine.system).into(),
        cores: run.machine.cores,
        processor: run.machine.processor.as_deref().map(Into::into),
        memory_bytes: run.machine.memory_bytes,
        load_at_start: run.machine.load_at_start,
        governor: run.machine.governor.as_deref().map(Into::into),
        quota_cores: run.machine.quota_cores,
        steal_share: run.machine.steal_share,
    }
}

fn moment(moment: &UsageAt) -> (f64, f64, u64) {
    (moment.at.as_secs_f64(), moment.cpu.as_secs_f64(), moment.memory_bytes)
}

fn stage(record: &StageRecord) -> Stage<'_> {
    let (end, failure) = match &record.end {
        StageEnd::Done => ("done", None),
        StageEnd::Cached => ("cached", None),
        StageEnd::Failed(why) => ("failed", Some(why.as_str())),
    };
    let took_s = record.took.as_secs_f64();
    Stage {
        stage: record.stage.name().into(),
        took_s,
        end: end.into(),
        detail: (&record.detail).into(),
        failure: failure.map(Into::into),
        log: record.log.as_deref().map(Into::into),
    }
}

fn baseline(report: &BaselineReport) -> Baseline<'_> {
    let stored = report.plan.stored.as_ref();
    Baseline {
        file: (&report.shown).into(),
        state: if stored.is_some() { "compared" } else { "missing" }.into(),
        timestamp: stored.and_then(|stored| stored.timestamp.as_deref()).map(Into::into),
        commit: stored.and_then(|stored| stored.commit.as_deref()).map(Into::into),
        foreign: report.plan.foreign.as_deref().map(Into::into),
        lowered: report.plan.is_lowered,
        written: report.written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_instant_is_beyond_what_can_be_said() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        for unix_ms in [LAST_UNIX_MS, LAST_UNIX_MS + 1, u64::MAX] {
            assert_eq!(rfc3339(unix_ms), "9999-12-31T23:59:59.999Z");
        }
    }
}
