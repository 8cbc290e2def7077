//! Stages that ended.

use portcullis_core::event;
use portcullis_core::event::{StageEnd, StageRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use crate::results::wire::{Seconds, Wire};
use crate::results::word::Word;
use crate::results::{Contradiction, known};

/// A completed or failed stage.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Stage<'a> {
    pub stage: Word<event::Stage>,
    pub took_s: Seconds,
    #[schemars(extend("enum" = StageEnd::NAMES))]
    pub end: Text<'a>,
    pub detail: Text<'a>,
    pub failure: Option<Text<'a>>,
    /// Log of a failed stage: a file in `logs/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Text<'a>>,
    /// What to try about a failed stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<Text<'a>>,
}

impl<'a> Wire<'a, StageRecord> for Stage<'a> {
    fn of(record: &'a StageRecord) -> Self {
        Self {
            stage: Wire::of(&record.stage),
            took_s: Wire::of(&record.took),
            end: record.end.name().into(),
            detail: Wire::of(&record.detail),
            failure: record.end.failure().map(Into::into),
            log: Wire::of(&record.log),
            advice: Wire::of(&record.advice),
        }
    }

    fn read(self) -> Result<StageRecord, Contradiction> {
        let failed = self.failure.map(|why| StageEnd::Failed(why.into_owned()));
        let mut ends = [StageEnd::Completed, StageEnd::Cached].into_iter().chain(failed);
        let end = ends.find(|end| end.name() == self.end);
        let unknown = format_args!("unknown end of a stage \"{}\"", self.end);
        Ok(StageRecord {
            end: known(end, unknown)?,
            stage: self.stage.read()?,
            took: self.took_s.read()?,
            detail: self.detail.read()?,
            log: self.log.read()?,
            advice: self.advice.read()?,
        })
    }
}
