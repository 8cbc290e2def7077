//! The list of all formats of reports: a new one is a module with a [`Format`], and a line
//! here.

use crate::format::Format;
use crate::{codequality, html, junit, locust_csv, markdown, prometheus, tap};

/// The effective configuration.
pub const CONFIGURATION: &str = "perf_effective.toml";

/// All formats, in the order in which a run writes them; the results as JSON are written
/// before.
pub const FORMATS: &[Format] = &[
    Format { flag: None, files: &[CONFIGURATION], write: |run| vec![run.configuration.clone()] },
    junit::FORMAT,
    markdown::FORMAT,
    html::FORMAT,
    prometheus::FORMAT,
    codequality::FORMAT,
    locust_csv::FORMAT,
    tap::FORMAT,
];
