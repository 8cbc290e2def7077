//! Why pip failed, and what to install or change.

/// Parts of pip's output that name a missing program or header, and the Debian packages that
/// have it.
const PACKAGES: [(&str, &str); 14] = [
    ("pg_config", "libpq-dev"),
    ("mysql_config", "default-libmysqlclient-dev pkg-config"),
    ("Can not find valid pkg-config name", "default-libmysqlclient-dev pkg-config"),
    ("ffi.h", "libffi-dev"),
    ("openssl/", "libssl-dev"),
    ("libxml/", "libxml2-dev libxslt1-dev"),
    ("xmlsec", "libxmlsec1-dev pkg-config"),
    ("jpeg", "libjpeg-dev zlib1g-dev"),
    ("zlib.h", "zlib1g-dev"),
    ("lber.h", "libldap2-dev libsasl2-dev"),
    ("gdal", "libgdal-dev"),
    ("can't find Rust compiler", "cargo"),
    ("command 'gcc' failed: No such file", "build-essential"),
    ("command 'cc' failed: No such file", "build-essential"),
];

/// What to do according to pip's output, for this version of Python such as `3.12.1`; `None`
/// if the output says nothing known.
pub fn advice(output: &str, python: &str) -> Option<String> {
    if output.contains("Requires-Python") || output.contains("requires a different Python") {
        return Some(format!(
            "a requirement does not support Python {python}: choose another one with \
             project.python, such as \"==3.12\""
        ));
    }
    if output.contains("No matching distribution found") {
        return Some(
            "check the requirements: no package index that can be reached has this name and version \
             (PIP_INDEX_URL)"
                .to_owned(),
        );
    }
    let is_build = ["subprocess-exited-with-error", "Failed building wheel", "Failed to build"];
    if !is_build.iter().any(|mark| output.contains(mark)) {
        return None;
    }
    let minor = python.split('.').take(2).collect::<Vec<_>>().join(".");
    let headers = format!("python{minor}-dev");
    let known = PACKAGES.iter().find(|(mark, _)| output.contains(mark)).map(|(_, names)| *names);
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

/// What pip says at its end: its last line with an error.
pub fn reason(output: &str) -> Option<&str> {
    output.lines().rev().find_map(|line| line.strip_prefix("ERROR: "))
}

/// The package that could not be built.
fn failed(output: &str) -> Option<&str> {
    let marks = ["Failed building wheel for ", "Failed to build "];
    let named = marks.iter().find_map(|mark| output.split_once(mark));
    let (_, rest) = named?;
    rest.split(|c: char| c.is_whitespace() || c == '\'').find(|word| !word.is_empty())
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
        assert_eq!(reason("ERROR: first\nERROR: last\n\nnotice\n"), Some("last"));
    }
}
