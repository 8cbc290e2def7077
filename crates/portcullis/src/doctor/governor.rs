//! The CPU governor: with a saving one, clocks rise only under load, and so do latencies.

use super::{Diagnosis, fine, warning};

const NAME: &str = "governor";

/// Judges the governor, if the machine has one.
pub fn check(governor: Option<&str>) -> Diagnosis {
    match governor {
        None => fine(NAME, "the machine does not let us see a CPU governor"),
        Some("performance") => fine(NAME, "performance"),
        Some(other) => warning(
            NAME,
            format!("\"{other}\": the CPU changes its clock during a run"),
            "for steadier latencies: sudo cpupower frequency-set -g performance",
        ),
    }
}
