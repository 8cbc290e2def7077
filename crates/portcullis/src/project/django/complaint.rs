//! What a log of Django says about a failure: the exception, and what to do about the usual
//! ones.

use portcullis_supervise::log;

use crate::project::system_packages;
use crate::run::{RunFolder, StageFailure};

/// How many lines at the end of a log are searched.
const SEARCHED: usize = 200;
/// How many lines may follow an exception, such as those of an access log.
const LAST_LINES: usize = 10;
/// The maximum length of a quoted reason, in characters.
const LONGEST: usize = 300;

/// The failure with the reason and the advice that its log gives.
pub fn explained(folder: &RunFolder, settings: &str, mut failure: StageFailure) -> StageFailure {
    let Some(name) = failure.log.as_deref() else { return failure };
    let lines = log::tail(&folder.log(name), SEARCHED);
    if let (Some(reason), Some(first)) = (exception(&lines), failure.findings.first_mut()) {
        *first = first.map_message(|message| format!("{message}: {reason}"));
    }
    failure.advice = failure.advice.or_else(|| advice(&lines, settings));
    failure
}

/// What to do, according to a log of the server; `None` if it says nothing known.
pub fn advice_of(folder: &RunFolder, name: &str, settings: &str) -> Option<String> {
    advice(&log::tail(&folder.log(name), SEARCHED), settings)
}

/// The exception at the end of a log: `django.db.utils.OperationalError: no such table: x`.
/// An earlier one need not be the reason.
fn exception(lines: &[String]) -> Option<String> {
    let line = lines.iter().rev().take(LAST_LINES).find(|line| is_exception(line))?;
    Some(match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.clone(),
    })
}

/// Whether a line is the last one of a traceback: a name of a class, and its message.
fn is_exception(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    let class = name.rsplit('.').next().unwrap_or_default();
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let ends = ["Error", "Exception", "Configured", "NotReady", "DoesNotExist", "Exit"];
    name.chars().all(is_name)
        && class.starts_with(char::is_uppercase)
        && ends.iter().any(|end| class.ends_with(end))
}

fn advice(lines: &[String], settings: &str) -> Option<String> {
    // An ImportError of a library is more than the name of a module.
    if let Some(advice) = system_packages::advice_to_load(&lines.join("\n")) {
        return Some(advice);
    }
    lines.iter().rev().find_map(|line| of_line(line, settings))
}

fn of_line(line: &str, settings: &str) -> Option<String> {
    let after = |mark: &str| line.split_once(mark).map(|(_, rest)| rest.trim());
    if let Some(module) = after("No module named ") {
        let module = module.trim_matches(['\'', '"']);
        let package = module.split('.').next().unwrap_or(module);
        return Some(match settings == module || settings.starts_with(&format!("{module}.")) {
            true => format!(
                "django.settings = \"{settings}\" names no module in project.root: manage.py has the \
                 right name, as DJANGO_SETTINGS_MODULE"
            ),
            false => format!("add the package with \"{package}\" to project.requirements"),
        });
    }
    if let Some(table) = after("no such table: ") {
        return Some(format!(
            "no migration creates the table {table}: commit what `manage.py makemigrations` writes, \
             and check steps.migrate"
        ));
    }
    if ["has no column named ", "no such column: ", "UndefinedColumn"]
        .iter()
        .any(|w| line.contains(w))
    {
        let advice = "no migration creates this column: commit what `manage.py makemigrations` \
                      writes, and check steps.migrate";
        return Some(advice.to_owned());
    }
    if line.contains("ALLOWED_HOSTS") {
        let advice = "allow it for the run: [django.overrides] ALLOWED_HOSTS = [\"127.0.0.1\"]";
        return Some(advice.to_owned());
    }
    let variable = after("UndefinedValueError: ")
        .and_then(|rest| rest.split_once(" not found").map(|(name, _)| name))
        .or_else(|| after("KeyError: ").map(|name| name.trim_matches('\'')))
        .or_else(|| {
            after("ImproperlyConfigured: Set the ")?
                .split_once(" environment variable")
                .map(|(name, _)| name)
        })?;
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (!variable.is_empty() && variable.chars().all(is_name))
        .then(|| format!("the settings need the variable {variable}: add it to [env] set"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_exception_is_the_reason() {
        let lines = [
            "Traceback (most recent call last):",
            "  File \"x\", line 1",
            "ValueError: first",
            "During handling of the above exception, another exception occurred:",
            "django.core.exceptions.ImproperlyConfigured: no",
            "note: done",
        ]
        .map(str::to_owned);
        assert_eq!(
            exception(&lines).as_deref(),
            Some("django.core.exceptions.ImproperlyConfigured: no")
        );
        for line in ["  ValueError: indented", "An Error: x", "ok", "error: y", "12:30:01 Error"] {
            assert!(!is_exception(line), "{line}");
        }
        assert!(is_exception("CommandError: You must set") && is_exception("KeyError: 'A'"));
    }

    #[test]
    fn a_native_library_is_named_with_its_package() {
        let lines =
            ["Traceback", "ImportError: libpq.so.5: cannot open shared object file: No", ""];
        let said = advice(&lines.map(str::to_owned), "s").unwrap_or_default();
        assert!(said.ends_with("apt-get install libpq5"), "{said}");
    }

    #[test]
    fn usual_complaints_have_advice() {
        for (line, part) in [
            ("ModuleNotFoundError: No module named 'shop.setings'", "names no module"),
            ("ModuleNotFoundError: No module named 'shop'", "names no module"),
            (
                "ModuleNotFoundError: No module named 'rest_framework'",
                "package with \"rest_framework\"",
            ),
            ("sqlite3.OperationalError: no such table: auth_user", "the table auth_user"),
            ("You may need to add '127.0.0.1' to ALLOWED_HOSTS.", "ALLOWED_HOSTS = "),
            ("decouple.UndefinedValueError: API_URL not found. Declare it", "variable API_URL"),
            ("KeyError: 'API_URL'", "variable API_URL"),
            (
                "django.core.exceptions.ImproperlyConfigured: Set the API_URL environment variable",
                "variable API_URL",
            ),
        ] {
            let advice = of_line(line, "shop.setings").unwrap_or_default();
            assert!(advice.contains(part), "{line}: {advice}");
        }
        assert_eq!(of_line("KeyError: 'name'", "s"), None);
        assert_eq!(of_line("GET / 200", "s"), None);
    }
}
