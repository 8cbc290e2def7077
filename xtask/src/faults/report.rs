//! The matrix as a page of the documentation: what a user sees in each case.

use anyhow::{Context, Result, bail};

use super::Came;
use super::row::Row;
use crate::tools;

/// Writes `docs/reference/faults.md`.
///
/// # Errors
/// A row failed, or the file cannot be written.
pub fn write(seen: &[(&Row, Came)]) -> Result<()> {
    let mut page = String::from(
        "# Faults\n\nWhat happens when: each row is a fault that `cargo xtask faults` causes \
         for real, against the bundled\nservice or a small server of `fixtures/faults`, with the \
         exit code and the last line that a user\nsees. After each row nothing may be left: no \
         process, private folder, changed file or lock.\n\nThis page is written by \
         `cargo xtask faults --write`.\n",
    );
    let mut group = "";
    for (row, came) in seen {
        let (of, name) = row.name.split_once('/').unwrap_or(("", row.name));
        if of != group {
            group = of;
            page.push_str(&format!(
                "\n## {of}\n\n| what happens | exit | what is said |\n|---|---|---|\n"
            ));
        }
        let said = match came {
            Came::Passed(verdict) => told(verdict),
            Came::Skipped(_) => "(not tried on the machine that wrote this page)".to_owned(),
            Came::Failed(_) => bail!("{} failed: the page would not be true", row.name),
        };
        let code = if row.code < 0 { "killed".to_owned() } else { row.code.to_string() };
        page.push_str(&format!("| <a id=\"{name}\"></a>{} | {code} | {said} |\n", row.what));
    }
    let path = tools::root().join("docs/reference/faults.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())
}

/// A verdict for a table: what changes from run to run is left out, numbers and the
/// drawn end of a settings module's name.
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
