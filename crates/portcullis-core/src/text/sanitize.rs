//! Characters of somebody else's words that do more than stand there.

/// Whether a character moves a cursor, ends a line, rings, or turns the direction
/// of writing: controls, separators of lines, marks of direction.
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
