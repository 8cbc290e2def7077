//! Runs veridict, a decision library from crates.io, on the same recorded pairs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use super::live::Compared;
use crate::tools;

const VERSION: &str = "0.19.7";

/// Builds veridict once; the binary is kept in `target/bench-tools`.
///
/// # Errors
/// It cannot be built.
pub fn install() -> Result<PathBuf> {
    tools::cargo_install("veridict", VERSION)
}

/// Whether veridict fails for any task: by its relative difference of pairs with its
/// default bootstrap interval, and our margin of 5 %. For veridict larger is better, so
/// base and candidate are swapped.
///
/// # Errors
/// It cannot be run, or refuses its input.
pub fn alarms(veridict: &Path, compared: &Compared) -> Result<bool> {
    let input = tools::root().join("target/judge-veridict.jsonl");
    for task in compared.tasks.iter().filter(|task| !task.latencies_ms.is_empty()) {
        let mut text = String::new();
        for (base, candidate) in &task.latencies_ms {
            writeln!(text, r#"{{"baseline":{candidate},"candidate":{base}}}"#)?;
        }
        std::fs::write(&input, text)?;
        let mut compare = Command::new(veridict);
        compare.arg("compare").arg(&input);
        compare.args(["--metric", "relative-diff", "--min-effect", "0.05"]);
        match compare.stdout(Stdio::null()).stderr(Stdio::null()).status()?.code() {
            Some(0 | 2) => {}
            Some(1) => return Ok(true),
            code => bail!("{} on {}: {code:?}", veridict.display(), input.display()),
        }
    }
    Ok(false)
}
