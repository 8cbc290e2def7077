//! `baseline`: the stored baseline, written by somebody who accepts a change.

use portcullis_report::artifacts;
use portcullis_report::baseline::{self, RenewError, Stored};

use crate::args::{AcceptArgs, BaselineArgs, BaselineVerb};
use crate::console;
use crate::host::machine;
use crate::planning::baseline_file::{self, BaselineFileError};
use crate::planning::{self, LoadedConfig, PlanError, PlanRequest};

/// Does what was asked for with the stored baseline; its exit code.
pub fn run(args: &BaselineArgs) -> u8 {
    let BaselineVerb::Accept(args) = &args.verb;
    match accept(args) {
        Ok(said) => {
            console::print_plain(&said);
            0
        }
        Err(problems) => console::refuse(&problems),
    }
}

/// Why results cannot become the baseline.
#[derive(Debug, thiserror::Error)]
enum AcceptError {
    #[error("no baseline file is configured: set [baseline] file")]
    NotNamed,
    #[error("--reason must not be empty: say why the change is accepted")]
    NoReason,
    #[error("the results of the run cannot be read: {0}: {1}")]
    NoResults(String, std::io::Error),
    #[error("{0}: {1}")]
    Results(String, RenewError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    File(#[from] BaselineFileError),
}

/// Makes the last run's results the baseline, with the reason.
fn accept(args: &AcceptArgs) -> Result<String, Vec<AcceptError>> {
    let request = PlanRequest {
        config: args.config.clone(),
        profile: args.profile.clone(),
        output: args.out.clone(),
        ..PlanRequest::default()
    };
    let config = planning::read(&request)
        .map_err(|problems| problems.into_iter().map(AcceptError::from).collect::<Vec<_>>())?;
    accept_into(&config, args).map_err(|problem| vec![problem])
}

fn accept_into(config: &LoadedConfig, args: &AcceptArgs) -> Result<String, AcceptError> {
    let Some(shown) = &config.loaded.config.baseline.file else {
        return Err(AcceptError::NotNamed);
    };
    let reason = args.reason.trim();
    if reason.is_empty() {
        return Err(AcceptError::NoReason);
    }
    let file = config.base.join(shown);
    let before = baseline_file::read(&file, shown)?;
    let results = config.output.join(artifacts::RESULTS);
    let named = results.display().to_string();
    let text = std::fs::read_to_string(&results)
        .map_err(|error| AcceptError::NoResults(named.clone(), error))?;
    let acceptance = (machine::now_rfc3339(), reason.to_owned());
    let text = baseline::accepted(&text, before.as_ref(), acceptance)
        .map_err(|error| AcceptError::Results(named, error))?;
    let after =
        baseline::read(&text).map_err(|error| BaselineFileError::Content(error.within(shown)))?;
    baseline_file::write(&file, &text, before.is_none())?;
    Ok(change(shown, before.as_ref(), &after))
}

/// What an acceptance changed, in a line.
fn change(shown: &str, before: Option<&Stored>, after: &Stored) -> String {
    let figures = |stored: &Stored| {
        let metrics = stored.baseline.metrics;
        let (p95, errors) = (metrics.p95_ms, metrics.error_rate * 100.0);
        format!("p95 {p95:.1} ms, {:.2}/s, {errors:.2} % errors", metrics.rps)
    };
    let was = before.map(|before| format!("; before: {}", figures(before))).unwrap_or_default();
    format!("accepted: {shown} is {}{was}\n", figures(after))
}
