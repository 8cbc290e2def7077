//! `perf_results.json`, read back whole: the measurements as they were before
//! they were written, and how the run ended. What contradicts itself is refused.

use std::time::UNIX_EPOCH;

use portcullis_core::check::Factor;
use portcullis_core::outcome::{self, Finding, Signal};
use portcullis_core::pairs::Comparison;
use portcullis_core::summary::Summary;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::{ReadError, against, measurements, numbers, wire};
use crate::results_json::SCHEMA_VERSION;

/// One run, as it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// The version of Portcullis that wrote it.
    pub tool_version: String,
    /// When the run began, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// The commit that was measured, if it was known.
    pub commit: Option<String>,
    /// The origin that was measured.
    pub target: String,
    /// The chosen profile.
    pub profile: Option<String>,
    /// The seed of all chance.
    pub seed: u64,
    /// The exit code.
    pub exit_code: u8,
    /// The verdict in a sentence.
    pub sentence: String,
    /// Whether warnings, and tasks that the comparison leaves undecided, fail.
    pub strict: bool,
    /// What decided the exit code, the gravest first.
    pub findings: Vec<Finding>,
    /// What was measured, as far as the load came.
    pub summary: Option<Summary>,
    /// What pairs said of base and candidate, if they were compared.
    pub comparison: Option<Comparison>,
    /// How much less the requests of each rule say because they share bad seconds.
    pub factors: Vec<Factor>,
    /// The effective configuration as TOML, without secrets.
    pub configuration: String,
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
    results(json(bytes)?)
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

fn results(file: wire::Results) -> Result<Results, ReadError> {
    let findings: Vec<Finding> =
        file.findings.into_iter().map(finding).collect::<Result<_, _>>()?;
    let code = outcome::exit_code(&findings);
    if code != file.exit_code || file.passed != (code == 0) {
        let message = format!(
            "its findings mean exit {code}, its exit_code is {} and passed is {}",
            file.exit_code, file.passed
        );
        return Err(ReadError::Inconsistent(message));
    }
    Ok(Results {
        tool_version: file.tool_version,
        started_unix_ms: unix_ms(&file.started_at, "started_at")?,
        commit: file.commit,
        target: file.target,
        profile: file.profile,
        seed: file.seed,
        exit_code: file.exit_code,
        sentence: file.sentence,
        strict: file.strict,
        findings: outcome::in_order(findings),
        summary: file.summary.map(measurements::summary).transpose()?,
        comparison: file.against.map(|one| against::comparison(one, "against")).transpose()?,
        factors: file.thresholds.into_iter().filter_map(factor).collect::<Result<_, _>>()?,
        configuration: file.configuration,
    })
}

fn factor(file: wire::Threshold) -> Option<Result<Factor, ReadError>> {
    let block_factor = file.evidence?.block_factor;
    if !numbers::is_sound(block_factor) || block_factor < 1.0 {
        let message = format!("thresholds: the block factor {block_factor} is not at least 1");
        return Some(Err(ReadError::Inconsistent(message)));
    }
    Some(Ok(Factor { text: file.rule, scope: file.scope, block_factor }))
}

fn finding(file: wire::Finding) -> Result<Finding, ReadError> {
    let text = file.message;
    let finding = match (file.kind.as_str(), file.exit_code) {
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
