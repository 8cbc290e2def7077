//! The whole file: the run around its measurements, written, and read back as it was
//! before it was written. What contradicts itself is refused.

use std::borrow::Cow;

use portcullis_core::judge::{Verdict, exit_code, in_order};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use super::baseline::Baseline;
use super::comparison::Against;
use super::finding::{Finding, add_subjects};
use super::first_round::FirstCall;
use super::machine::Machine;
use super::places::Places;
use super::server::Server;
use super::stage::Stage;
use super::summary::Summary;
use super::threshold::Threshold;
use super::{SCHEMA_VERSION, Text};
use crate::record::RunRecord;
use crate::results::wire::{Instant, Wire, read_each};
use crate::results::{At, Contradiction, ReadError, ensure};

const TOOL: &str = "portcullis";

/// What tells a file of ours, before its fields are looked at.
#[derive(Deserialize)]
pub struct Mark {
    pub schema_version: Option<u64>,
    pub tool: Option<String>,
}

/// The results of one run of Portcullis.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Results<'a> {
    /// Version of the format: raised when a field is removed or changes its meaning, not
    /// when a field is added.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    #[schemars(extend("const" = TOOL))]
    pub tool: Text<'a>,
    pub tool_version: Text<'a>,
    pub started_at: Instant,
    /// Git commit of the folder of the configuration file, with `+dirty` if it has
    /// changes; null without git.
    pub commit: Option<Text<'a>>,
    pub exit_code: u8,
    /// Whether `exit_code` is 0.
    pub passed: bool,
    /// The verdict in one line.
    pub sentence: Text<'a>,
    /// Whether warnings and undecided tasks of a comparison fail the run.
    pub strict: bool,
    /// The findings that decide the exit code, the most severe first.
    pub findings: Vec<Finding<'a>>,
    /// The result of each rule; empty if nothing was judged.
    pub thresholds: Vec<Threshold<'a>>,
    /// Tasks with a weight that were never called.
    pub silent_tasks: Cow<'a, [String]>,
    pub target: Text<'a>,
    /// Whether Portcullis started the server.
    pub own_server: bool,
    pub profile: Option<Text<'a>>,
    /// Seed that repeats the run.
    pub seed: u64,
    /// The command line that repeats the run.
    pub command: Text<'a>,
    pub machine: Machine<'a>,
    pub stages: Vec<Stage<'a>>,
    /// The server that Portcullis started; null with `--host`.
    pub server: Option<Server<'a>>,
    pub first_round: Vec<FirstCall<'a>>,
    /// Summary of the load; null without load.
    pub summary: Option<Summary<'a>>,
    /// Comparison with the base; null without `--against`.
    pub against: Option<Against<'a>>,
    /// Further comparisons of the same two versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against_repeated: Vec<Against<'a>>,
    /// The stored baseline; null if no file is configured.
    pub baseline: Option<Baseline<'a>>,
    /// Whether these results can become the baseline.
    pub acceptable: bool,
    /// Hash of the settings that influence the measured values.
    pub configuration_hash: Text<'a>,
    /// Lines of rules in the configuration file; missing in files of the first versions.
    #[serde(default, skip_serializing_if = "Places::are_none")]
    pub configuration_places: Places<'a>,
    /// The text of `perf_effective.toml`.
    pub configuration: Text<'a>,
}

/// Writes the results.
///
/// # Errors
/// A number that JSON cannot hold: a defect.
pub fn write(run: &RunRecord) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(&Results::of(run))? + "\n")
}

impl<'a> Results<'a> {
    fn of(run: &'a RunRecord) -> Self {
        let verdict = run.verdict.as_ref();
        Self {
            schema_version: SCHEMA_VERSION,
            tool: TOOL.into(),
            tool_version: Wire::of(&run.tool_version),
            started_at: Wire::of(&run.started_unix_ms),
            commit: Wire::of(&run.commit),
            exit_code: run.exit_code,
            passed: run.exit_code == 0,
            sentence: Wire::of(&run.sentence),
            strict: run.strict,
            findings: Wire::of(&run.findings),
            thresholds: verdict.map(|verdict| Wire::of(&verdict.judged)).unwrap_or_default(),
            silent_tasks: verdict.map_or(&[][..], |verdict| &verdict.silent_tasks).into(),
            target: Wire::of(&run.target),
            own_server: run.own_server,
            profile: Wire::of(&run.profile),
            seed: run.seed,
            command: run.command().into(),
            machine: Wire::of(&run.machine),
            stages: Wire::of(&run.stages),
            server: Server::of(run),
            first_round: Wire::of(&run.first_round),
            summary: Wire::of(&run.summary),
            against: Wire::of(&run.comparison),
            against_repeated: Wire::of(&run.repeated),
            baseline: Wire::of(&run.baseline),
            acceptable: run.acceptable,
            configuration_hash: Wire::of(&run.configuration_hash),
            configuration_places: Wire::of(&run.places),
            configuration: Wire::of(&run.configuration),
        }
    }
}

