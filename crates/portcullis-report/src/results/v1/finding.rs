//! What decides how a run ended.

use portcullis_core::compare;
use portcullis_core::judge::findings::of_verdict;
use portcullis_core::judge::{self, FindingKind, Subject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use crate::record::{BaselineReport, RunRecord};
use crate::results::Contradiction;
use crate::results::wire::Wire;

/// A reason for the exit code.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Finding<'a> {
    #[schemars(extend("enum" = kinds()))]
    pub kind: Text<'a>,
    pub exit_code: u8,
    pub message: Text<'a>,
}

impl<'a> Wire<'a, judge::Finding> for Finding<'a> {
    fn of(finding: &'a judge::Finding) -> Self {
        Self {
            kind: finding.kind.name().into(),
            exit_code: finding.exit_code(),
            message: finding.message.as_str().into(),
        }
    }

    fn read(self) -> Result<judge::Finding, Contradiction> {
        let of_name = || FindingKind::ALL.into_iter().filter(|kind| kind.name() == self.kind);
        // Two signals share a name.
        let kind = of_name().find(|kind| kind.exit_code() == self.exit_code);
        let kind = kind.ok_or_else(|| {
            let (kind, code) = (&self.kind, self.exit_code);
            Contradiction::new(match of_name().next() {
                None => format!("unknown kind of finding \"{kind}\""),
                Some(_) => format!("the kind \"{kind}\" does not mean exit {code}"),
            })
        })?;
        Ok(match kind {
            FindingKind::Interrupted(signal) => judge::Finding::interrupted(signal),
            kind => judge::Finding::new(kind, self.message.into_owned()),
        })
    }
}

/// The names of the kinds, each once.
fn kinds() -> Vec<&'static str> {
    let mut names: Vec<&str> = FindingKind::ALL.into_iter().map(FindingKind::name).collect();
    names.dedup();
    names
}

/// Says what findings are about, which version 1 does not tell: a finding that the
/// verdict or the comparison makes again is about the same. What neither makes in a
/// strict run without a baseline is that the baseline is missing; it comes last.
pub fn add_subjects(run: &mut RunRecord) {
    let by_rules = run.verdict.iter().flat_map(|verdict| of_verdict(verdict, run.strict));
    let by_pairs = run.comparison.iter().flat_map(|one| compare::findings(one, run.strict));
    let known: Vec<judge::Finding> = by_rules.chain(by_pairs).collect();
    let mut others = Vec::new();
    for finding in &mut run.findings {
        match known.iter().find(|one| one.message == finding.message) {
            Some(same) => finding.subject = same.subject.clone(),
            None if finding.kind == FindingKind::Violated => others.push(finding),
            None => {}
        }
    }
    let is_missing =
        |baseline: &BaselineReport| baseline.plan.stored.is_none() && !baseline.written;
    if run.strict && run.baseline.as_ref().is_some_and(is_missing) {
        others.pop().into_iter().for_each(|last| last.subject = Subject::Baseline);
    }
}
