//! The order of the rooms in each crate, from the top down: a room uses those below it,
//! and those beside it as long as there is no circle. A new room gets its place here.

use crate::paths::Start;
use crate::rooms::{arrows, circles, compiled, undeclared, upward};
use crate::sources::{File, files};

const PORTCULLIS: &[&[&str]] = &[
    &["main"],
    &["commands"],
    // What can be asked for on the command line: commands alone know it.
    &["args"],
    &["compare"],
    &["doctor", "init"],
    &["stages"],
    &["project", "engines"],
    &["services"],
    &["planning", "run"],
    &["cache", "console"],
    // The machine, git, chance: what is outside of us.
    &["host"],
];

const CORE: &[&[&str]] = &[
    &["check"],
    &["compare"],
    &["engine"],
    &["event"],
    &["judge"],
    &["steering"],
    &["plan"],
    &["config"],
    &["baseline", "history"],
    &["evidence"],
    &["secrets"],
    &["scenario"],
    &["threshold"],
    &["measure"],
    &["text", "units", "rng", "target"],
];

const LOAD: &[&[&str]] =
    &[&["engine", "pairs"], &["vu"], &["schedule"], &["metrics"], &["http"], &["reactor"]];

const REPORT: &[&[&str]] = &[
    &["read", "schema"],
    &["artifacts"],
    &["formats"],
    &["html", "markdown", "junit", "locust_csv", "prometheus", "codequality", "github", "tap"],
    &["baseline", "events_jsonl", "history"],
    &["results", "annotations"],
    &["format"],
    &["wording", "escape", "series", "instant"],
    &["record"],
];

const SUPERVISE: &[&[&str]] = &[
    &["step", "server", "service", "abandoned", "meter", "outgoing"],
    &["guard", "launch", "port"],
    &["account", "descriptors", "environment", "log", "placement", "sweep"],
    &["tree", "shared_memory"],
    &["interrupt", "disk_space", "system_tool"],
];

const XTASK: &[&[&str]] =
    &[&["test", "pictures"], &["bench", "dist", "faults", "lint"], &["browser"], &["tools"]];

/// Rooms of `portcullis-report` that show a run: they read results through the functions
/// and types that the room `results` gives to all, never from inside a version.
const VIEWS: [&str; 8] =
    ["html", "markdown", "junit", "locust_csv", "prometheus", "codequality", "github", "tap"];

/// Rooms of `portcullis-core` that the load engine must not know: it measures, and is
/// told when to stop.
const JUDGES: [&str; 3] = ["judge", "evidence", "verdict"];

fn sources(name: &str) -> Vec<File> {
    let found = files(&[&format!("{name}/src")], &["rs"]);
    assert!(!found.is_empty(), "{name} has no sources");
    found
}

fn hold(name: &str, layers: &[&[&str]]) {
    let files = sources(name);
    let arrows = arrows(&files);
    let wrong: Vec<String> = undeclared(&files, layers)
        .into_iter()
        .chain(circles(&arrows))
        .chain(upward(&arrows, layers))
        .collect();
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
}

#[test]
fn rooms_of_portcullis() {
    hold("crates/portcullis", PORTCULLIS);
}

#[test]
fn rooms_of_core() {
    hold("crates/portcullis-core", CORE);
}

#[test]
fn rooms_of_load() {
    hold("crates/portcullis-load", LOAD);
}

#[test]
fn rooms_of_report() {
    hold("crates/portcullis-report", REPORT);
}

#[test]
fn rooms_of_supervise() {
    hold("crates/portcullis-supervise", SUPERVISE);
}

#[test]
fn rooms_of_xtask() {
    hold("xtask", XTASK);
}

#[test]
fn the_load_engine_judges_nothing() {
    let wrong = judging(&sources("crates/portcullis-load"));
    assert!(wrong.is_empty(), "the load engine must not judge:\n{}", wrong.join("\n"));
}

#[test]
fn views_know_no_version_of_the_results() {
    let arrows = arrows(&sources("crates/portcullis-report"));
    let is_deep = |path: &str| path == "results::v1" || path.starts_with("results::v1::");
    let wrong: Vec<_> = arrows
        .iter()
        .filter(|arrow| VIEWS.contains(&arrow.from.as_str()) && is_deep(&arrow.path))
        .collect();
    assert!(wrong.is_empty(), "a view reads inside of version 1: {wrong:#?}");
}

/// The paths by which files reach rooms that judge.
pub fn judging(files: &[File]) -> Vec<String> {
    let core = Start::Crate("portcullis_core".to_owned());
    let mut wrong = Vec::new();
    for (name, _, content) in compiled(files) {
        for path in content.paths.iter().filter(|path| path.start == core) {
            if path.names.first().is_some_and(|room| JUDGES.contains(&room.as_str())) {
                wrong.push(format!("{name}:{} {}", path.line, path.names.join("::")));
            }
        }
    }
    wrong
}
