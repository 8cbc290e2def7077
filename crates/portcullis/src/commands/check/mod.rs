//! `check`: results that exist, judged. A file is read, held against rules, and
//! told with what it cannot show; nothing is started.

mod locust;
mod ours;
mod rules;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use portcullis_core::check::Checked;
use portcullis_core::outcome::{self, Finding};
use portcullis_core::summary::Summary;
use portcullis_core::threshold::Severity;
use portcullis_core::verdict::{Judgement, Verdict};
use portcullis_report::read::{self, Existing};

use crate::args::CheckArgs;
use crate::console;
use crate::stages::judge;
use rules::Configured;

/// What is to be told of one file.
#[derive(Debug, Default)]
pub struct Report {
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

impl Report {
    /// The exit code of this file alone.
    pub fn exit_code(&self) -> u8 {
        outcome::exit_code(&self.findings)
    }
}

/// Judges files; the exit code of the gravest finding.
pub fn check(args: &CheckArgs) -> u8 {
    catch_unwind(AssertUnwindSafe(|| check_unguarded(args)))
        .unwrap_or_else(|_| console::defect("a panic, see above"))
}

fn check_unguarded(args: &CheckArgs) -> u8 {
    let configured = Configured::new(args);
    let mut findings = Vec::new();
    for path in &args.files {
        let report = one(path, &configured);
        console::print_check(&report);
        findings.extend(report.findings.iter().map(|found| named(found, &report.file)));
    }
    if args.files.len() > 1 {
        console::print_checks(&findings, args.files.len());
    }
    outcome::exit_code(&findings)
}

/// The finding with its file's name, where it does not begin with it.
fn named(finding: &Finding, file: &str) -> Finding {
    finding.map_message(|text| match text.starts_with(file) {
        true => text.to_owned(),
        false => format!("{file}: {text}"),
    })
}

fn one(path: &Path, configured: &Configured<'_>) -> Report {
    let mut report = Report { file: path.display().to_string(), ..Report::default() };
    match read::read(path) {
        Ok(Existing::Ours(results)) => ours::judge(*results, configured, &mut report),
        Ok(Existing::Locust(stats)) => locust::judge(&stats, configured, &mut report),
        Err(error) => {
            let text = format!("{} {error}", report.file);
            let is_foreign = error.is_foreign();
            report.findings =
                vec![if is_foreign { Finding::Refused(text) } else { Finding::Invalid(text) }];
        }
    }
    report.findings = outcome::in_order(std::mem::take(&mut report.findings));
    if let Some(found) = judge::headline(&report.findings) {
        report.sentence = found;
    }
    report
}

/// What rules find that the verdict does not hold: those that stay undecided
/// although they can fail a run. They are never a pass.
fn undecided(checked: &[Checked]) -> impl Iterator<Item = Finding> {
    checked.iter().filter_map(|checked| match checked {
        Checked::Undecided { rule, why } if rule.severity == Severity::Fail => {
            let rule = rule.in_words();
            Some(Finding::NoData(format!("not checkable from this file: {rule}: {why}")))
        }
        _ => None,
    })
}

/// What passed, in a sentence, with what was not looked at.
fn passed(checked: &[Checked], requests: u64) -> String {
    let holds = |checked: &&Checked| matches!(checked, Checked::Judged(judged) if judged.judgement == Judgement::Holds);
    let (count, held) = (checked.len(), checked.iter().filter(holds).count());
    let unjudged = checked.iter().filter(|checked| checked.is_not_judged()).count();
    let open = checked.iter().filter(|checked| !checked.is_decided()).count() - unjudged;
    let warned = match count - held - open - unjudged {
        0 => String::new(),
        1 => ", 1 warns".to_owned(),
        n => format!(", {n} warn"),
    };
    let (word, open) = match open {
        0 => ("PASSED", String::new()),
        1 => ("PASSED as far as this file shows", ", 1 is not checkable from it".to_owned()),
        n => ("PASSED as far as this file shows", format!(", {n} are not checkable from it")),
    };
    let unjudged = match unjudged {
        0 => String::new(),
        n => format!(", {n} not judged"),
    };
    format!("{word}: {held} of {count} rules hold{warned}{open}{unjudged}; {requests} requests")
}
