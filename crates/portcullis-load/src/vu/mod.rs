//! Virtual users: how a user sends requests and evaluates answers, when it starts and
//! stops, the first round before the load, and the threads that run users.

mod answer;
mod body;
mod check;
mod cookies;
mod driver;
mod encoding;
mod first_round;
mod flow;
mod forms;
mod generated;
mod items;
mod json;
mod login;
mod once;
mod page;
mod prepared;
mod redirects;
mod session;
mod shape;
mod shared;
mod taking;
mod validators;
mod virtual_user;
mod worker;
mod writer;

pub use driver::{Message, WorkerOutput, run_worker};
pub use first_round::{FirstRound, LoadError, first_round};
pub use login::LoggedIn;
pub use once::{secrets_of, set_up, tear_down};
pub use prepared::{Prepared, closes_connections};
pub use session::{Sending, Session, login_failure};
pub use shape::Shapes;
pub use shared::{Shared, lock};
pub use worker::WorkError;
