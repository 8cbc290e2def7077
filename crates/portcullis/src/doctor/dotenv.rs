//! Variables that only the developer's `.env` sets.

use super::{Diagnosis, fine, warning};

const NAME: &str = ".env";

/// Judges the names that reach the service from `file` alone.
pub fn check(leaking: Option<(&str, &str)>) -> Diagnosis {
    match leaking {
        None => fine(NAME, "no variable comes from a .env alone"),
        Some((file, names)) => warning(
            NAME,
            format!("{file} alone sets {names}: a machine without it runs another service"),
            "add them to [env] set, or to the file of [env] example",
        ),
    }
}
