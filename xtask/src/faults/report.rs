//! Writes the results of the fault cases as a page of the documentation.

use anyhow::{Context, Result, bail};

use super::CaseResult;
use super::case::FaultCase;
use crate::tools;

/// Writes `docs/reference/faults.md`.
///
/// # Errors
/// A case failed, or the file cannot be written.
pub fn write(seen: &[(&FaultCase, CaseResult)]) -> Result<()> {
    let mut page = String::from(
        "# Faults\n\nEach row is a fault that `cargo xtask faults` really causes, in the bundled \
         service or with a small\nserver of `fixtures/faults`. The row has the exit code and the \
         last line that a user sees. Afterwards\nnothing may be left: no process, private folder, \
         changed file or lock.\n\n`cargo xtask faults --write` writes this page.\n",
    );
    let mut group = "";
    for (case, came) in seen {
        let (of, name) = case.name.split_once('/').unwrap_or(("", case.name));
        if of != group {
            group = of;
            page.push_str(&format!(
                "\n## {of}\n\n| fault | exit code | last line |\n|---|---|---|\n"
            ));
        }
        let said = match came {
            CaseResult::Passed(verdict) => told(verdict),
            CaseResult::Skipped(_) => "(not run on the machine that wrote this page)".to_owned(),
            CaseResult::Failed(_) => bail!("{} failed: the page would not be true", case.name),
        };
        let code = if case.code < 0 { "killed".to_owned() } else { case.code.to_string() };
        page.push_str(&format!("| <a id=\"{name}\"></a>{} | {code} | {said} |\n", case.what));
    }
    let path = tools::root().join("docs/reference/faults.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())
}

/// A verdict for a table. Parts that change from run to run become `N`: numbers and the
/// random end of a settings module's name.
fn told(verdict: &str) -> String {
    const MODULE: &str = "portcullis_settings_";
    let drawn = |c: char| c.is_ascii_hexdigit() || c == '_';
    let verdict = match verdict.split_once(MODULE) {
        Some((before, name)) => format!("{before}{MODULE}N{}", name.trim_start_matches(drawn)),
        None => verdict.to_owned(),
    };
    let mut text = String::new();
    let mut in_number = false;
    for c in verdict.chars().take(200) {
        match (c.is_ascii_digit(), in_number) {
            (true, true) => {}
            (true, false) => text.push('N'),
            (false, _) => text.push(if c == '|' || c == '`' { ' ' } else { c }),
        }
        in_number = c.is_ascii_digit();
    }
    format!("`{text}`")
}
