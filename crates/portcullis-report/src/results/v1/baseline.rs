//! What was done with the stored baseline.

use portcullis_core::baseline as stored;
use portcullis_core::baseline::BaselinePlan;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use crate::record::BaselineReport;
use crate::results::wire::Wire;
use crate::results::{At, Contradiction};

const COMPARED: &str = "compared";
const MISSING: &str = "missing";

/// How the stored baseline was used.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Baseline<'a> {
    pub file: Text<'a>,
    #[schemars(extend("enum" = [COMPARED, MISSING]))]
    pub state: Text<'a>,
    /// Start of the run that wrote the baseline.
    pub timestamp: Option<Text<'a>>,
    pub commit: Option<Text<'a>>,
    /// How the machine or configuration of the baseline differs from this run's.
    pub foreign: Option<Text<'a>>,
    /// Whether its rules are warnings because of that difference.
    pub lowered: bool,
    /// Whether this run wrote the file.
    pub written: bool,
}

/// Of what stood in it only date and commit are known; the limits that were taken from
/// it are those of the thresholds.
impl<'a> Wire<'a, BaselineReport> for Baseline<'a> {
    fn of(report: &'a BaselineReport) -> Self {
        let stored = report.plan.stored.as_ref();
        Self {
            file: Wire::of(&report.shown),
            state: if stored.is_some() { COMPARED } else { MISSING }.into(),
            timestamp: stored.and_then(|stored| Wire::of(&stored.timestamp)),
            commit: stored.and_then(|stored| Wire::of(&stored.commit)),
            foreign: Wire::of(&report.plan.foreign),
            lowered: report.plan.is_lowered,
            written: report.written,
        }
    }

    fn read(self) -> Result<BaselineReport, Contradiction> {
        let (timestamp, commit) = (self.timestamp.read()?, self.commit.read()?);
        let stored = match self.state.as_ref() {
            COMPARED => Some(stored::Baseline { timestamp, commit, ..Default::default() }),
            MISSING => None,
            other => {
                return Err(Contradiction::new(format!("unknown state \"{other}\""))).at("state");
            }
        };
        let plan = BaselinePlan {
            file: self.file.as_ref().into(),
            stored,
            foreign: self.foreign.read()?,
            is_lowered: self.lowered,
        };
        Ok(BaselineReport { shown: self.file.read()?, plan, written: self.written })
    }
}
