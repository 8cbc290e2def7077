//! The files that `init` writes: the configuration, and beside it a folder with the seed,
//! the schema, and requirements that were made from a lock.

mod configuration;
mod seed;
mod tasks;
#[cfg(test)]
mod tests;

pub use configuration::{Chosen, Names, configuration, draft};
pub use seed::seed;
pub use tasks::{placeholder, tasks};

/// A text as a TOML string.
fn quoted(text: &str) -> String {
    // As in core: DEL must be escaped too.
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// Texts as a TOML array.
fn array<T: AsRef<str>>(texts: &[T]) -> String {
    let items: Vec<String> = texts.iter().map(|text| quoted(text.as_ref())).collect();
    format!("[{}]", items.join(", "))
}

/// A text in a comment of one line.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
