//! A run → what is told of it in every report, without secrets.

use portcullis_core::config::to_redacted_toml;
use portcullis_core::outcome;
use portcullis_core::plan::Mode;
use portcullis_report::RunReport;

use super::Run;
use super::{command_line, redacted};
use crate::commands::baseline;
use crate::run::source_locations::places;

impl Run<'_> {
    /// All that is to be told of the run.
    pub fn report(&self, sentence: &str) -> RunReport {
        let told = RunReport {
            started_unix_ms: self.started_unix_ms,
            commit: self.commit.clone(),
            target: self.target.clone(),
            own_server: matches!(self.planned.plan.mode, Mode::Serve(_)),
            profile: self.profile.clone(),
            seed: self.planned.plan.load.seed,
            given: command_line::given(),
            configuration: to_redacted_toml(&self.planned.loaded.tree),
            configuration_hash: self.planned.configuration_hash.clone(),
            baseline: baseline::report(self),
            acceptable: baseline::is_acceptable(self),
            places: places(self.planned),
            machine: self.machine.clone(),
            stages: self.stages.clone(),
            server_usage: self.server_usage,
            server_course: self.server_course.clone(),
            server_end: self.server_end.clone(),
            first_round: self.first_round.clone(),
            summary: self.summary.clone(),
            verdict: self.verdict.clone(),
            comparison: self.comparison.clone(),
            repeated: self.repeated.clone(),
            exit_code: self.exit_code(),
            sentence: sentence.to_owned(),
            strict: self.strict,
            findings: outcome::in_order(self.findings.clone()),
        };
        redacted::report(&self.secrets, told)
    }
}
