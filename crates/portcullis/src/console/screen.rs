//! A block of lines at the end of a terminal's output, updated in place: the drawn block →
//! the bytes that replace it.
//!
//! No library is used: progress bar libraries do not support our permanent lines, and those
//! with a viewport need control of the cursor and raw mode. The cursor is never hidden and
//! is always at the start of the line below the block, so that a later writer, or a crash,
//! leaves a clean terminal.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use super::wrap::shown_width;

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: usize,
    /// Lines.
    pub rows: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { columns: 80, rows: 24 }
    }
}

impl Size {
    /// The columns that a line may use. A line over the full width makes some terminals begin
    /// another one.
    pub fn width(self) -> usize {
        self.columns.saturating_sub(1)
    }
}

/// The last drawn block.
#[derive(Debug, Default)]
pub struct Screen {
    drawn: Vec<String>,
}

/// Whether other code has written below the block. Then the drawn block stays, and the next
/// one is drawn below.
static IS_LEFT: AtomicBool = AtomicBool::new(false);

/// Leaves the drawn block where it is.
pub fn leave() {
    IS_LEFT.store(true, Ordering::Relaxed);
}

/// From now on the message of a panic stays on the screen.
pub fn leave_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            before(panic);
        }));
    });
}

impl Screen {
    /// The bytes that remove the block, print permanent lines, and draw the new block below
    /// them, limited to the height of the terminal. Empty if nothing changes.
    pub fn replace(&mut self, lines: &str, mut block: Vec<String>, size: Size) -> String {
        block.truncate(size.rows.saturating_sub(1));
        if IS_LEFT.swap(false, Ordering::Relaxed) {
            self.drawn.clear();
        }
        if lines.is_empty() && block == self.drawn {
            return String::new();
        }
        // Lines that a narrower terminal has wrapped since then use more rows.
        let rows = |line: &String| shown_width(line).div_ceil(size.columns.max(1)).max(1);
        let up: usize = self.drawn.iter().map(rows).sum();
        let back = if up > 0 { format!("\x1b[{up}A\r") } else { String::new() };
        // The old block is overwritten, so that nothing flickers, and no terminal treats it as a
        // cleared screen and keeps a copy. Permanent lines may be wrapped, so they need empty
        // rows.
        let (before, after) = match (up, lines) {
            (0, _) => ("", ""),
            (_, "") => ("", "\x1b[J"),
            _ => ("\x1b[J", ""),
        };
        let end = if after.is_empty() { "\n" } else { "\x1b[K\n" };
        let drawn: String = block.iter().flat_map(|line| [line, end]).collect();
        self.drawn = block;
        format!("{back}{before}{lines}{drawn}{after}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Size = Size { columns: 20, rows: 6 };

    fn block(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    fn show(terminal: &mut vt100::Parser, bytes: &str) -> String {
        // A terminal converts each newline like this.
        terminal.process(bytes.replace('\n', "\r\n").as_bytes());
        terminal.screen().contents()
    }

    #[test]
    fn the_block_moves_down_and_goes_without_a_trace() {
        let (mut screen, mut terminal) = (Screen::default(), vt100::Parser::new(6, 20, 0));
        let mut shown = |lines: &str, drawn: &[&str]| {
            show(&mut terminal, &screen.replace(lines, block(drawn), SMALL))
        };
        assert_eq!(shown("", &["a 1", "b 1"]), "a 1\nb 1");
        assert_eq!(shown("", &["a 2", "b 2"]), "a 2\nb 2");
        assert_eq!(shown("done\n", &["c 1"]), "done\nc 1");
        assert_eq!(shown("", &["d 1", "d 2", "d 3", "d 4"]), "done\nd 1\nd 2\nd 3\nd 4");
        assert_eq!(shown("end\n", &[]), "done\nend");
        assert_eq!(shown("", &[]), "done\nend");
        assert!(!terminal.screen().hide_cursor());
    }

    #[test]
    fn a_block_is_no_higher_than_the_terminal_and_unchanged_not_drawn() {
        let mut screen = Screen::default();
        let many: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let bytes = screen.replace("", many.clone(), SMALL);
        assert_eq!(bytes.lines().count(), 5);
        assert_eq!(screen.replace("", many, SMALL), "");
    }

    #[test]
    fn lines_that_were_wrapped_since_are_removed_whole() {
        let mut screen = Screen::default();
        let line = "\x1b[31m123456789012345\x1b[0m";
        screen.replace("", block(&[line, "x"]), SMALL);
        let bytes = screen.replace("", Vec::new(), Size { columns: 10, rows: 6 });
        assert!(bytes.starts_with("\x1b[3A"), "{bytes:?}");
    }
}
