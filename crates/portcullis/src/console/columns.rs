//! Columns of a terminal: the width of a text, and texts fitted to a width.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The beginning of a text with at most this many columns, marked if something is left out.
pub fn fit(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let (mut kept, mut room) = (String::new(), most.saturating_sub(1));
    for c in text.chars() {
        let needed = c.width().unwrap_or(0);
        if needed > room {
            break;
        }
        room -= needed;
        kept.push(c);
    }
    if most > 0 {
        kept.push('…');
    }
    kept
}

/// The text, padded with spaces on the right.
pub fn left(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// The text, padded with spaces on the left.
pub fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Values from 0 to the maximum as a row of blocks with at most this many columns. If there
/// are more values, each block is the largest of its share. A missing value is a space.
pub fn sparkline(values: &[Option<f64>], columns: usize) -> String {
    let largest = values.iter().flatten().copied().fold(0.0, f64::max);
    let count = columns.min(values.len());
    let block = |column: usize| {
        let share = column * values.len() / count..(column + 1) * values.len() / count;
        let value = values.get(share)?.iter().flatten().copied().reduce(f64::max)?;
        let level = (value / largest.max(f64::MIN_POSITIVE) * (LEVELS.len() - 1) as f64).round();
        LEVELS.get(level as usize).copied()
    };
    (0..count).map(|column| block(column).unwrap_or(' ')).collect()
}

/// Progress as a bar of this many columns.
pub fn bar(share: f64, columns: usize) -> String {
    let done = (share.clamp(0.0, 1.0) * columns as f64).round() as usize;
    format!("{}{}", "█".repeat(done), "░".repeat(columns - done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit_by_columns_not_by_characters() {
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit("shorter", 5), "shor…");
        assert_eq!(fit("漢字漢字", 6), "漢字…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!((left("漢", 4), right("é", 3)), ("漢  ".to_owned(), "  é".to_owned()));
    }

    #[test]
    fn a_sparkline_keeps_peaks_and_gaps() {
        let some = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
        assert_eq!(sparkline(&some(&[0.0, 50.0, 100.0]), 10), "▁▅█");
        assert_eq!(sparkline(&[Some(1.0), None, Some(1.0)], 10), "█ █");
        let mut long = some(&[1.0; 100]);
        long[42] = Some(8.0);
        assert_eq!(sparkline(&long, 10), "▂▂▂▂█▂▂▂▂▂");
        assert_eq!((sparkline(&[], 10), sparkline(&some(&[0.0]), 3)), (String::new(), "▁".into()));
    }

    #[test]
    fn a_bar_is_as_long_as_it_was_asked_for() {
        assert_eq!(
            (bar(0.0, 4), bar(0.5, 4), bar(7.0, 4)),
            ("░░░░".into(), "██░░".into(), "████".into())
        );
    }
}
