//! Virtual users: what one sends and how it takes the answer, how long it lives,
//! the first round before the clock starts, and the threads that users run on.

mod answer;
mod body;
mod driver;
mod first_round;
mod json;
mod prepared;
mod session;
mod shared;
mod virtual_user;
mod worker;

pub use driver::{Message, WorkerOutput, run_worker};
pub use first_round::{FirstRound, LoadError, first_round};
pub use prepared::{Prepared, closes_connections};
pub use session::{LoggedIn, Sending, Session, login_failure};
pub use shared::{FirstLogin, Shared, lock};
pub use worker::WorkError;
