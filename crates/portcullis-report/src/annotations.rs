//! The problems of a run, each with its position in the configuration file, for GitHub's
//! annotations and GitLab's code quality report.

use portcullis_core::compare::{Comparison, Decision, TaskComparison, loosened};
use portcullis_core::judge::{Finding, FindingKind, Subject, ThresholdResult, Verdict};
use portcullis_core::threshold::{Limit, Reference, Scope, Severity, Threshold};

use crate::record::RunRecord;
use crate::wording;

/// The source of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// A violated rule.
    Threshold,
    /// The comparison with the base.
    Against,
    /// The missing baseline.
    Baseline,
    /// Another finding of this kind ([`FindingKind::name`]).
    Found(&'static str),
}

impl Check {
    /// Its name, without spaces.
    pub fn name(self) -> String {
        match self {
            Self::Threshold => "threshold".to_owned(),
            Self::Against => "against".to_owned(),
            Self::Baseline => "baseline".to_owned(),
            Self::Found(kind) => kind.replace(' ', "-"),
        }
    }

    /// Whether it judges the service; otherwise the run proves nothing about the service.
    pub fn is_judgement(self) -> bool {
        matches!(self, Self::Threshold | Self::Against | Self::Baseline)
    }
}

/// A problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// The line of the configuration file, if there is one.
    pub line: Option<usize>,
    /// Its source.
    pub check: Check,
    /// Its subject, equal in all runs with the same problem.
    pub about: String,
    /// A short title.
    pub title: String,
    /// The message.
    pub said: String,
    /// Whether it fails the run.
    pub fails: bool,
}

impl Annotation {
    /// Whether it fails the run by a judgement that is not from a rule.
    pub fn is_apart(&self) -> bool {
        self.fails && matches!(self.check, Check::Against | Check::Baseline)
    }
}

/// All problems, the most serious first; warnings last. They are made from the judgements,
/// not from the findings' messages, because messages in older files differ.
pub fn of(run: &RunRecord) -> Vec<Annotation> {
    let is_violated = |finding: &&Finding| finding.kind == FindingKind::Violated;
    let is_no_data = |finding: &&Finding| finding.kind == FindingKind::NoData;
    let others = run.findings.iter().filter(|one| !is_violated(one) && !is_no_data(one));
    let mut all: Vec<Annotation> =
        others.map(|finding| found(finding, finding.kind.name())).collect();
    let said = |finding: &Finding| found(finding, &finding.message);
    let or_said = |known: Vec<Annotation>, is_it: &dyn Fn(&&Finding) -> bool| match known.is_empty()
    {
        // Without judgements, all findings are reported.
        true => run.findings.iter().filter(is_it).map(said).collect(),
        false => known,
    };
    all.extend(or_said(violated(run), &is_violated));
    all.extend(or_said(without_data(run), &is_no_data));
    let warns = run.verdict.iter().filter(|_| !run.strict).flat_map(Verdict::warnings);
    all.extend(warns.map(|judged| of_rule(run, judged, false)));
    all
}

/// The judgements that fail the run.
fn violated(run: &RunRecord) -> Vec<Annotation> {
    let Some(verdict) = &run.verdict else { return Vec::new() };
    let rules = verdict.failing(run.strict).map(|judged| of_rule(run, judged, true));
    let mut all: Vec<Annotation> = rules.collect();
    if let Some(comparison) = &run.comparison {
        all.extend(compared(run, verdict, comparison));
    }
    let missing = run.findings.iter().filter(|finding| finding.subject == Subject::Baseline);
    all.extend(missing.map(|finding| of_baseline(&finding.message)));
    all
}

