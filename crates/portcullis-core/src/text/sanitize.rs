//! Characters in text from outside that can change the display.

/// Whether a character moves the cursor, ends a line, rings the bell, or changes the
/// direction of writing: control characters, line separators, direction marks.
pub fn moves(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_is_told_from_what_stands() {
        assert!("\x1b\n\r\t\x07\x7f\u{9b}\u{202e}\u{2066}\u{2028}".chars().all(moves));
        assert!(!"é ]]> </script> | =cmd \u{1f600} 漢 …".chars().any(moves));
    }
}
