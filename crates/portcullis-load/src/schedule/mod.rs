//! Decides which request comes next, and when the load ends: arrivals of the open model,
//! the numbers of requests, and a window that can end early or be followed by extra
//! requests.

mod arrivals;
mod calls;
mod requests;
mod status;
mod window;

pub use arrivals::{Arrival, Queue};
pub use requests::{NextRequest, Schedule};
pub use status::LastStatus;
