//! `perf --dry-run`: the plan is made and printed; nothing is started, nothing changed.

use portcullis_core::plan::Mode;

use crate::args::PerfArgs;
use crate::console::{self, DryRun};
use crate::{cache, planning, project};

use super::flags;

/// Prints what `perf` would do with these flags; its exit code.
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
