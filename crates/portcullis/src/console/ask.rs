//! Questions on a terminal.

use std::io::IsTerminal;

use super::{plain, print_plain};

/// Whether somebody can answer.
pub fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Asks which of some choices is meant; an empty line is the first one. `None` at the end
/// of the input, or after three answers that are none of them.
pub fn ask(question: &str, choices: &[String]) -> Option<usize> {
    for _ in 0..3 {
        print_plain(&format!("{}\n", plain(question)));
        for (index, choice) in choices.iter().enumerate() {
            print_plain(&format!("  {}) {}\n", index + 1, plain(choice)));
        }
        print_plain("number [1]: ");
        let mut line = String::new();
        if std::io::stdin().read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim() {
            "" => return Some(0),
            number => match number.parse::<usize>() {
                Ok(number) if (1..=choices.len()).contains(&number) => return Some(number - 1),
                _ => print_plain(&format!("a number from 1 to {}\n", choices.len())),
            },
        }
    }
    None
}
