//! The files that `init` writes: the configuration, and beside it a folder with the seed,
//! the schema, and requirements that were made from a lock.

mod configuration;
mod login;
mod seed;
mod tasks;
#[cfg(test)]
mod tests;
mod workflow;

pub use configuration::{Chosen, Names, configuration, draft};
pub use seed::seed;
pub use tasks::{placeholder, tasks};
pub use workflow::{WORKFLOW, workflow};

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

/// Texts by name as an inline table of TOML.
fn table(fields: impl IntoIterator<Item = (String, String)>) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || ['_', '-'].contains(&c);
    let pairs: Vec<String> = fields
        .into_iter()
        .map(|(name, value)| match !name.is_empty() && name.chars().all(is_bare) {
            true => format!("{name} = {}", quoted(&value)),
            false => format!("{} = {}", quoted(&name), quoted(&value)),
        })
        .collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// A text in a comment of one line.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
