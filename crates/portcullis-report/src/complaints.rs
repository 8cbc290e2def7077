//! What is wrong with a run, each with its place in the configuration file: what
//! GitHub's annotations and GitLab's code quality report are made of.

use portcullis_core::outcome::Finding;
use portcullis_core::pairs::Decision;
use portcullis_core::threshold::{Limit, Reference, Scope, Severity, Threshold};
use portcullis_core::verdict::{Judged, Judgement};

use crate::run::RunReport;
use crate::words;

/// Where the configuration says what is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The file, relative to the repository that it is in.
    pub file: String,
    /// Lines of rules, counted from 1; none for rules of the defaults and the command
    /// line.
    pub rules: Vec<PlacedRule>,
    /// The line of the section `[against]`, if it is there.
    pub against: Option<usize>,
}

/// A rule of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedRule {
    /// The list that it stands in.
    pub severity: Severity,
    /// The rule as written.
    pub text: String,
    /// Its line, counted from 1.
    pub line: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The line of the configuration file, if there is one.
    pub line: Option<usize>,
    /// What complains: `threshold`, `against`, or the kind of a finding.
    pub check: String,
    /// What it is about, the same in each run that complains of it.
    pub about: String,
    /// A few words.
    pub title: String,
    /// The sentence.
    pub said: String,
    /// Whether it fails the run.
    pub fails: bool,
}

impl Places {
    fn line_of(&self, rule: &Threshold) -> Option<usize> {
        let is_it =
            |placed: &&PlacedRule| placed.severity == rule.severity && placed.text == rule.text;
        self.rules.iter().find(is_it).map(|placed| placed.line)
    }
}

/// Everything that is wrong, the gravest first; warnings last.
pub fn complaints(run: &RunReport) -> Vec<Complaint> {
    let judged = || run.verdict.iter().flat_map(|verdict| &verdict.judged);
    let warns = judged()
        .filter(|one| one.judgement == Judgement::Violated && one.rule.severity == Severity::Warn);
    let found = run.findings.iter().map(|finding| match finding {
        Finding::Violated(said) => match judged().find(|one| words::line(one) == *said) {
            Some(one) => of_rule(run, one, true),
            None => of_comparison(run, said),
        },
        other => Complaint {
            line: None,
            check: other.kind().replace(' ', "-"),
            about: other.kind().to_owned(),
            title: other.kind().to_owned(),
            said: other.message().to_owned(),
            fails: true,
        },
    });
    // With --strict a warning is a finding already.
    let warns = warns.filter(|_| !run.strict).map(|one| of_rule(run, one, false));
    found.chain(warns).collect()
}

fn of_rule(run: &RunReport, judged: &Judged, fails: bool) -> Complaint {
    let rule = &judged.rule;
    Complaint {
        line: run.places.line_of(rule),
        check: "threshold".to_owned(),
        about: format!("{} {}", rule.subject(), rule.text),
        title: format!("{} is violated", rule.subject()),
        said: words::line(judged),
        fails,
    }
}

/// What the comparison found: a task at the line of its rule on the base, if there is
/// one, everything else at the section.
fn of_comparison(run: &RunReport, said: &str) -> Complaint {
    let tasks = run.comparison.iter().flat_map(|both| &both.tasks);
    let task = tasks.into_iter().find(|task| task.line() == said);
    let rules = run.verdict.iter().flat_map(|verdict| &verdict.judged).map(|one| &one.rule);
    let own = task.and_then(|task| rules.into_iter().find(|rule| is_on_base(rule, &task.name)));
    let title = match task {
        Some(task) if task.decision == Decision::Slower => {
            format!("{} is slower than the base", task.name)
        }
        Some(task) => format!("{} may be slower than the base", task.name),
        None if run.comparison.is_some() => "worse than the base".to_owned(),
        None => "violated".to_owned(),
    };
    Complaint {
        line: own.and_then(|rule| run.places.line_of(rule)).or(run.places.against),
        check: "against".to_owned(),
        about: task.map_or_else(|| title.clone(), |task| task.name.clone()),
        title,
        said: said.to_owned(),
        fails: true,
    }
}

fn is_on_base(rule: &Threshold, task: &str) -> bool {
    let is_on_base = matches!(rule.limit, Limit::Relative(to) if to.to == Reference::Base);
    is_on_base && matches!(&rule.scope, Scope::Task(name) if name == task)
}
