//! The machine that measured.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use crate::record;
use crate::results::wire::fields;

/// The machine of the load generator; values are null if unknown.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Machine<'a> {
    pub system: Text<'a>,
    pub cores: usize,
    pub processor: Option<Text<'a>>,
    pub memory_bytes: Option<u64>,
    /// Load average of one minute.
    pub load_at_start: Option<f64>,
    pub governor: Option<Text<'a>>,
    /// CPU quota of the cgroup, in cores.
    pub quota_cores: Option<f64>,
    /// CPU steal: share of CPU time during the load that the host gave to others.
    pub steal_share: Option<f64>,
}

fields!(Machine<'a>: record::Machine {
    system, cores, processor, memory_bytes, load_at_start, governor, quota_cores, steal_share
});
