//! The first round of calls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use crate::record;
use crate::results::Contradiction;
use crate::results::number::latency;
use crate::results::wire::Wire;

/// A call of the first round, before the load.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct FirstCall<'a> {
    pub task: Text<'a>,
    pub latency_ms: f64,
    pub failure: Option<Text<'a>>,
}

impl<'a> Wire<'a, record::FirstCall> for FirstCall<'a> {
    fn of(call: &'a record::FirstCall) -> Self {
        let latency_ms = call.latency.as_secs_f64() * 1e3;
        Self { task: Wire::of(&call.task), latency_ms, failure: Wire::of(&call.failure) }
    }

    fn read(self) -> Result<record::FirstCall, Contradiction> {
        let (task, failure) = (self.task.read()?, self.failure.read()?);
        Ok(record::FirstCall { task, latency: latency(self.latency_ms)?, failure })
    }
}
