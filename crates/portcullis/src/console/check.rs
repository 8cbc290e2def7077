//! What `check` found in files: rule by rule, then what a file cannot show, the
//! verdict last.

use portcullis_core::check::Checked;
use portcullis_core::judge::{Finding, Judgement, Verdict, exit_code};
use portcullis_core::measure::Summary;
use portcullis_core::threshold::Severity;
use portcullis_report::wording;

use super::paint::Paint;
use super::{line, plain, table};

/// What is to be told of one file that was judged.
#[derive(Debug, Default)]
pub struct CheckedFile {
    /// The file, as it was named.
    pub file: String,
    /// What it is and whose rules it was held against.
    pub about: String,
    /// The rules, one by one.
    pub checked: Vec<Checked>,
    /// Our own measurements and their verdict.
    pub measured: Option<(Summary, Verdict)>,
    /// What is worth knowing beside the rules.
    pub notes: Vec<String>,
    /// What a file of this kind does not show.
    pub unseen: Vec<String>,
    /// What decides, the gravest first.
    pub findings: Vec<Finding>,
    /// The verdict in a sentence.
    pub sentence: String,
}

impl CheckedFile {
    /// The exit code of this file alone.
    pub fn exit_code(&self) -> u8 {
        exit_code(&self.findings)
    }
}

/// Prints one file's rules, findings and verdict.
pub fn print_check(report: &CheckedFile) {
    let style = super::for_output();
    let paint = style.paint;
    if !report.about.is_empty() {
        line(&plain(&format!("{}: {}", report.file, report.about)));
    }
    if let Some((summary, verdict)) = &report.measured {
        table::by_task(summary, Some(verdict), style).iter().for_each(|row| line(row));
    }
    for checked in &report.checked {
        if let Some((word, text)) = told(checked, paint) {
            line(&format!("  {word} {}", plain(&text)));
        }
    }
    for note in &report.notes {
        line(&format!("  note: {}", plain(note)));
    }
    for unseen in &report.unseen {
        line(&format!("  not in this file: {}", plain(unseen)));
    }
    for finding in &report.findings {
        let word = paint.red(&format!("{}:", finding.kind.name()));
        line(&format!("{word} {}", plain(&finding.message)));
    }
    verdict(&report.sentence, report.exit_code(), paint);
}

/// Prints the verdict on several files.
pub fn print_checks(sentence: &str, exit_code: u8) {
    line("");
    verdict(sentence, exit_code, super::for_output().paint);
}

fn verdict(sentence: &str, code: u8, paint: Paint) {
    let text = format!("{} (exit {code})", plain(sentence));
    line(&if code == 0 { paint.green(&text) } else { paint.red(&text) });
}

/// A word and a line on a rule; `None` for what is a finding.
fn told(checked: &Checked, paint: Paint) -> Option<(String, String)> {
    match checked {
        Checked::Outcome(judged) => match (judged.judgement, judged.rule.severity) {
            (Judgement::Holds, _) => Some(("passed:".to_owned(), wording::line(judged))),
            (Judgement::Violated, Severity::Warn) => {
                Some((paint.yellow("warning:"), wording::line(judged)))
            }
            (Judgement::NotJudged, _) => Some(("not judged:".to_owned(), wording::line(judged))),
            _ => None,
        },
        Checked::Undecided { rule, .. } if rule.severity == Severity::Fail => None,
        Checked::Undecided { rule, why } => {
            Some((NOT_CHECKABLE.to_owned(), format!("{}: {why}", rule.in_words())))
        }
        Checked::NotInFile { rule, why } => {
            Some((NOT_CHECKABLE.to_owned(), format!("{}: {why}", rule.text)))
        }
    }
}

const NOT_CHECKABLE: &str = "not checkable from this file:";
