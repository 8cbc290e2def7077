//! Why pip or uv failed, and what to install or change.

use crate::project::system_packages;

/// What to do according to pip's output, for this version of Python such as `3.12.1`; `None`
/// if the output says nothing known.
pub fn advice(output: &str, python: &str) -> Option<String> {
    let is_other_python = ["Requires-Python", "requires a different Python", "satisfy Python"];
    if is_other_python.iter().any(|words| output.contains(words)) {
        return Some(format!(
            "a requirement does not support Python {python}: choose another one with \
             project.python, such as \"==3.12\""
        ));
    }
    let is_hash = ["DO NOT MATCH THE HASHES", "Hash mismatch for"];
    if is_hash.iter().any(|words| output.contains(words)) {
        return Some(
            "the package index has another file than the lock or the list was made with: check \
             the index (PIP_INDEX_URL), or write the lock again"
                .to_owned(),
        );
    }
    let is_unknown =
        ["No matching distribution found", "was not found in", "there is no version of"];
    if is_unknown.iter().any(|words| output.contains(words)) {
        return Some(
            "check the requirements: no package index that can be reached has this name and version \
             (PIP_INDEX_URL)"
                .to_owned(),
        );
    }
    let is_build = [
        "subprocess-exited-with-error",
        "Failed building wheel",
        "Failed to build",
        "Getting requirements to build wheel did not run",
    ];
    if !is_build.iter().any(|mark| output.contains(mark)) {
        return None;
    }
    let minor = python.split('.').take(2).collect::<Vec<_>>().join(".");
    let headers = format!("python{minor}-dev");
    let known = system_packages::for_build(output);
    let packages = match (known, output.contains("Python.h")) {
        (Some(names), _) => names.to_owned(),
        (None, true) => headers,
        (None, false) => format!("build-essential {headers}"),
    };
    Some(format!(
        "{} has no ready package for Python {python} and cannot be built here: install what the \
         build needs (Debian: apt-get install {packages}), or choose a Python that it supports \
         with project.python",
        failed(output).unwrap_or("a requirement")
    ))
}

/// What pip or uv says at its end: the last line with an error.
pub fn reason(output: &str) -> Option<&str> {
    let marks = ["ERROR: ", "error: ", "\u{2570}\u{2500}\u{25b6} ", "\u{d7} "];
    let of_line = |line: &&str| marks.iter().any(|mark| line.trim_start().starts_with(mark));
    let line = output.lines().rev().find(of_line)?.trim_start();
    marks.iter().find_map(|mark| line.strip_prefix(mark)).map(str::trim_end)
}

/// The package that could not be built.
fn failed(output: &str) -> Option<&str> {
    let marks = ["Failed building wheel for ", "Failed to build "];
    let named = marks.iter().find_map(|mark| output.split_once(mark));
    let (_, rest) = named?;
    rest.split(|c: char| c.is_whitespace() || ['\'', '`'].contains(&c)).find(|w| !w.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{advice, reason};

    #[test]
    fn a_failed_build_names_python_and_the_missing_package() {
        let build =
            "error: subprocess-exited-with-error\n  Error: pg_config executable not found.\n";
        let said = advice(build, "3.13.1").unwrap();
        assert!(
            said.contains("Python 3.13.1") && said.contains("apt-get install libpq-dev"),
            "{said}"
        );
        let header = "ERROR: Failed building wheel for uwsgi\nfatal error: Python.h: No such file";
        let said = advice(header, "3.13.1").unwrap();
        assert!(said.starts_with("uwsgi has no ready package"), "{said}");
        assert!(said.contains("python3.13-dev"), "{said}");
        let unknown = advice("Failed to build thing\n", "3.12.0").unwrap();
        assert!(unknown.contains("build-essential python3.12-dev"), "{unknown}");
    }

    #[test]
    fn other_failures_have_their_own_advice() {
        let old = "ERROR: Package 'x' requires a different Python: 3.11.2 not in '>=3.12'";
        assert!(advice(old, "3.11.2").unwrap().contains("project.python"));
        let none = "ERROR: No matching distribution found for djangoo";
        assert!(advice(none, "3.11.2").unwrap().contains("check the requirements"));
        assert_eq!(advice("Connection refused", "3.11.2"), None);
        let index = "  \u{d7} No solution found when resolving dependencies:\n  \
             \u{2570}\u{2500}\u{25b6} Because djangoo was not found in the package registry\n";
        assert!(advice(index, "3.11.2").unwrap().contains("check the requirements"));
        assert!(reason(index).unwrap().starts_with("Because djangoo was"));
        let hash = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.";
        assert!(advice(hash, "3.11.2").unwrap().contains("another file"));
        let build =
            "  \u{d7} Failed to build `psycopg2==2.9.9`\n  pg_config executable not found\n";
        let said = advice(build, "3.13.1").unwrap();
        assert!(said.starts_with("psycopg2==2.9.9 has no ready package"), "{said}");
        assert!(said.contains("apt-get install libpq-dev"), "{said}");
        assert_eq!(reason("ERROR: first\nERROR: last\n\nnotice\n"), Some("last"));
    }
}
