//! The checks of a task, with their counts.

use portcullis_core::measure::CheckSummary;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use crate::results::number::believed;
use crate::results::wire::Wire;
use crate::results::{Contradiction, ensure};

/// A check of a task.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Check<'a> {
    pub name: Text<'a>,
    /// Whether an answer that does not meet it stays a good one.
    pub soft: bool,
    /// Answers that were examined.
    pub checked: u64,
    /// Answers that did not meet it.
    pub failed: u64,
    /// What the first of these had instead; left out if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Text<'a>>,
}

impl<'a> Wire<'a, CheckSummary> for Check<'a> {
    fn of(check: &'a CheckSummary) -> Self {
        Self {
            name: Wire::of(&check.name),
            soft: check.is_soft,
            checked: check.checked,
            failed: check.failed,
            message: Wire::of(&check.message),
        }
    }

    fn read(self) -> Result<CheckSummary, Contradiction> {
        let (checked, failed) = (believed(self.checked)?, self.failed);
        ensure(
            failed <= checked,
            format_args!("{failed} of {checked} answers did not meet a check"),
        )?;
        let (name, message) = (self.name.read()?, self.message.read()?);
        Ok(CheckSummary { name, is_soft: self.soft, checked, failed, message })
    }
}
