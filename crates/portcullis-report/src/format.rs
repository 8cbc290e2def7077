//! What a format of reports is: a view of a run as files. [`crate::formats`] lists them.

use crate::record::RunRecord;

/// A way to tell a run in files of its own.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The flag of `report` that asks for it; one without is written with all others.
    pub flag: Option<Flag>,
    /// The names of its files.
    pub files: &'static [&'static str],
    /// The texts of its files in their order; none where the run has nothing for it.
    pub write: fn(&RunRecord) -> Vec<String>,
}

/// How the command line names a format.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Without its dashes.
    pub name: &'static str,
    /// What help says of it.
    pub help: &'static str,
    /// Its place among the others in help, the lowest first.
    pub place: usize,
}