/// Reads the results. Of a baseline only the date and the commit are known, and no
/// blocks of seconds are: what was judged stands.
///
/// # Errors
/// Something else than our results, a newer version of them, a missing end,
/// figures that contradict each other.
pub fn read(bytes: &[u8]) -> Result<RunRecord, ReadError> {
    let mark: Mark = json(bytes)?;
    if mark.tool.as_deref() != Some(TOOL) {
        return Err(ReadError::Foreign(format!("its \"tool\" is not \"{TOOL}\"")));
    }
    match mark.schema_version {
        Some(version) if version == u64::from(SCHEMA_VERSION) => {}
        Some(version) => {
            return Err(ReadError::Foreign(format!(
                "its schema_version is {version}, this version of Portcullis reads {SCHEMA_VERSION}: \
                 use the version that wrote it, or a newer one"
            )));
        }
        None => return Err(ReadError::Foreign("it has no schema_version".to_owned())),
    }
    if !bytes.ends_with(b"\n") {
        return Err(ReadError::Cut("the last line has no line end".to_owned()));
    }
    let results: Results<'static> = json(bytes).map_err(|error| match error {
        // Its mark is ours: what it lacks is what an earlier version did not write.
        ReadError::Foreign(why) => {
            ReadError::Foreign(format!("{why}; possibly an earlier version wrote it"))
        }
        error => error,
    })?;
    Ok(run_of(results)?)
}

/// The run of a text that is taken for results without a look at its mark.
///
/// # Errors
/// No JSON, or a field that is needed is missing; within, figures that contradict each
/// other.
pub(crate) fn parse(text: &str) -> serde_json::Result<Result<RunRecord, Contradiction>> {
    serde_json::from_str(text).map(run_of)
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

/// What the file says of a run.
fn run_of(file: Results<'_>) -> Result<RunRecord, Contradiction> {
    let findings = file.findings.read().at("findings")?;
    let (code, stated) = (exit_code(&findings), file.exit_code);
    let passed = file.passed;
    ensure(
        code == stated && passed == (code == 0),
        format_args!(
            "its findings mean exit {code}, but its exit_code is {stated} and passed is {passed}"
        ),
    )?;
    let judged = read_each(file.thresholds, "thresholds")?;
    let silent_tasks = file.silent_tasks.into_owned();
    let is_judged = !judged.is_empty() || !silent_tasks.is_empty();
    let mut run = RunRecord {
        tool_version: file.tool_version.read()?,
        started_unix_ms: file.started_at.read().at("started_at")?,
        commit: file.commit.read()?,
        target: file.target.read()?,
        own_server: file.own_server,
        profile: file.profile.read()?,
        seed: file.seed,
        given: file.command.read()?,
        places: file.configuration_places.read().at("configuration_places")?,
        configuration: file.configuration.read()?,
        configuration_hash: file.configuration_hash.read()?,
        machine: file.machine.read()?,
        stages: file.stages.read().at("stages")?,
        first_round: file.first_round.read().at("first_round")?,
        summary: file.summary.read().at("summary")?,
        verdict: is_judged.then_some(Verdict { judged, silent_tasks }),
        comparison: file.against.read().at("against")?,
        repeated: file.against_repeated.read().at("against_repeated")?,
        strict: file.strict,
        baseline: file.baseline.read().at("baseline")?,
        acceptable: file.acceptable,
        findings: in_order(findings),
        exit_code: stated,
        sentence: file.sentence.read()?,
        ..RunRecord::default()
    };
    file.server.map_or(Ok(()), |server| server.add_to(&mut run)).at("server")?;
    add_subjects(&mut run);
    Ok(run)
}
