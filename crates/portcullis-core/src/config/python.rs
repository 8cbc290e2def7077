//! `project.python`: which Python creates the environment.

/// The accepted interpreters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PythonChoice {
    /// What the project's own files say.
    Auto,
    /// Any with a version in a range.
    Version {
        /// The oldest accepted version: major and minor.
        oldest: (u32, u32),
        /// The first version that is not accepted, if there is one.
        before: Option<(u32, u32)>,
    },
    /// This one; relative to the configuration's folder.
    Path(String),
}

impl PythonChoice {
    /// Reads `auto`, `3.11` (or newer), `==3.12`, `>=3.10,<3.13`, or the path of an
    /// interpreter.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "auto" {
            return Some(Self::Auto);
        }
        if text.contains('/') {
            return Some(Self::Path(text.to_owned()));
        }
        let (mut oldest, mut before) = (None, None);
        for part in text.split(',').map(str::trim) {
            let digits = part.find(|c: char| c.is_ascii_digit())?;
            let (sign, version) = part.split_at(digits);
            let version = version_of(version)?;
            let next = (version.0, version.1 + 1);
            match sign.trim() {
                "" | ">=" => oldest = Some(version),
                ">" => oldest = Some(next),
                "<" => before = Some(version),
                "<=" => before = Some(next),
                "==" => (oldest, before) = (Some(version), Some(next)),
                _ => return None,
            }
        }
        let oldest = oldest?;
        before.is_none_or(|before| oldest < before).then_some(Self::Version { oldest, before })
    }

    /// Reads what a project requires, as `requires-python` or Poetry writes it: `>=3.10,<4`,
    /// `~=3.11`, `^3.11`, `3.12.*`. Patch versions are not told apart; `None` if it is not
    /// understood.
    pub fn of_requirement(text: &str) -> Option<Self> {
        let (mut oldest, mut before) = ((3, 0), None::<(u32, u32)>);
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let digits = part.find(|c: char| c.is_ascii_digit())?;
            let (sign, version) = part.split_at(digits);
            let numbers = numbers(version)?;
            let (major, minor) = (*numbers.first()?, numbers.get(1).copied());
            let version = (major, minor.unwrap_or(0));
            let is_patch = numbers.get(2).is_some_and(|patch| *patch > 0);
            let after_major = (major + 1, 0);
            let next = minor.map_or(after_major, |minor| (major, minor + 1));
            let (from, to) = match sign.trim() {
                ">=" => (version, None),
                ">" if numbers.len() > 2 => (version, None),
                ">" => (next, None),
                // `<3.13.5` accepts a 3.13.
                "<" if is_patch => ((3, 0), Some(next)),
                "<" => ((3, 0), Some(version)),
                "<=" => ((3, 0), Some(next)),
                "==" | "===" | "" | "~" => (version, Some(next)),
                "~=" if numbers.len() > 2 => (version, Some(next)),
                "~=" | "^" => (version, Some(after_major)),
                "!=" => continue,
                _ => return None,
            };
            oldest = oldest.max(from);
            before = before.into_iter().chain(to).min();
        }
        before.is_none_or(|before| oldest < before).then_some(Self::Version { oldest, before })
    }

    /// Reads the first version of a `.python-version`: `3.12`, `3.12.4`, `cpython-3.12`;
    /// `None` for other names, such as that of an environment.
    pub fn of_version_file(text: &str) -> Option<Self> {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let first = lines.flat_map(str::split_whitespace).next()?;
        let first = first.trim_start_matches("cpython").trim_start_matches(['-', '@']);
        let numbers = numbers(first)?;
        let (major, minor) = (*numbers.first()?, numbers.get(1).copied());
        let before = minor.map_or((major + 1, 0), |minor| (major, minor + 1));
        Some(Self::Version { oldest: (major, minor.unwrap_or(0)), before: Some(before) })
    }

    /// Whether a version is accepted: major and minor.
    pub fn accepts(&self, version: (u32, u32)) -> bool {
        match self {
            Self::Version { oldest, before } => {
                *oldest <= version && before.is_none_or(|before| version < before)
            }
            Self::Auto | Self::Path(_) => true,
        }
    }

    /// The choice where nothing says another.
    pub fn fallback() -> Self {
        Self::Version { oldest: (3, 11), before: None }
    }
}

