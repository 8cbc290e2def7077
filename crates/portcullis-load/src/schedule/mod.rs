//! Which request comes next, and until when: arrivals of the open model, and the
//! watch that lets the load end early or go on after its window.

mod arrivals;
mod outlook;
mod watch;

pub use arrivals::{Arrival, Queue};
pub use outlook::Outlook;
pub use watch::{Extra, Watch};
