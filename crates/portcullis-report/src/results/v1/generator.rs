//! How the load was made: its schedule, its connections, and the generator itself.

use portcullis_core::measure as measured;
use portcullis_core::measure::{Acknowledgement, Tls};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use super::latency::Distribution;
use crate::results::wire::{Finite, Seconds, fields};
use crate::results::word::Word;

/// The schedule of the open model.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Arrivals {
    /// Requests scheduled in the window.
    pub scheduled: u64,
    /// Scheduled requests that found no free user when they were due.
    pub queued: u64,
    /// Scheduled requests that were never started.
    pub unstarted: u64,
}

/// Opened connections.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Connections<'a> {
    /// Address of the server, resolved once before the load.
    pub address: Text<'a>,
    /// How the client acknowledges answers that arrive in several segments.
    pub acknowledgement: Word<Acknowledgement>,
    pub tls: Word<Tls>,
    pub connect: Distribution,
    pub handshake: Distribution,
}

/// Performance of the load generator itself.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// Whether the system granted a niceness of -10.
    pub punctual: bool,
    /// How late virtual users started.
    pub spawn_lag: Distribution,
    /// Generator lag: how late the load engine woke.
    pub lag: Distribution,
    pub ran_s: Seconds,
    pub cpu_s: Option<Seconds>,
    pub run_queue_s: Option<Seconds>,
    /// Share of the load that is missing because waits of users ended late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortfall_share: Option<Finite>,
    /// Requests that were due or under way within a second after the generator was late.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub late_requests: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fields!(Arrivals: measured::ArrivalCounts { scheduled, queued, unstarted });

fields!(Connections<'a>: measured::Connects { address } at {
    acknowledgement = acknowledgement,
    tls = tls,
    connect = connect,
    handshake = handshake
});

fields!(Generator: measured::Generator {
    late_requests;
    punctual = is_punctual,
    shortfall_share = shortfall
} at {
    spawn_lag = spawn_lag,
    lag = lag,
    ran_s = ran,
    cpu_s = cpu,
    run_queue_s = run_queue
});
