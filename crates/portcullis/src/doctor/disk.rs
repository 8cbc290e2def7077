//! Disk space for environments, databases and logs.

use super::{Diagnosis, fine, problem, warning};

const NAME: &str = "disk";
const GIB: u64 = 1 << 30;

/// Judges the free space of a folder.
pub fn check(folder: &str, free: Option<u64>) -> Diagnosis {
    let Some(free) = free else { return fine(NAME, format!("{folder}: free space unknown")) };
    let message = format!("{folder}: {:.1} GiB free", free as f64 / GIB as f64);
    let remedy = "free some space, or set PORTCULLIS_CACHE to a folder on another disk";
    match free {
        _ if free < GIB / 8 => problem(NAME, message, remedy),
        _ if free < GIB => warning(NAME, message, remedy),
        _ => fine(NAME, message),
    }
}
