//! `check`: results that exist, judged. A file is read, held against rules, and
//! told with what it cannot show; nothing is started.

mod locust;
mod ours;
mod rules;

use std::path::Path;

use portcullis_core::check::Checked;
use portcullis_core::judge::headline::headline;
use portcullis_core::judge::{Finding, Judgement, exit_code, in_order};
use portcullis_core::threshold::Severity;
use portcullis_report::read::{self, Existing};

use crate::args::CheckArgs;
use crate::commands::worker;
use crate::console::{self, CheckedFile};
use rules::Configured;

/// Judges files; the exit code of the gravest finding.
pub fn run(args: &CheckArgs) -> u8 {
    worker::caught(|| check(args))
}

fn check(args: &CheckArgs) -> u8 {
    let configured = Configured::new(args);
    let mut findings = Vec::new();
    for path in &args.files {
        let report = one(path, &configured);
        console::print_check(&report);
        findings.extend(report.findings.iter().map(|found| named(found, &report.file)));
    }
    let exit_code = exit_code(&findings);
    if args.files.len() > 1 {
        let passed = || format!("PASSED: {} files, as far as each of them shows", args.files.len());
        console::print_checks(&headline(&findings).unwrap_or_else(passed), exit_code);
    }
    exit_code
}

/// The finding with its file's name, where it does not begin with it.
fn named(finding: &Finding, file: &str) -> Finding {
    finding.map_message(|text| match text.starts_with(file) {
        true => text.to_owned(),
        false => format!("{file}: {text}"),
    })
}

fn one(path: &Path, configured: &Configured<'_>) -> CheckedFile {
    let file = path.display().to_string();
    let mut report = CheckedFile { file, ..CheckedFile::default() };
    match read::read(path) {
        Ok(Existing::Ours(results)) => ours::judge(*results, configured, &mut report),
        Ok(Existing::Locust(stats)) => locust::judge(&stats, configured, &mut report),
        Err(error) => {
            let text = format!("{} {error}", report.file);
            let is_foreign = error.is_foreign();
            report.findings =
                vec![if is_foreign { Finding::refused(text) } else { Finding::invalid(text) }];
        }
    }
    report.findings = in_order(std::mem::take(&mut report.findings));
    if let Some(found) = headline(&report.findings) {
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
            Some(Finding::no_data(format!("not checkable from this file: {rule}: {why}")))
        }
        _ => None,
    })
}

/// What passed, in a sentence, with what was not looked at.
fn passed(checked: &[Checked], requests: u64) -> String {
    let holds = |checked: &&Checked| matches!(checked, Checked::Outcome(judged) if judged.judgement == Judgement::Holds);
    let (count, held) = (checked.len(), checked.iter().filter(holds).count());
    let unjudged = checked.iter().filter(|checked| checked.is_not_judged()).count();
    let open = checked.iter().filter(|checked| !checked.is_decided()).count() - unjudged;
    let warned = match count - held - open - unjudged {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        n => format!(", {n} warnings"),
    };
    let (word, open) = match open {
        0 => ("PASSED", String::new()),
        1 => ("PASSED as far as this file shows", ", 1 not checkable".to_owned()),
        n => ("PASSED as far as this file shows", format!(", {n} not checkable")),
    };
    let unjudged = match unjudged {
        0 => String::new(),
        n => format!(", {n} not judged"),
    };
    format!("{word}: {held} of {count} rules passed{warned}{open}{unjudged}; {requests} requests")
}
