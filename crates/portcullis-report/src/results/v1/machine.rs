//! The machine that measured.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use crate::record;
use crate::results::wire::fields;

/// Null where it cannot be told.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Machine<'a> {
    pub system: Text<'a>,
    pub cores: usize,
    pub processor: Option<Text<'a>>,
    pub memory_bytes: Option<u64>,
    /// Of one minute.
    pub load_at_start: Option<f64>,
    pub governor: Option<Text<'a>>,
    /// A cgroup's.
    pub quota_cores: Option<f64>,
    /// Of processor time during the load, taken by the host.
    pub steal_share: Option<f64>,
}

fields!(Machine<'a>: record::Machine {
    system, cores, processor, memory_bytes, load_at_start, governor, quota_cores, steal_share
});
