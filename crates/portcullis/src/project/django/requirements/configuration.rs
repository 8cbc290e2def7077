//! The configuration of pip besides requirements: its variables, and its files wherever it
//! looks for them (`pip/_internal/configuration.py`). Both can name more files.

use std::path::PathBuf;

use portcullis_supervise::environment::Environment;

use super::text::{self, Item};

/// Prefixes of variables that pip and its build tools read.
const PREFIXES: [&str; 2] = ["PIP_", "UV_"];

/// The variables of the tools that install, by name.
pub fn variables(environment: &Environment) -> Vec<(String, String)> {
    let text = |(name, value): (&std::ffi::OsStr, &std::ffi::OsStr)| {
        (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
    };
    let is_known = |name: &str| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    environment.variables().map(text).filter(|(name, _)| is_known(name)).collect()
}

/// Every file that pip may read its configuration from, in order.
pub fn files(environment: &Environment) -> Vec<PathBuf> {
    let get = |name| environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let global = get("XDG_CONFIG_DIRS").unwrap_or_else(|| "/etc/xdg".into());
    let mut folders: Vec<PathBuf> =
        std::env::split_paths(&global).map(|dir| dir.join("pip")).collect();
    folders.extend(["/etc", "/Library/Application Support/pip"].map(PathBuf::from));
    let home = get("HOME");
    let below = |name: &str| home.as_ref().map(|home| home.join(name));
    folders.extend(below(".pip"));
    folders.extend(get("XDG_CONFIG_HOME").or_else(|| below(".config")).map(|dir| dir.join("pip")));
    folders.extend(below("Library/Application Support/pip"));
    let mut files: Vec<PathBuf> = folders.iter().map(|folder| folder.join("pip.conf")).collect();
    files.extend(get("PIP_CONFIG_FILE"));
    files
}

/// What a variable such as `PIP_CONSTRAINT` refers to.
pub fn of_variable(name: &str, value: &str) -> Vec<Item> {
    let option = name.strip_prefix("PIP_").unwrap_or(name);
    of_option(option, value)
}

/// What a file of the configuration refers to, whatever its sections are called.
pub fn of_file(text: &str) -> Vec<Item> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])) {
        match (line.starts_with(char::is_whitespace), line.split_once(['=', ':'])) {
            (true, _) => {
                if let Some((_, value)) = pairs.last_mut() {
                    value.push('\n');
                    value.push_str(line);
                }
            }
            (false, Some((name, value))) => pairs.push((name.trim().into(), value.into())),
            (false, None) => {}
        }
    }
    pairs.iter().flat_map(|(name, value)| of_option(name, value)).collect()
}

/// Several values are separated by blanks.
fn of_option(name: &str, values: &str) -> Vec<Item> {
    let name = name.to_lowercase().replace('_', "-");
    let name = name.trim_start_matches("--");
    values.split_whitespace().filter_map(|value| text::item(name, value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_known() {
        let mut environment = Environment::default();
        environment.set("HOME", "/h");
        environment.set("PIP_CONFIG_FILE", "/p/pip.conf");
        let files: Vec<String> =
            files(&environment).iter().map(|f| f.display().to_string()).collect();
        for file in [
            "/etc/xdg/pip/pip.conf",
            "/etc/pip.conf",
            "/h/.pip/pip.conf",
            "/h/.config/pip/pip.conf",
            "/p/pip.conf",
        ] {
            assert!(files.contains(&file.to_owned()), "{file} is not in {files:?}");
        }
    }

    #[test]
    fn what_pip_is_configured_to_read_is_found() {
        let file =
            "# x\n[global]\nindex-url = file:///mirror\n[install]\nfind-links =\n    /a\n    /b\n";
        let expected = [
            Item::Index("file:///mirror".into()),
            Item::FindLinks("/a".into()),
            Item::FindLinks("/b".into()),
        ];
        assert_eq!(of_file(file), expected);
        let two = [Item::Include("/c 1".replace(' ', "")), Item::Include("d".into())];
        assert_eq!(of_variable("PIP_CONSTRAINT", "/c1 d"), two);
        assert_eq!(of_variable("PIP_NO_INDEX", "1"), []);
    }
}
