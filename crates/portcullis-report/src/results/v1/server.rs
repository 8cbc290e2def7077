//! What our own server used.

use portcullis_core::measure::{Usage, UsageAt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use crate::record::RunRecord;
use crate::results::wire::{Seconds, Wire};
use crate::results::{At, Contradiction};

/// Resource usage of the server during the load window; values are null if the load did not start.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Server<'a> {
    pub cpu_s: Option<Seconds>,
    pub peak_memory_bytes: Option<u64>,
    pub voluntary_switches: Option<u64>,
    pub involuntary_switches: Option<u64>,
    /// Usage over time: seconds of the window, CPU seconds so far, resident bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub course: Vec<(Seconds, Seconds, u64)>,
    /// Exit status or signal of the server.
    pub end: Text<'a>,
    /// Whether it wrote nothing, so that there is no log of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
}

impl<'a> Server<'a> {
    /// The server of a run that started one.
    pub fn of(run: &'a RunRecord) -> Option<Self> {
        let used = run.server_usage.as_ref();
        Some(Self {
            cpu_s: used.map(|used| Wire::of(&used.cpu)),
            peak_memory_bytes: used.map(|used| used.peak_memory_bytes),
            voluntary_switches: used.map(|used| used.voluntary_switches),
            involuntary_switches: used.map(|used| used.involuntary_switches),
            course: Wire::of(&run.server_timeline),
            end: run.server_end.as_deref()?.into(),
            silent: run.server_was_silent,
        })
    }

    /// Adds what it used, if the load came so far, and how it ended.
    pub fn add_to(self, run: &mut RunRecord) -> Result<(), Contradiction> {
        run.server_timeline = self.course.read().at("course")?;
        run.server_usage = self.cpu_s.read().at("cpu_s")?.map(|cpu| Usage {
            cpu,
            peak_memory_bytes: self.peak_memory_bytes.unwrap_or_default(),
            voluntary_switches: self.voluntary_switches.unwrap_or_default(),
            involuntary_switches: self.involuntary_switches.unwrap_or_default(),
        });
        run.server_end = Some(self.end.into_owned());
        run.server_was_silent = self.silent;
        Ok(())
    }
}

impl Wire<'_, UsageAt> for (Seconds, Seconds, u64) {
    fn of(moment: &UsageAt) -> Self {
        (Wire::of(&moment.at), Wire::of(&moment.cpu), moment.memory_bytes)
    }

    fn read(self) -> Result<UsageAt, Contradiction> {
        Ok(UsageAt { at: self.0.read()?, cpu: self.1.read()?, memory_bytes: self.2 })
    }
}
