//! System tools: `ipcrm` for shared memory; on systems without /proc `ps` for the process
//! tree and `lsof` for listeners.

/// The standard output of a system tool; empty if it cannot be run.
#[expect(
    clippy::disallowed_methods,
    reason = "process tables where there is no /proc, and shared memory"
)]
pub(crate) fn output(argv: &[&str]) -> String {
    let Some((program, arguments)) = argv.split_first() else { return String::new() };
    duct::cmd(*program, arguments).stderr_null().unchecked().read().unwrap_or_default()
}
