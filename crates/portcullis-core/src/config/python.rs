//! `project.python`: which Python creates the environment.

/// The accepted interpreters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PythonChoice {
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
    /// Reads `3.11` (or newer), `==3.12`, `>=3.10,<3.13`, or the path of an interpreter.
    pub fn parse(text: &str) -> Option<Self> {
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

    /// Whether a version is accepted: major and minor.
    pub fn accepts(&self, version: (u32, u32)) -> bool {
        match self {
            Self::Version { oldest, before } => {
                *oldest <= version && before.is_none_or(|before| version < before)
            }
            Self::Path(_) => true,
        }
    }
}

impl Default for PythonChoice {
    fn default() -> Self {
        Self::Version { oldest: (3, 11), before: None }
    }
}

impl std::fmt::Display for PythonChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
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
}
