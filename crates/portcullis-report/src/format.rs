//! A format of reports: a view of a run as files. [`crate::formats`] lists them.

use crate::record::RunRecord;

/// A format of reports.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The flag of `report` that selects it; a format without a flag is written with all
    /// others.
    pub flag: Option<Flag>,
    /// The names of its files.
    pub files: &'static [&'static str],
    /// The texts of its files in order; empty if the run has no data for it.
    pub write: fn(&RunRecord) -> Vec<String>,
}

/// The flag of a format.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Without its dashes.
    pub name: &'static str,
    /// Its help text.
    pub help: &'static str,
    /// Its position in help, the lowest first.
    pub place: usize,
}
