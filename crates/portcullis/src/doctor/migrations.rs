//! Migrations that the models need but that nobody has made.

use super::{Diagnosis, fine, warning};

const NAME: &str = "migrations";

/// Judges the apps whose models differ from their migrations; `unknown` says why they could
/// not be compared.
pub fn check(apps: &[String], unknown: Option<&str>) -> Diagnosis {
    if let Some(why) = unknown {
        let message = format!("the models could not be compared with the migrations: {why}");
        return warning(NAME, message, "python manage.py makemigrations --check");
    }
    if apps.is_empty() {
        return fine(NAME, "none is pending");
    }
    let message = format!("the models of {} differ from their migrations", apps.join(", "));
    warning(NAME, message, "python manage.py makemigrations")
}
