//! Virtual users: how a user sends requests and evaluates answers, when it starts and
//! stops, the first round before the load, and the threads that run users.

mod answer;
mod body;
mod check;
mod driver;
mod first_round;
mod json;
mod page;
mod prepared;
mod session;
mod shape;
mod shared;
mod virtual_user;
mod worker;

pub use driver::{Message, WorkerOutput, run_worker};
pub use first_round::{FirstRound, LoadError, first_round};
pub use prepared::{Prepared, closes_connections};
pub use session::{LoggedIn, Sending, Session, login_failure};
pub use shape::Shapes;
pub use shared::{FirstLogin, Shared, lock};
pub use worker::WorkError;