/// Rules and tasks without data: a rule at its line, a task without a line.
fn without_data(run: &RunRecord) -> Vec<Annotation> {
    let Some(verdict) = &run.verdict else { return Vec::new() };
    let no_data = |line, about: &str, said| Annotation {
        line,
        check: Check::Found(NO_DATA),
        about: about.to_owned(),
        title: format!("no data for {about}"),
        said,
        fails: true,
    };
    let tasks =
        verdict.silent_tasks.iter().map(|task| no_data(None, task, wording::silent_task(task)));
    let rules = verdict.without_data().map(|judged| Annotation {
        about: identity(&judged.rule),
        ..no_data(run.places.line_of(&judged.rule), &judged.rule.subject(), wording::line(judged))
    });
    let all = verdict.is_toothless().then(|| no_data(None, "all rules", wording::TOOTHLESS.into()));
    let pairs = run.comparison.iter().flat_map(Comparison::unmeasured).map(|task| Annotation {
        about: format!("{} against", task.name),
        ..no_data(run.places.against, &task.name, task.line())
    });
    tasks.chain(rules).chain(all).chain(pairs).collect()
}

const NO_DATA: &str = "no data";

fn found(finding: &Finding, about: &str) -> Annotation {
    Annotation {
        line: None,
        check: Check::Found(finding.kind.name()),
        about: about.to_owned(),
        title: finding.kind.name().to_owned(),
        said: finding.message.clone(),
        fails: true,
    }
}

fn of_rule(run: &RunRecord, judged: &ThresholdResult, fails: bool) -> Annotation {
    let rule = &judged.rule;
    Annotation {
        line: run.places.line_of(rule),
        check: Check::Threshold,
        about: identity(rule),
        title: format!("{} is violated", rule.subject()),
        said: wording::line(judged),
        fails,
    }
}

/// Identifies a rule, because the same text can be in both lists.
fn identity(rule: &Threshold) -> String {
    let list = if rule.severity == Severity::Warn { " (warn)" } else { "" };
    format!("{} {}{list}", rule.subject(), rule.text)
}

fn of_baseline(said: &str) -> Annotation {
    Annotation {
        line: None,
        check: Check::Baseline,
        about: "missing".to_owned(),
        title: "no baseline".to_owned(),
        said: said.to_owned(),
        fails: true,
    }
}

/// The findings of the comparison: a task at the line of its rule on the base, if there is
/// one, all others at the section.
fn compared(run: &RunRecord, verdict: &Verdict, comparison: &Comparison) -> Vec<Annotation> {
    let own = |task: &str| {
        let rules = verdict.judged.iter().map(|judged| &judged.rule);
        rules.filter(|rule| is_on_base(rule, task)).find_map(|rule| run.places.line_of(rule))
    };
    let of = |task: &TaskComparison, what: &str| Annotation {
        line: own(&task.name).or(run.places.against),
        check: Check::Against,
        about: task.name.clone(),
        title: format!("{} {what}", task.name),
        said: task.line(),
        fails: true,
    };
    let slower = comparison.of(Decision::Slower).map(|task| of(task, "is slower than the base"));
    let rise = comparison.rise().map(|rise| Annotation {
        line: run.places.against,
        check: Check::Against,
        about: "more failures than the base".to_owned(),
        title: "the candidate fails more often".to_owned(),
        said: wording::rise(rise),
        fails: true,
    });
    let undecided = comparison.unsettled().filter(|_| run.strict);
    let undecided = undecided.map(|task| of(task, "is possibly slower than the base"));
    let looser = comparison.loosened.iter().filter(|_| comparison.is_gate_strict);
    let looser = looser.map(|line| Annotation {
        line: run.places.against,
        check: Check::Against,
        about: line.clone(),
        title: "the gate is looser than in the base".to_owned(),
        said: loosened(line),
        fails: true,
    });
    slower.chain(rise).chain(looser).chain(undecided).collect()
}

fn is_on_base(rule: &Threshold, task: &str) -> bool {
    let is_on_base = matches!(rule.limit, Limit::Relative(to) if to.to == Reference::Base);
    is_on_base && matches!(&rule.scope, Scope::Task(name) if name == task)
}
