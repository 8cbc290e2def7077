//! Settings that make every request slower than it is for users.

use super::{Diagnosis, fine, warning};

const NAME: &str = "settings";

/// Parts of the names of middleware that records each request for developers.
const TOOLS: [&str; 5] = ["debug_toolbar", "silk", "nplusone", "pyinstrument", "querycount"];

/// Judges `DEBUG` and the middleware.
pub fn check(debug: bool, middleware: &[String]) -> Vec<Diagnosis> {
    let is_tool = |name: &&String| TOOLS.iter().any(|tool| name.contains(tool));
    let tools: Vec<&str> = middleware.iter().filter(is_tool).map(String::as_str).collect();
    let mut found = Vec::new();
    if debug {
        found.push(warning(
            NAME,
            "DEBUG is on: Django keeps every query, and requests take longer than for users",
            "set DEBUG = false in [django.overrides], if the service answers without it too",
        ));
    }
    if !tools.is_empty() {
        found.push(warning(
            NAME,
            format!("{} records every request, which is measured too", tools.join(", ")),
            "use settings without it: [django] settings",
        ));
    }
    if found.is_empty() {
        found.push(fine(NAME, "DEBUG is off, and no tool records requests"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn debug_and_tools_of_developers_are_warnings() {
        let middleware = ["django.x.Csrf".to_owned(), "debug_toolbar.middleware.X".to_owned()];
        let levels = |debug, middleware: &[String]| {
            check(debug, middleware).iter().map(|one| one.level).collect::<Vec<_>>()
        };
        assert_eq!(levels(false, &middleware[..1]), [Level::Ok]);
        assert_eq!(levels(true, &middleware), [Level::Warning, Level::Warning]);
    }
}
