//! Text that attacks the programs that show it: consoles, spreadsheets, pages.

use std::process::Command;

use anyhow::{Context, Result, bail};

use super::super::case::{FaultCase, case};
use super::super::commands;
use super::super::sandbox::{Outcome, Sandbox};
use crate::tools;

/// The cases.
pub fn cases() -> Vec<FaultCase> {
    let mut cases = answers();
    cases.extend(others());
    for case in &mut cases {
        if case.name != RAW_LOG {
            case.never.extend(NEVER);
        }
        case.then = case.then.or(Some(inert));
    }
    cases
}

/// In this case the log has the server's raw output, so the forbidden texts may be there.
const RAW_LOG: &str = "hostile-content/last-words";

/// Escape sequences that colour a terminal or set its title, and a character that reverses
/// a line.
const NEVER: [&str; 4] = ["\u{1b}[31m", "\u{1b}]0;", "\u{9b}1m", "\u{202e}"];

/// A valid path with every kind of dangerous character.
const PATH: &str = "/api/v1/reports/%0A::error::x,a:b/|`%3Cscript%3E/]]%3E/";

/// Sets the variables that a runner of GitHub Actions gives to a step.
const AS_A_STEP: &str = "GITHUB_OUTPUT=\"$SANDBOX/outputs\" GITHUB_STEP_SUMMARY=\"$SANDBOX/summary\" \
                         GITHUB_WORKSPACE=\"$SANDBOX\" exec \"$@\"";

fn hostile(name: &'static str, what: &'static str, code: i32, fault: &str) -> FaultCase {
    case(name, what, code).server("hostile.py", &[fault])
}

fn answers() -> Vec<FaultCase> {
    vec![
        hostile(
            "hostile-content/words",
            "Error messages contain control characters, escape sequences, markup and formulas.",
            1,
            "words",
        )
        .says("status 501 instead of 200: \"<![CDATA[ x ]]> and ]]>\"")
        .says("status 503 instead of 200: \"a | b || `c`\"")
        .says("status 505 instead of 200: \"=cmd|' /C calc'!A0\"")
        .then(|sandbox, outcome| {
            inert(sandbox, outcome)?;
            intact(outcome)?;
            read_by_others(sandbox, outcome)
        }),
        hostile(
            "hostile-content/github",
            "The same, also in a path and a rule, in a step of GitHub Actions.",
            1,
            "words",
        )
        .edit("path = \"/api/v1/reports/\"", format!("path = \"{PATH}\""))
        .edit("\"p95 <= 500ms\",", format!("'p99(\"{PATH}?page_size=25\") < 0.001ms',"))
        .variable("GITHUB_ACTIONS", "true")
        .within(AS_A_STEP)
        .says("violated: p99(")
        .then(|sandbox, outcome| {
            inert(sandbox, outcome)?;
            commands::are_ours(sandbox, outcome, 2)?;
            commands::outputs_are_ours(sandbox, &["verdict=failed", "exit_code=1"])?;
            read_by_others(sandbox, outcome)
        })
        .quick(),
        hostile(
            "hostile-content/folder",
            "The name of the folder of artifacts contains line breaks.",
            1,
            "words",
        )
        .flags(&["-t", "3s", "--out", "out\nexit_code=0\n::error::forged"])
        .variable("GITHUB_ACTIONS", "true")
        .within(AS_A_STEP)
        .without_results()
        .then(|sandbox, outcome| {
            inert(sandbox, outcome)?;
            commands::are_ours(sandbox, outcome, 1)?;
            commands::outputs_are_ours(sandbox, &["verdict=failed", "exit_code=1"])
        }),
        hostile("hostile-content/raw", "Error bodies that are not UTF-8.", 1, "raw")
            .says("status 505 instead of 200"),
        hostile(
            "hostile-content/heads",
            "Reason phrases and header fields contain escape sequences, zeros, and bytes that are not text.",
            1,
            "heads",
        )
        .says("violated: error_rate"),
        hostile("hostile-content/field-names", "Header fields have invalid names.", 1, "names")
            .says("violated: error_rate"),
        hostile("hostile-content/big", "An error body has 10 MB: only its beginning is shown.", 1, "big")
            .says("violated: error_rate")
            .then(|sandbox, outcome| {
                inert(sandbox, outcome)?;
                let sum: usize = outcome.files.values().map(Vec::len).sum();
                match sum {
                    0..1_000_000 => Ok(()),
                    sum => bail!("the artifacts have {sum} bytes"),
                }
            }),
    ]
}