impl std::fmt::Display for PythonChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("the project's Python"),
            Self::Path(path) => f.write_str(path),
            Self::Version { oldest: (major, minor), before: None } => {
                write!(f, "Python {major}.{minor} or newer")
            }
            Self::Version { oldest, before: Some(before) }
                if *before == (oldest.0, oldest.1 + 1) =>
            {
                write!(f, "Python {}.{}", oldest.0, oldest.1)
            }
            Self::Version { oldest: (major, minor), before: Some(before) } => {
                write!(f, "Python {major}.{minor} or newer, before {}.{}", before.0, before.1)
            }
        }
    }
}

fn version_of(text: &str) -> Option<(u32, u32)> {
    let text = text.trim().trim_end_matches(".*");
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The numbers of `3.12.1`, `3.12.*` or `3.13t`.
fn numbers(text: &str) -> Option<Vec<u32>> {
    let text = text.trim().trim_end_matches(".*").trim_end_matches(['t', '+']);
    let numbers: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
    numbers.filter(|numbers| numbers.len() <= 3)
}

#[cfg(test)]
mod tests {
    use super::PythonChoice;

    #[test]
    fn versions_ranges_and_paths_are_read() {
        for (text, shown, accepted, refused) in [
            ("3.11", "Python 3.11 or newer", (3, 13), (3, 10)),
            ("==3.12", "Python 3.12", (3, 12), (3, 13)),
            ("== 3.12.*", "Python 3.12", (3, 12), (3, 11)),
            (">=3.10,<3.13", "Python 3.10 or newer, before 3.13", (3, 12), (3, 13)),
            ("> 3.10, <= 3.12", "Python 3.11 or newer, before 3.13", (3, 12), (3, 10)),
        ] {
            let choice = PythonChoice::parse(text).unwrap();
            assert_eq!(choice.to_string(), shown);
            assert!(choice.accepts(accepted) && !choice.accepts(refused), "{text}");
        }
        let path = PythonChoice::parse("/usr/bin/python3.12").unwrap();
        assert_eq!(path, PythonChoice::Path("/usr/bin/python3.12".to_owned()));
        for bad in ["", "3", "3.12.1", "~=3.10", "<3.13", ">=3.12,<3.12", "python3.12", "=3.12"] {
            assert_eq!(PythonChoice::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_a_project_requires_is_read() {
        for (text, shown) in [
            (">=3.10,<4", "Python 3.10 or newer, before 4.0"),
            (">= 3.11", "Python 3.11 or newer"),
            ("^3.11", "Python 3.11 or newer, before 4.0"),
            ("~3.11", "Python 3.11"),
            ("~=3.10", "Python 3.10 or newer, before 4.0"),
            ("~=3.10.2", "Python 3.10"),
            ("==3.12.*", "Python 3.12"),
            ("3.12.4", "Python 3.12"),
            (">3.9.1, !=3.11.0, <3.13.5", "Python 3.9 or newer, before 3.14"),
            (">=3.8, >3.10, <=3.12", "Python 3.11 or newer, before 3.13"),
        ] {
            let choice = PythonChoice::of_requirement(text);
            assert_eq!(choice.map(|c| c.to_string()).as_deref(), Some(shown), "{text}");
        }
        for bad in ["latest", ">=3.9 || ^3.11", "<3", ">=a"] {
            assert_eq!(PythonChoice::of_requirement(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_version_file_names_one_version() {
        let of = |text: &str| PythonChoice::of_version_file(text).map(|c| c.to_string());
        for text in ["3.12\n", "3.12.4", "# ours\ncpython@3.12.4\n3.11.1\n", "3.12 3.11"] {
            assert_eq!(of(text).as_deref(), Some("Python 3.12"), "{text:?}");
        }
        assert_eq!(of("3").as_deref(), Some("Python 3.0 or newer, before 4.0"));
        for text in ["", "shop-env", "pypy3.10-7.3", "system"] {
            assert_eq!(of(text), None, "{text:?}");
        }
    }
}
