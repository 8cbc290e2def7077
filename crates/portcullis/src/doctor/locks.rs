//! Requirements without a version: two runs may measure different code.

use super::{Diagnosis, fine, warning};

const NAME: &str = "requirements";

/// Judges the texts of requirement files.
pub fn check(files: &[(String, String)]) -> Diagnosis {
    let open: Vec<&str> =
        files.iter().flat_map(|(_, text)| text.lines()).filter_map(open).collect();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    match open.as_slice() {
        [] => fine(NAME, format!("{}: every version is fixed", names.join(", "))),
        [first, ..] => warning(
            NAME,
            format!("{} requirements have no fixed version, such as {first}", open.len()),
            "fix them (pip freeze, pip-compile, a lock): else each new environment may differ",
        ),
    }
}

/// The requirement in a line, if its version is not fixed.
fn open(line: &str) -> Option<&str> {
    let line = line.split(" #").next().unwrap_or(line).trim().trim_end_matches('\\').trim();
    let is_other = line.is_empty() || line.starts_with(['#', '-']) || line.contains("://");
    let is_fixed = line.contains("==") || line.contains(" @ ") || line.starts_with(['.', '/']);
    (!is_other && !is_fixed).then_some(line)
}
