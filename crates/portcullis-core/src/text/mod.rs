//! Text for people: characters that move a cursor, suggestions for typing errors, and names
//! of secrets.

mod names;
mod sanitize;

pub use names::{is_secret_name, nearest};
pub use sanitize::moves;
