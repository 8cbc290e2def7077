//! Lines fitted to a terminal: wrapped between words, so that the terminal does not break
//! them inside a word. In a pipe they are not wrapped, so that they can be searched.

use super::columns::width;

/// The extra indentation of continuation lines.
const INDENT: usize = 4;

/// The number of columns of a coloured line.
pub fn shown_width(line: &str) -> usize {
    let mut pieces = line.split('\x1b');
    let first = pieces.next().map_or(0, width);
    let after = pieces.map(|piece| piece.split_once('m').map_or(0, |(_, text)| width(text)));
    first + after.sum::<usize>()
}

/// Wraps a line at this many columns. A longer word stays whole, because half a path is
/// useless.
pub fn wrapped(line: &str, most: usize) -> String {
    let (mut words, mut begin) = (Vec::new(), 0);
    for (at, _) in line.match_indices(' ') {
        let word = line.get(begin..at).unwrap_or_default();
        if !belongs_to_next(word) {
            words.push(word);
            begin = at + 1;
        }
    }
    words.extend(line.get(begin..));
    wrapped_at(&words, most, "")
}

/// Whether the next word must stay on the same line: users search for the exit code.
fn belongs_to_next(word: &str) -> bool {
    word == "(exit"
}

/// The same for a command, so that a shell reads it as one command: quoted words stay
/// whole, and wrapped lines end with a backslash.
pub fn wrapped_command(line: &str, most: usize) -> String {
    let (mut words, mut begin) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, c) in line.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\'' => is_quoted = !is_quoted,
            '\\' if !is_quoted => is_escaped = true,
            ' ' if !is_quoted => {
                words.extend(line.get(begin..at));
                begin = at + 1;
            }
            _ => {}
        }
    }
    words.extend(line.get(begin..));
    wrapped_at(&words, most, " \\")
}

fn wrapped_at(words: &[&str], most: usize, mark: &str) -> String {
    let indent = words.iter().take_while(|word| word.is_empty()).count() + INDENT;
    let (mut done, mut line) = (String::new(), String::new());
    for (index, word) in words.iter().enumerate() {
        let wide = shown_width(word);
        let ends = if index + 1 == words.len() { 0 } else { mark.len() };
        let is_full = shown_width(&line) + 1 + wide + ends > most;
        let helps = !word.is_empty() && indent + wide + ends <= most && !line.trim().is_empty();
        if is_full && helps {
            done.push_str(line.trim_end());
            done.push_str(mark);
            done.push('\n');
            line = format!("{}{word}", " ".repeat(indent));
        } else {
            if index > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    done + &line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_no_other_way() {
        assert_eq!(wrapped("short enough", 12), "short enough");
        assert_eq!(wrapped("one two three four", 10), "one two\n    three\n    four");
        assert_eq!(wrapped("  a   b cc", 9), "  a   b\n      cc");
        assert_eq!(wrapped("at /a/path/too/long and on", 10), "at /a/path/too/long\n    and on");
        assert_eq!(wrapped("", 10), "");
        assert_eq!(wrapped("up to 500 ms (exit 1)", 12), "up to 500 ms\n    (exit 1)");
        let painted = "\x1b[1;31mFAILED: that was\x1b[0m";
        assert_eq!(wrapped(painted, 16), painted);
        assert_eq!(wrapped(painted, 15), "\x1b[1;31mFAILED: that\n    was\x1b[0m");
    }

    #[test]
    fn a_command_is_the_same_to_a_shell() {
        let command = "repeat: perf --out 'a  b' --x 'it'\\''s so' --seed 42";
        let expected =
            "repeat: perf --out \\\n    'a  b' --x \\\n    'it'\\''s so' \\\n    --seed 42";
        assert_eq!(wrapped_command(command, 20), expected);
        assert_eq!(wrapped_command(command, 80), command);
    }
}
