//! `perf --dry-run`: makes and prints the plan; starts and changes nothing.

use portcullis_core::plan::Mode;

use crate::args::PerfArgs;
use crate::console::{self, DryRun};
use crate::{cache, planning, project};

use super::flags;

/// Prints what `perf` would do with these flags; returns its exit code.
pub fn run(args: &PerfArgs) -> u8 {
    let planned = match planning::plan(&flags::request(args)) {
        Ok(planned) => planned,
        Err(problems) => return console::refuse(&problems),
    };
    let preparation = match &planned.plan.mode {
        Mode::Serve(serve) => project::describe(serve),
        Mode::Attach(_) => Vec::new(),
    };
    console::print_plan(&DryRun {
        plan: &planned.plan,
        configuration: &planned.file,
        cache: &cache::root(&planned.cache_fallback()),
        preparation: &preparation,
        writes_baseline: planned.baseline.may_write,
    });
    0
}
