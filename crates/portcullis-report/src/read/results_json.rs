//! `perf_results.json`, read back whole: the measurements as they were before
//! they were written, and how the run ended. What contradicts itself is refused.

use std::borrow::Cow;
use std::time::UNIX_EPOCH;

use portcullis_core::judge::{Finding, Signal, Verdict, exit_code, in_order};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::{ReadError, against, measurements, surroundings, thresholds};
use crate::results_json::SCHEMA_VERSION;
use crate::run::RunReport;
use crate::wire;

/// One run, as it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// The version of Portcullis that wrote it.
    pub tool_version: String,
    /// The run: every report can be made of it again. Of a baseline only the date
    /// and the commit are known, and no seconds are: what was judged stands.
    pub report: RunReport,
}

/// Reads the results.
///
/// # Errors
/// Something else than our results, a newer version of them, a missing end,
/// figures that contradict each other.
pub fn read_results(bytes: &[u8]) -> Result<Results, ReadError> {
    let mark: wire::Mark = json(bytes)?;
    if mark.tool.as_deref() != Some("portcullis") {
        return Err(ReadError::Foreign("its \"tool\" is not \"portcullis\"".to_owned()));
    }
    match mark.schema_version {
        Some(version) if version == u64::from(SCHEMA_VERSION) => {}
        Some(version) => {
            return Err(ReadError::Foreign(format!(
                "its schema_version is {version}, this Portcullis reads {SCHEMA_VERSION}: use the \
                 version that wrote it, or a newer one"
            )));
        }
        None => return Err(ReadError::Foreign("it has no schema_version".to_owned())),
    }
    if !bytes.ends_with(b"\n") {
        return Err(ReadError::Cut("the last line has no end".to_owned()));
    }
    // Its mark is ours: what it lacks is what an earlier version did not write.
    results(json(bytes).map_err(|error| match error {
        ReadError::Foreign(why) => {
            ReadError::Foreign(format!("{why}; an earlier version may have written it"))
        }
        error => error,
    })?)
}

/// A text that ends too early is cut; one that goes wrong before is something
/// else.
fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ReadError> {
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        Category::Eof => ReadError::Cut(error.to_string()),
        // A number that ends with its point.
        Category::Syntax if is_at_end(bytes, &error) => ReadError::Cut(error.to_string()),
        Category::Io | Category::Syntax | Category::Data => ReadError::Foreign(error.to_string()),
    })
}

fn is_at_end(bytes: &[u8], error: &serde_json::Error) -> bool {
    let lines = bytes.split(|byte| *byte == b'\n');
    let (count, last) = lines.fold((0, 0), |(count, _), line| (count + 1, line.len()));
    (error.line(), error.column()) >= (count, last)
}

fn results(file: wire::Results<'static>) -> Result<Results, ReadError> {
    let findings: Vec<Finding> =
        file.findings.into_iter().map(finding).collect::<Result<_, _>>()?;
    let code = exit_code(&findings);
    if code != file.exit_code || file.passed != (code == 0) {
        let message = format!(
            "its findings mean exit {code}, its exit_code is {} and passed is {}",
            file.exit_code, file.passed
        );
        return Err(ReadError::Inconsistent(message));
    }
    let server = file.server.map(surroundings::server).transpose()?;
    let (server_usage, server_course, server_end) = match server {
        Some((usage, course, end)) => (usage, course, Some(end)),
        None => (None, Vec::new(), None),
    };
    let verdict = verdict(file.thresholds, file.silent_tasks.into_owned())?;
    let repeated = file.against_repeated.into_iter();
    let repeated = repeated.map(|one| against::comparison(one, "against_repeated"));
    let report = RunReport {
        started_unix_ms: unix_ms(&file.started_at, "started_at")?,
        commit: file.commit.map(Cow::into_owned),
        target: file.target.into_owned(),
        own_server: file.own_server,
        profile: file.profile.map(Cow::into_owned),
        seed: file.seed,
        given: file.command.into_owned(),
        places: thresholds::places(file.configuration_places)?,
        configuration: file.configuration.into_owned(),
        configuration_hash: file.configuration_hash.into_owned(),
        machine: surroundings::machine(file.machine),
        stages: file.stages.into_iter().map(surroundings::stage).collect::<Result<_, _>>()?,
        server_usage,
        server_course,
        server_end,
        first_round: file
            .first_round
            .into_iter()
            .map(surroundings::first_call)
            .collect::<Result<_, _>>()?,
        summary: file.summary.map(measurements::summary).transpose()?,
        verdict,
        comparison: file.against.map(|one| against::comparison(one, "against")).transpose()?,
        repeated: repeated.collect::<Result<_, _>>()?,
        strict: file.strict,
        baseline: file.baseline.map(surroundings::baseline).transpose()?,
        acceptable: file.acceptable,
        findings: in_order(findings),
        exit_code: file.exit_code,
        sentence: file.sentence.into_owned(),
    };
    Ok(Results { tool_version: file.tool_version.into_owned(), report })
}

/// What was judged; `None` if nothing was.
fn verdict(
    judged: Vec<wire::Threshold<'_>>,
    silent_tasks: Vec<String>,
) -> Result<Option<Verdict>, ReadError> {
    if judged.is_empty() && silent_tasks.is_empty() {
        return Ok(None);
    }
    let judged = judged.into_iter().enumerate();
    let judged =
        judged.map(|(index, one)| thresholds::judged(one, &format!("thresholds[{index}]")));
    Ok(Some(Verdict { judged: judged.collect::<Result<_, _>>()?, silent_tasks }))
}

fn finding(file: wire::Finding) -> Result<Finding, ReadError> {
    let text = file.message.into_owned();
    let finding = match (file.kind.as_ref(), file.exit_code) {
        ("interrupted", 143) => Finding::Interrupted(Signal::Terminate),
        ("interrupted", _) => Finding::Interrupted(Signal::Interrupt),
        ("defect", _) => Finding::Defect(text),
        ("refused", _) => Finding::Refused(text),
        ("preparation", _) => Finding::Preparation(text),
        ("server", _) => Finding::Server(text),
        ("invalid", _) => Finding::Invalid(text),
        ("violated", _) => Finding::Violated(text),
        ("no data", _) => Finding::NoData(text),
        (kind, _) => {
            let message = format!("findings: \"{kind}\" is no kind of finding");
            return Err(ReadError::Inconsistent(message));
        }
    };
    if finding.exit_code() == file.exit_code {
        return Ok(finding);
    }
    let (kind, code) = (finding.kind(), file.exit_code);
    Err(ReadError::Inconsistent(format!("findings: \"{kind}\" does not mean exit {code}")))
}

/// An instant that was written as RFC 3339, in milliseconds since 1970.
pub fn unix_ms(text: &str, at: &str) -> Result<u64, ReadError> {
    let since = humantime::parse_rfc3339(text).ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    let ms = since.and_then(|since| u64::try_from(since.as_millis()).ok());
    ms.ok_or_else(|| ReadError::Inconsistent(format!("{at}: \"{text}\" is no instant")))
}
