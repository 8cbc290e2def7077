//! The folder of Python's compiled modules: never beside the user's sources.

use std::path::PathBuf;

use portcullis_supervise::guard;

use crate::run::RunContext;

/// The folder, the same for all runs.
pub fn folder(context: &RunContext<'_>) -> PathBuf {
    context.cache.join("bytecode")
}

/// Removes the compiled settings module of this run, and those that killed runs have left.
pub fn forget(context: &RunContext<'_>) {
    let private = context.folder.path();
    let Some((parent, own)) = private.parent().zip(private.file_name()) else {
        return;
    };
    // Python mirrors absolute paths below its prefix.
    let mirror = folder(context).join(parent.strip_prefix("/").unwrap_or(parent));
    for entry in std::fs::read_dir(mirror).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_a_run = name.to_string_lossy().starts_with(guard::PRIVATE);
        if name == own || is_a_run && !parent.join(&name).exists() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