fn others() -> Vec<FaultCase> {
    vec![
        hostile("hostile-content/login", "A login is refused with such a message.", 5, "refuses")
            .stage("load")
            .says("the login of user 1 failed: status 400")
            .quick(),
        hostile(
            RAW_LOG,
            "The server logs escape sequences and one long line, then exits.",
            4,
            "last-words",
        )
        .stage("ready")
        .says("exit status: 3")
        .quick(),
        case(
            "hostile-content/command-line",
            "The port is taken by a process with escape sequences in its command line.",
            4,
        )
        .flags(&["-t", "3s", "--port", "47812"])
        .before(|sandbox| {
            let file = sandbox.folder.join("\u{1b}[31mport");
            std::fs::write(&file, "47812")?;
            sandbox.accompany("stranger.py", &file.display().to_string())?;
            super::wait_for_listener(47812)
        })
        .stage("serve")
        .says("port 47812 is held by process")
        .quick(),
        case("hostile-content/names", "A task has such a name: it is refused.", 2)
            .edit("name = \"list_claims\"", "name = \"\\u001b[31m=cmd|calc\\u202e\"")
            .without_results()
            .says("is not a valid task name: use letters, digits"),
    ]
}

/// Checks that the output has no control character, no forged line and no formula.
fn inert(_: &Sandbox, outcome: &Outcome) -> Result<()> {
    const TURNS: [char; 4] = ['\u{202e}', '\u{2066}', '\u{2028}', '\u{2029}'];
    let moves = |c: &char| c.is_control() && *c != '\n' || TURNS.contains(c);
    if let Some(found) = outcome.text.chars().find(moves) {
        bail!("the console shows {found:?}:\n{}", outcome.text);
    }
    if let Some(line) = outcome.text.lines().find(|line| line.starts_with("FORGED")) {
        bail!("a line is forged: {line}");
    }
    if let Some(line) = outcome.text.lines().find(|line| line.len() > 2_000) {
        bail!("a line of the console has {} bytes", line.len());
    }
    for (name, bytes) in outcome.files.iter().filter(|(name, _)| name.ends_with(".csv")) {
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        for record in reader.records() {
            let record = record.with_context(|| name.clone())?;
            let calculates = |cell: &&str| cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
            if let Some(cell) = record.iter().find(calculates) {
                bail!("{name} has the cell {cell:?}");
            }
        }
    }
    Ok(())
}

/// Opens the page, the test cases, the summary and the gauges with third-party readers,
/// as the tests of the reports do.
fn read_by_others(sandbox: &Sandbox, outcome: &Outcome) -> Result<()> {
    let folder = sandbox.folder.join("read");
    std::fs::create_dir_all(&folder)?;
    for (name, as_name) in READ {
        let bytes = outcome.files.get(name).with_context(|| format!("no {name}"))?;
        std::fs::write(folder.join(as_name), bytes)?;
    }
    let python = tools::development_environment()?.join("python");
    let script = tools::root().join("crates/portcullis-report/tests/reports/read.py");
    let read = Command::new(python).arg("-B").arg(script).arg(&folder).output()?;
    if !read.status.success() {
        bail!("a reader refuses a file: {}", String::from_utf8_lossy(&read.stderr));
    }
    Ok(())
}

/// The files to read, and their names in the script of the readers.
const READ: [(&str, &str); 4] = [
    ("perf_results.html", "run.html"),
    ("perf_results.junit.xml", "run.xml"),
    ("perf_results.md", "run.md"),
    ("perf_results.prom", "run.prom"),
];

/// Checks that the JSON has the text unchanged, because it is harmless there.
fn intact(outcome: &Outcome) -> Result<()> {
    let results = outcome.results()?;
    let failures = results["summary"]["failures"].as_array().cloned().unwrap_or_default();
    let messages: Vec<&str> = failures.iter().filter_map(|f| f["message"].as_str()).collect();
    for text in ["]]>", "</script><script>alert(1)</script>", "a | b ||", "=cmd|' /C calc'!A0"] {
        if !messages.iter().any(|message| message.contains(text)) {
            bail!("the results have lost {text:?}: {messages:#?}");
        }
    }
    Ok(())
}
