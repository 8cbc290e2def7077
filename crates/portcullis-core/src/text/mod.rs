//! Words and names as people write them: what moves a cursor, what was probably
//! meant, what is secret by its name.

mod names;
mod sanitize;

pub use names::{is_secret_name, nearest};
pub use sanitize::moves;
