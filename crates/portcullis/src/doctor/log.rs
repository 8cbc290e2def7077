//! Reasons in the log of a failed step that have a known remedy.

/// A sign in a log, and the Debian packages that are missing.
const LIBRARIES: [(&str, &str); 20] = [
    ("pg_config executable not found", "libpq-dev"),
    ("libpq.so", "libpq5"),
    ("libpq library not available", "libpq5"),
    ("mysql_config", "default-libmysqlclient-dev pkg-config"),
    ("Can not find valid pkg-config name", "default-libmysqlclient-dev pkg-config"),
    ("libmysqlclient.so", "default-libmysqlclient-dev"),
    ("gdal-config", "libgdal-dev"),
    ("Could not find the GDAL library", "gdal-bin libgdal-dev"),
    ("Could not find the GEOS library", "libgeos-dev"),
    ("libcairo", "libcairo2"),
    ("libpango", "libpango-1.0-0 libpangoft2-1.0-0"),
    ("libgobject", "libglib2.0-0"),
    ("libmagic", "libmagic1"),
    ("failed to find libmagic", "libmagic1"),
    ("xmlsec1", "libxmlsec1-dev pkg-config"),
    ("lber.h", "libldap2-dev libsasl2-dev"),
    ("ffi.h", "libffi-dev"),
    ("Python.h", "python3-dev"),
    ("jpeg", "libjpeg-dev zlib1g-dev"),
    ("command 'gcc' failed: No such file", "build-essential"),
];

/// What to do about a failed step with this log; `None` if the log has no known reason.
pub fn remedy(text: &str) -> Option<String> {
    let variable = text.lines().rev().find_map(variable);
    if let Some(name) = variable {
        return Some(format!(
            "the settings need {name}: add it to [env] set, or to [env] random for a secret"
        ));
    }
    let is_error = |line: &&str| {
        let line = line.to_lowercase();
        ["error", "not found", "cannot", "could not", "fatal", "required"]
            .iter()
            .any(|word| line.contains(word))
    };
    for line in text.lines().filter(is_error) {
        let found = LIBRARIES.iter().find(|(sign, _)| line.contains(sign));
        if let Some((_, packages)) = found {
            return Some(format!("a system library is missing; Debian: apt-get install {packages}"));
        }
        if let Some((_, name)) = line.split_once("No module named ") {
            let name = name.trim().trim_matches(['\'', '"']);
            return Some(format!("no requirement installs {name}: add it to [project] requirements"));
        }
        if let Some((_, name)) = line.split_once("No matching distribution found for ") {
            return Some(format!("no package index has {}: check its name and version", name.trim()));
        }
    }
    None
}

/// The variable that a library of settings has missed.
fn variable(line: &str) -> Option<&str> {
    let is_name = |name: &&str| {
        let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        name.len() > 2 && name.chars().all(plain)
    };
    let decouple = || line.split_once("UndefinedValueError: ")?.1.split(' ').next();
    let environ = || line.split_once("Set the ")?.1.split_once(" environment variable").map(|(name, _)| name);
    let key = || line.trim().strip_prefix("KeyError: '")?.strip_suffix('\'');
    decouple().filter(is_name).or_else(|| environ().filter(is_name)).or_else(|| key().filter(is_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_reasons_name_what_is_missing() {
        for (log, part) in [
            ("  raise\ndecouple.UndefinedValueError: API_KEY not found. Declare it", "API_KEY"),
            ("ImproperlyConfigured: Set the DATABASE_URL environment variable", "DATABASE_URL"),
            ("  File os.py\nKeyError: 'DJANGO_KEY'\n", "DJANGO_KEY"),
            ("Error: pg_config executable not found.", "libpq-dev"),
            ("x.c:1:10: fatal error: Python.h: No such file", "python3-dev"),
            ("OSError: cannot load library 'libcairo.so.2'", "libcairo2"),
            ("ModuleNotFoundError: No module named 'debug_toolbar'", "debug_toolbar"),
            ("ERROR: No matching distribution found for nonsense==1", "nonsense==1"),
        ] {
            let remedy = remedy(log).unwrap_or_default();
            assert!(remedy.contains(part), "{log}: {remedy}");
        }
        for log in ["", "KeyError: 'name'", "all is well with libcairo"] {
            assert_eq!(remedy(log), None, "{log}");
        }
    }
}
