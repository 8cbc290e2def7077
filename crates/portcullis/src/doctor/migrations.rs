//! Migrations that the models need but that nobody has made.

use super::{Diagnosis, fine, warning};

const NAME: &str = "migrations";

/// Judges the apps whose models differ from their migrations.
pub fn check(apps: &[String]) -> Diagnosis {
    if apps.is_empty() {
        return fine(NAME, "none is pending");
    }
    let message = format!("the models of {} differ from their migrations", apps.join(", "));
    warning(NAME, message, "python manage.py makemigrations")
}
