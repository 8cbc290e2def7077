//! Child processes: the only crate that starts processes, sends signals and waits. It has
//! no code for Django, load or thresholds.

#[cfg(windows)]
compile_error!("Portcullis does not support Windows: use it under WSL 2, in a container or in CI.");

pub mod abandoned;
pub mod account;
pub mod descriptors;
pub mod disk_space;
pub mod environment;
pub mod guard;
pub mod interrupt;
pub mod launch;
pub mod log;
pub mod meter;
pub mod outgoing;
pub mod placement;
pub mod port;
pub mod server;
pub mod service;
pub mod shared_memory;
pub mod step;
pub mod sweep;
mod system_tool;
pub mod tree;
