//! Compares the configuration of the base with that of the working tree: a change must not
//! loosen its own gate unseen.

use portcullis_core::compare::loosenings;
use portcullis_core::config::{self, Config};

use super::Base;
use crate::run::RunContext;

/// The loosenings, a line each; or why the base's configuration cannot be compared. That is
/// no error: an older base may have no configuration, or one that this version refuses.
///
/// # Errors
/// The configuration of the base is missing, or it cannot be read.
pub fn compare(context: &RunContext<'_>, base: &Base) -> Result<Vec<String>, String> {
    let own = read(context, base).map_err(|why| {
        format!("the gate of the base ({}) is not compared: {why}", base.name.short())
    })?;
    let lines = loosenings(&own, &context.planned.loaded.config);
    Ok(lines.iter().map(|line| context.redact(line)).collect())
}

fn read(context: &RunContext<'_>, base: &Base) -> Result<Config, String> {
    let shown = context.planned.file.file_name().unwrap_or_default().to_string_lossy();
    let file = base.configuration.as_ref();
    let file = file.ok_or_else(|| format!("{shown} is outside of its repository"))?;
    let text = std::fs::read_to_string(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("it has no {shown}"),
        _ => format!("its {shown} cannot be read: {error}"),
    })?;
    // The same profile and the same flags, so that only the files differ.
    let profile = context.options.profile.as_deref();
    let loaded = config::load(&text, profile, &context.planned.flags).map_err(|problems| {
        let first = problems.first().map(|problem| context.redact(&problem.show(&shown)));
        format!("its configuration is refused: {}", first.unwrap_or_default())
    })?;
    Ok(loaded.config)
}
