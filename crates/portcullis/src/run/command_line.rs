//! The command line of this run, as the user typed it.

use std::path::Path;

use portcullis_supervise::guard;

/// The given command line, quoted for a shell, with the variables that took the place of
/// flags before it.
pub fn given(variables: &[String]) -> String {
    // The first word of a worker is a link, so the system is asked for the name.
    let binary = std::env::current_exe().unwrap_or_default();
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    let set = variables.iter().filter_map(|name| Some((name, std::env::var(name).ok()?)));
    let set: String = set.map(|(name, value)| format!("{name}={} ", quoted(value))).collect();
    set + &typed(&binary, words.filter(|word| word != guard::VERB))
}

fn typed(binary: &Path, words: impl Iterator<Item = String>) -> String {
    let name = binary.file_name().unwrap_or_default().to_string_lossy();
    // If the binary was replaced meanwhile, ` (deleted)` follows its name.
    let program = if name.starts_with("xtask") { "cargo xtask" } else { "portcullis" };
    std::iter::once(program.to_owned()).chain(words.map(quoted)).collect::<Vec<_>>().join(" ")
}

/// A word as a POSIX shell reads it back.
fn quoted(word: String) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=%+,@".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word,
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_change_them() {
        let words = ["perf", "--out", "my runs", "-t", "10s", "it's", ""].map(str::to_owned);
        assert_eq!(
            typed(Path::new("/x/portcullis"), words.into_iter()),
            r"portcullis perf --out 'my runs' -t 10s 'it'\''s' ''"
        );
        assert_eq!(typed(Path::new("/x/xtask (deleted)"), std::iter::empty()), "cargo xtask");
    }
}
