//! Child processes: the only crate that spawns, signals and waits. It knows
//! nothing of Django, of load or of thresholds.

pub mod descriptors;
pub mod environment;
pub mod finite;
pub mod interrupt;
pub mod launch;
pub mod log;
pub mod port;
pub mod room;
pub mod server;
pub mod tree;
pub mod twin;
