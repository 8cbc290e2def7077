//! From what was found to the exit code: one exhaustive match, one order.

/// Something that decides, or would decide, how a run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A signal ended the run.
    Interrupted(Signal),
    /// A defect of Portcullis itself.
    Defect(String),
    /// The configuration or the command line is wrong.
    Refused(String),
    /// A step before the server's start failed.
    Preparation(String),
    /// The server did not start, was not ready, was not ours, or died.
    Server(String),
    /// The measurement means nothing: login, users, generator.
    Invalid(String),
    /// A threshold that fails the run is violated.
    Violated(String),
    /// There is no baseline where nobody would keep a first one.
    NoBaseline(String),
    /// A task or a threshold saw no data.
    NoData(String),
}

/// A signal that ends a run in good order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// A polite end, as CI systems send it.
    Terminate,
}

/// Exit codes with their meaning, as `--help` prints them.
pub const EXIT_CODES: &str = "\
Exit codes:
    0  passed: every threshold was judged and holds
    1  a threshold failed
    2  configuration or usage
    3  preparation failed: environment, install, migrate, seed
    4  server: did not start, not ready, not ours, died
    5  the measurement is invalid: login, missing users, no data
   70  a defect of Portcullis itself
  130  interrupted (Ctrl-C)     143  terminated
When several apply, the first of 130/143, 70, 2, 3, 4, 5, 1, 5 (no data) decides.";

/// How the sentence of [`Finding::NoBaseline`] begins.
const NO_BASELINE: &str = "there is no baseline: ";

impl Finding {
    /// The baseline's file is missing.
    pub fn no_baseline(file: &std::path::Path) -> Self {
        Self::NoBaseline(format!("{NO_BASELINE}{} is missing", file.display()))
    }

    /// A violation that was written down: files have its sentence, and no more of what it
    /// is about.
    pub fn violation(text: String) -> Self {
        match text.starts_with(NO_BASELINE) {
            true => Self::NoBaseline(text),
            false => Self::Violated(text),
        }
    }

    /// Whether it judges the service: a rule, the comparison, the missing baseline.
    pub fn is_violation(&self) -> bool {
        matches!(self, Self::Violated(_) | Self::NoBaseline(_))
    }

    /// The order in which findings decide; the lowest comes first.
    fn rank(&self) -> u8 {
        match self {
            Self::Interrupted(_) => 0,
            Self::Defect(_) => 1,
            Self::Refused(_) => 2,
            Self::Preparation(_) => 3,
            Self::Server(_) => 4,
            Self::Invalid(_) => 5,
            Self::Violated(_) | Self::NoBaseline(_) => 6,
            Self::NoData(_) => 7,
        }
    }

    /// The exit code of this finding alone.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted(Signal::Interrupt) => 130,
            Self::Interrupted(Signal::Terminate) => 143,
            Self::Defect(_) => 70,
            Self::Refused(_) => 2,
            Self::Preparation(_) => 3,
            Self::Server(_) => 4,
            Self::Invalid(_) | Self::NoData(_) => 5,
            Self::Violated(_) | Self::NoBaseline(_) => 1,
        }
    }

    /// The finding's sentence.
    pub fn message(&self) -> &str {
        match self {
            Self::Interrupted(Signal::Interrupt) => "interrupted (Ctrl-C)",
            Self::Interrupted(Signal::Terminate) => "terminated by a signal",
            Self::Defect(text)
            | Self::Refused(text)
            | Self::Preparation(text)
            | Self::Server(text)
            | Self::Invalid(text)
            | Self::Violated(text)
            | Self::NoBaseline(text)
            | Self::NoData(text) => text,
        }
    }

    /// The same finding with its sentence changed, to hide secrets.
    #[must_use]
    pub fn map_message(&self, change: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::Interrupted(signal) => Self::Interrupted(*signal),
            Self::Defect(text) => Self::Defect(change(text)),
            Self::Refused(text) => Self::Refused(change(text)),
            Self::Preparation(text) => Self::Preparation(change(text)),
            Self::Server(text) => Self::Server(change(text)),
            Self::Invalid(text) => Self::Invalid(change(text)),
            Self::Violated(text) => Self::Violated(change(text)),
            Self::NoBaseline(text) => Self::NoBaseline(change(text)),
            Self::NoData(text) => Self::NoData(change(text)),
        }
    }

    /// The finding's kind in one word, as results name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Interrupted(_) => "interrupted",
            Self::Defect(_) => "defect",
            Self::Refused(_) => "refused",
            Self::Preparation(_) => "preparation",
            Self::Server(_) => "server",
            Self::Invalid(_) => "invalid",
            Self::Violated(_) | Self::NoBaseline(_) => "violated",
            Self::NoData(_) => "no data",
        }
    }
}

/// Orders findings so that the first one decides.
pub fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(Finding::rank);
    findings
}

/// The exit code of a run that judged something: 0 only without any finding.
pub fn exit_code(findings: &[Finding]) -> u8 {
    findings.iter().min_by_key(|finding| finding.rank()).map_or(0, Finding::exit_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Finding> {
        let text = || "x".to_owned();
        vec![
            Finding::NoData(text()),
            Finding::Violated(text()),
            Finding::Invalid(text()),
            Finding::Server(text()),
            Finding::Preparation(text()),
            Finding::Refused(text()),
            Finding::Defect(text()),
            Finding::Interrupted(Signal::Terminate),
        ]
    }

    #[test]
    fn the_gravest_finding_decides() {
        let codes: Vec<u8> = (1..=all().len()).map(|n| exit_code(&all()[..n])).collect();
        assert_eq!(codes, [5, 1, 5, 4, 3, 2, 70, 143]);
        assert_eq!(exit_code(&[]), 0);
        assert_eq!(exit_code(&[Finding::Interrupted(Signal::Interrupt)]), 130);
    }

    #[test]
    fn order_is_the_order_of_decision() {
        let ordered = in_order(all());
        assert_eq!(ordered.first().map(Finding::exit_code), Some(143));
        assert_eq!(ordered.last().map(Finding::exit_code), Some(5));
    }
}
