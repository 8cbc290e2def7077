//! `.env` files, as far as Portcullis reads them: names and values of `.env.example`, and
//! the names that a developer's own `.env` adds.

use std::path::PathBuf;

use portcullis_core::plan::ServePlan;

use crate::run::StageFailure;

/// The variables of every child, without random secrets and passed-through variables.
///
/// # Errors
/// The example cannot be read.
pub fn fixed(plan: &ServePlan) -> Result<Vec<(String, String)>, StageFailure> {
    let mut fixed = Vec::new();
    if let Some(path) = &plan.env_example {
        let text = std::fs::read_to_string(path)
            .map_err(|error| StageFailure::disk(&format!("{}", path.display()), &error))?;
        fixed.extend(parse(&text));
    }
    for (name, value) in &plan.env.set {
        fixed.retain(|(known, _)| known != name);
        fixed.push((name.clone(), value.clone()));
    }
    fixed.retain(|(name, _)| !plan.env.random.contains(name));
    Ok(fixed)
}

/// Variables that only the developer's own `.env` sets, and that still reach the service.
pub struct Leak {
    /// The file.
    pub path: PathBuf,
    /// Names and values that are not set otherwise.
    pub values: Vec<(String, String)>,
    /// Whether every line was understood: if not, the service may read more than `values`.
    pub is_whole: bool,
}

/// The leaking variables of a `.env`. It is searched as by python-decouple: in the project,
/// then in the folders above.
///
/// # Errors
/// The example cannot be read.
pub fn leaking(plan: &ServePlan) -> Result<Option<Leak>, StageFailure> {
    let names = [".env", "settings.ini"];
    let mut places = plan.root.ancestors().flat_map(|folder| names.map(|name| folder.join(name)));
    let Some(path) = places.find(|path| path.is_file()) else { return Ok(None) };
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
    let fixed = fixed(plan)?;
    let is_set = |name: &String| {
        fixed.iter().any(|(known, _)| known == name)
            || plan.env.random.contains(name)
            || plan.env.pass.contains(name) && std::env::var_os(name).is_some()
    };
    let mut values = parse(&text);
    values.retain(|(name, _)| !is_set(name));
    let is_whole = lines(&text).all(is_understood);
    Ok((!values.is_empty()).then_some(Leak { path, values, is_whole }))
}

impl Leak {
    /// The names, without their values.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.values.iter().map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    }

    /// The warning about it.
    pub fn warning(&self, plan: &ServePlan) -> String {
        format!(
            "{} sets {}, which is not in {}: the service reads it; add it to [env] set",
            self.path.display(),
            self.names(),
            plan.env_example.as_ref().map_or("no env.example".into(), |p| p.display().to_string()),
        )
    }
}

/// Whether a line is empty, a comment, or one whole variable: no piece of a value of
/// several lines, and nothing that other readers replace.
fn is_understood(line: &str) -> bool {
    let line = line.trim();
    let is_quoted = |value: &str| unquote(value).len() < value.len();
    let is_plain = |value: &str| !value.contains(['"', '\'', '$', '\\', '#']);
    line.is_empty()
        || line.starts_with('#')
        || line.split_once('=').is_some_and(|(_, value)| {
            let value = value.trim();
            is_plain(value) || is_quoted(value) && is_plain(unquote(value))
        })
}

/// Editors on Windows begin a file with a mark, and Python ends a line at a CR too.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.trim_start_matches('\u{feff}').split(['\n', '\r'])
}

/// Name and value of each line; the last one of a name wins.
fn parse(text: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for line in lines(text) {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim();
        if name.is_empty() || line.starts_with('#') {
            continue;
        }
        let value = unquote(value.trim());
        pairs.retain(|(known, _)| known != name);
        pairs.push((name.to_owned(), value.to_owned()));
    }
    pairs
}

/// Removes one pair of equal quotes, as python-decouple does.
fn unquote(value: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_readers_may_read_otherwise_is_not_understood() {
        for line in ["", "# x", "A=1", "export A = '1 2'", "URL=sqlite:////tmp/x.sqlite3"] {
            assert!(is_understood(line), "{line}");
        }
        for line in ["no pair", "KEY=\"-----BEGIN", "A=${B}/x", "A=1 # why", "A='it''s'"] {
            assert!(!is_understood(line), "{line}");
        }
    }

    #[test]
    fn a_byte_order_mark_and_all_line_ends_are_read() {
        for text in [
            "\u{feff}FIRST=one\nSECOND=two\n",
            "FIRST=one\r\nSECOND=two\r\n",
            "FIRST=one\rSECOND=two",
        ] {
            let pairs =
                [("FIRST", "one"), ("SECOND", "two")].map(|(n, v)| (n.to_owned(), v.to_owned()));
            assert_eq!(parse(text), pairs, "{text:?}");
        }
    }

    #[test]
    fn lines_are_read_as_decouple_reads_them() {
        let text = "# A=1\nB = 2\n\nexport C='x y'\nD=\"q\"\nB=3\nE=\nno pair\nF=a=b # kept";
        let pairs = parse(text);
        let expected = [("C", "x y"), ("D", "q"), ("B", "3"), ("E", ""), ("F", "a=b # kept")];
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(pairs, expected);
    }
}
