//! The environment of children. It is built from an allow-list and never inherited
//! completely, so that a developer's shell cannot change the measurement.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// The variables of one child.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

const NAMES: [&str; 10] = [
    "PATH",
    "HOME",
    "LANG",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NIX_SSL_CERT_FILE",
    "SYSTEMROOT",
];
const PREFIXES: [&str; 5] = ["LC_", "XDG_", "PIP_", "UV_", "PYENV_"];
const SUFFIXES: [&str; 2] = ["_PROXY", "_proxy"];

fn is_allowed(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    NAMES.contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

impl Environment {
    /// The variables that a child may inherit: paths, locale, caches, proxies and certificates.
    /// Not, for example, `PYTHONPATH`, `VIRTUAL_ENV`, `DATABASE_URL`, or the `LD_LIBRARY_PATH`
    /// that cargo sets.
    pub fn inherited(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self { variables: variables.into_iter().filter(|(name, _)| is_allowed(name)).collect() }
    }

    /// Sets a variable.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.variables.insert(name.into(), value.into());
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// All variables, by name.
    pub fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_variables_are_inherited() {
        let given = [
            "PATH",
            "LC_ALL",
            "HTTPS_PROXY",
            "PIP_INDEX_URL",
            "UV_INDEX_URL",
            "PYTHONPATH",
            "VIRTUAL_ENV",
            "LD_LIBRARY_PATH",
            "CARGO_HOME",
            "DATABASE_URL",
            "DJANGO_SETTINGS_MODULE",
            "PYTHONDONTWRITEBYTECODE",
            "GITHUB_ACTIONS",
            "GITHUB_OUTPUT",
            "GITHUB_STEP_SUMMARY",
            "GITHUB_TOKEN",
        ];
        let pairs = given.map(|name| (OsString::from(name), OsString::from("x")));
        let environment = Environment::inherited(pairs);
        let kept: Vec<_> = environment.variables().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(kept, ["HTTPS_PROXY", "LC_ALL", "PATH", "PIP_INDEX_URL", "UV_INDEX_URL"]);
    }
}
