//! Which request comes next, and until when: arrivals of the open model, the numbers
//! of requests, and a window that may end early or be followed by more.

mod arrivals;
mod calls;
mod requests;
mod status;
mod window;

pub use arrivals::{Arrival, Queue};
pub use requests::{NextRequest, Schedule};
pub use status::LastStatus;
