//! The output for GitHub's runner: annotations in the output, and a file of outputs. This
//! module only makes the texts.

use portcullis_core::threshold::Percentile;

use crate::escape::line;
use crate::record::RunRecord;
use crate::wording;

/// The maximum size of a step summary, in bytes.
pub const LONGEST_SUMMARY: usize = 1 << 20;

/// An error annotation at a line of a file, as a workflow command.
pub fn error(file: &str, line_number: Option<usize>, title: &str, message: &str) -> String {
    let at = line_number.map(|number| format!(",line={number}")).unwrap_or_default();
    format!("::error file={}{at},title={}::{}", property(file), property(title), data(message))
}

/// The text of a command (actions/toolkit, `escapeData`).
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a command's property (actions/toolkit, `escapeProperty`).
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Lines for the file of outputs: `verdict`, `exit_code`, `p95_ms` (of all requests, empty
/// without requests) and `report`, the path of the page.
pub fn outputs(run: &RunRecord, report: &str) -> String {
    let aggregate = run.summary.as_ref().map(|summary| summary.aggregate());
    let p95 = aggregate.and_then(|row| row.latency.percentile_ms(Percentile::P95));
    let pairs = [
        ("verdict", wording::verdict(run.exit_code).to_lowercase()),
        ("exit_code", run.exit_code.to_string()),
        ("p95_ms", p95.map_or(String::new(), |ms| format!("{ms:.3}"))),
        ("report", report.to_owned()),
    ];
    // A line end in a value would begin a forged output.
    pairs.iter().map(|(name, value)| format!("{name}={}\n", line(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_begins_a_command_of_its_own() {
        let hostile = "100 %\r\n::error file=x::y, a:b";
        assert_eq!(
            error("dir:a,b/perf.toml", Some(7), hostile, hostile),
            "::error file=dir%3Aa%2Cb/perf.toml,line=7,title=100 %25%0D%0A%3A%3Aerror \
             file=x%3A%3Ay%2C a%3Ab::100 %25%0D%0A::error file=x::y, a:b"
        );
        assert_eq!(error("f", None, "t", "m"), "::error file=f,title=t::m");
    }

    #[test]
    fn outputs_are_four_lines_whatever_the_path() {
        let text = outputs(&RunRecord::default(), "/a\nexit_code=0\r\n/b");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..3], ["verdict=passed", "exit_code=0", "p95_ms="]);
        assert_eq!((lines.len(), lines[3]), (4, "report=/a exit_code=0  /b"));
    }
}
