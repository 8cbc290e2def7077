//! One run: what is known before it starts, its folders, what has happened, and the record
//! from which every report is made.

mod checkout;
mod command_line;
mod context;
mod failure;
mod folder;
mod journal;
mod record;
mod redacted;
mod results;
mod source_locations;

pub use checkout::Checkout;
pub use context::{RunContext, RunOptions, Version};
pub use failure::{Aborted, StageFailure, StageOutput};
pub use folder::{BaseName, Extracted, Role, RunFolder, SERVICES};
pub use journal::{DOCTOR, Journal};
pub use record::{is_acceptable, record};
pub use results::{LoadResults, RunResults};
pub use source_locations::task_location;
