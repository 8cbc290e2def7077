//! From findings to the exit code: one exhaustive match, one order.

/// A fact that decides the exit code, or that is reported with the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its kind, which decides the exit code.
    pub kind: FindingKind,
    /// What it is about.
    pub subject: Subject,
    /// The message for people.
    pub message: String,
}

/// The kind of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// A signal ended the run.
    Interrupted(Signal),
    /// A bug in Portcullis itself.
    Defect,
    /// The configuration or the command line is wrong.
    Refused,
    /// A step before the server's start failed.
    Preparation,
    /// The server did not start, was not ready, is not our process, or died.
    Server,
    /// The measurement is invalid: login, users, generator.
    Invalid,
    /// A threshold that fails the run was violated.
    Violated,
    /// A task or a threshold had no data.
    NoData,
}

/// What a finding is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// The run as a whole, or one of its stages.
    #[default]
    Run,
    /// A threshold: its metric and scope ([`crate::threshold::Threshold::subject`]).
    Threshold(String),
    /// A task.
    Task(String),
    /// The comparison with the base.
    Base,
    /// The stored baseline, which is missing.
    Baseline,
}

/// A signal that ends a run in an orderly way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM, as from CI systems.
    Terminate,
}

/// The exit codes with their meaning, as `--help` prints them.
pub const EXIT_CODES: &str = "\
Exit codes:
    0  passed: every threshold was judged and passed
    1  a threshold failed
    2  invalid configuration or usage
    3  preparation failed: environment, install, migrate, seed
    4  server failed: did not start, not ready, not our process, died
    5  invalid measurement: login failed, users missing, no data
   70  a bug in Portcullis
  130  interrupted (Ctrl-C)     143  terminated
When several apply, the first of 130/143, 70, 2, 3, 4, 5, 1, 5 (no data) decides.";

impl FindingKind {
    /// One finding kind of each; those that decide first come first.
    pub const ALL: [Self; 9] = [
        Self::Interrupted(Signal::Interrupt),
        Self::Interrupted(Signal::Terminate),
        Self::Defect,
        Self::Refused,
        Self::Preparation,
        Self::Server,
        Self::Invalid,
        Self::Violated,
        Self::NoData,
    ];

    /// The order in which findings decide; the lowest rank comes first.
    fn rank(self) -> u8 {
        match self {
            Self::Interrupted(_) => 0,
            Self::Defect => 1,
            Self::Refused => 2,
            Self::Preparation => 3,
            Self::Server => 4,
            Self::Invalid => 5,
            Self::Violated => 6,
            Self::NoData => 7,
        }
    }

    /// The exit code of such a finding alone.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupted(Signal::Interrupt) => 130,
            Self::Interrupted(Signal::Terminate) => 143,
            Self::Defect => 70,
            Self::Refused => 2,
            Self::Preparation => 3,
            Self::Server => 4,
            Self::Invalid | Self::NoData => 5,
            Self::Violated => 1,
        }
    }

    /// The kind in one or two words, as in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupted(_) => "interrupted",
            Self::Defect => "defect",
            Self::Refused => "refused",
            Self::Preparation => "preparation",
            Self::Server => "server",
            Self::Invalid => "invalid",
            Self::Violated => "violated",
            Self::NoData => "no data",
        }
    }
}

impl Finding {
    /// A finding about the run.
    pub fn new(kind: FindingKind, message: impl Into<String>) -> Self {
        Self { kind, subject: Subject::Run, message: message.into() }
    }

    /// Sets the subject.
    #[must_use]
    pub fn about(self, subject: Subject) -> Self {
        Self { subject, ..self }
    }

    /// A signal ended the run.
    pub fn interrupted(signal: Signal) -> Self {
        let message = match signal {
            Signal::Interrupt => "interrupted (Ctrl-C)",
            Signal::Terminate => "terminated by a signal",
        };
        Self::new(FindingKind::Interrupted(signal), message)
    }

    /// A bug in Portcullis itself.
    pub fn defect(message: impl Into<String>) -> Self {
        Self::new(FindingKind::Defect, message)
    }

    /// The configuration or the command line is wrong.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(FindingKind::Refused, message)
    }

    /// A step before the server's start failed.
    pub fn preparation(message: impl Into<String>) -> Self {
        Self::new(FindingKind::Preparation, message)
    }

    /// The server did not start, was not ready, is not our process, or died.
    pub fn server(message: impl Into<String>) -> Self {
        Self::new(FindingKind::Server, message)
    }

    /// The measurement is invalid.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(FindingKind::Invalid, message)
    }

    /// A judgement that fails the run.
    pub fn violated(message: impl Into<String>) -> Self {
        Self::new(FindingKind::Violated, message)
    }

    /// A task or a threshold had no data.
    pub fn no_data(message: impl Into<String>) -> Self {
        Self::new(FindingKind::NoData, message)
    }

    /// The exit code of this finding alone.
    pub fn exit_code(&self) -> u8 {
        self.kind.exit_code()
    }

    /// The same finding with a changed message, to hide secrets.
    #[must_use]
    pub fn map_message(&self, change: impl FnOnce(&str) -> String) -> Self {
        Self { message: change(&self.message), ..self.clone() }
    }
}

/// Orders findings so that the first one decides.
pub fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| finding.kind.rank());
    findings
}

/// The exit code of a run that judged something: 0 only without findings.
pub fn exit_code(findings: &[Finding]) -> u8 {
    let first = findings.iter().min_by_key(|finding| finding.kind.rank());
    first.map_or(0, Finding::exit_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Finding> {
        let last = FindingKind::Interrupted(Signal::Interrupt);
        let kinds = FindingKind::ALL.into_iter().rev().filter(|kind| *kind != last);
        kinds.map(|kind| Finding::new(kind, "x")).collect()
    }

    #[test]
    fn the_gravest_finding_decides() {
        let codes: Vec<u8> = (1..=all().len()).map(|n| exit_code(&all()[..n])).collect();
        assert_eq!(codes, [5, 1, 5, 4, 3, 2, 70, 143]);
        assert_eq!(exit_code(&[]), 0);
        assert_eq!(exit_code(&[Finding::interrupted(Signal::Interrupt)]), 130);
    }

    #[test]
    fn order_is_the_order_of_decision() {
        let ordered = in_order(all());
        assert_eq!(ordered.first().map(Finding::exit_code), Some(143));
        assert_eq!(ordered.last().map(Finding::exit_code), Some(5));
    }
}
