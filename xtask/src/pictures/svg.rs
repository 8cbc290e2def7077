//! Draws a terminal's screen as SVG. Each run of characters with equal style has its place
//! in the grid, so that the picture looks the same in every monospaced font.

use std::fmt::Write;
use std::ops::Range;

use vt100::{Cell, Color, Screen};

/// The width of a character, in pixels.
const WIDTH: f64 = 7.8;
/// The height of a line, in pixels.
const HEIGHT: f64 = 17.0;
const MARGIN: f64 = 14.0;

/// The style of a character.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    colour: Color,
    bold: bool,
    dim: bool,
}

/// Draws some rows of a screen; `says` is the label for screen readers.
pub fn draw(screen: &Screen, rows: Range<u16>, says: &str) -> String {
    let (_, columns) = screen.size();
    let width = f64::from(columns) * WIDTH + 2.0 * MARGIN;
    let height = f64::from(rows.end - rows.start) * HEIGHT + 2.0 * MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" aria-label=\"{}\">\n<rect \
         width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16191d\"/>\n<g font-family=\"ui-monospace, \
         SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"13\" \
         xml:space=\"preserve\">\n",
        escaped(says)
    );
    for (line, row) in rows.enumerate() {
        let y = MARGIN + HEIGHT * (line as f64 + 0.75);
        for (column, text, look) in pieces(screen, row, columns) {
            let _ = writeln!(out, "{}", piece(column, y, &text, look));
        }
    }
    out + "</g>\n</svg>\n"
}

/// The runs of equal style in a row, with their columns; spaces between them are left out.
fn pieces(screen: &Screen, row: u16, columns: u16) -> Vec<(u16, String, Look)> {
    let mut pieces: Vec<(u16, String, Look)> = Vec::new();
    let mut gap = true;
    for column in 0..columns {
        let cell = screen.cell(row, column).filter(|cell| cell.has_contents());
        let Some(cell) = cell.filter(|cell| cell.contents() != " ") else {
            gap = true;
            continue;
        };
        let look = look(cell);
        match pieces.last_mut() {
            Some((_, text, last)) if !gap && *last == look => text.push_str(cell.contents()),
            _ => pieces.push((column, cell.contents().to_owned(), look)),
        }
        gap = false;
    }
    pieces
}

fn look(cell: &Cell) -> Look {
    Look { colour: cell.fgcolor(), bold: cell.bold(), dim: cell.dim() }
}

fn piece(column: u16, y: f64, text: &str, look: Look) -> String {
    let x = MARGIN + f64::from(column) * WIDTH;
    let length = text.chars().count() as f64 * WIDTH;
    let weight = if look.bold { " font-weight=\"700\"" } else { "" };
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\" fill=\"{}\"{weight}>{}</text>",
        fill(look),
        escaped(text)
    )
}

/// A colour that is readable on the dark background.
fn fill(look: Look) -> &'static str {
    match look.colour {
        Color::Idx(1 | 9) => "#ff8a80",
        Color::Idx(2 | 10) => "#6fd3a5",
        Color::Idx(3 | 11) => "#e6bb55",
        Color::Idx(4 | 12) => "#7db8f0",
        _ if look.dim => "#98a2ad",
        _ => "#e4e8ec",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stand_in_their_columns_in_their_colours() {
        let mut parser = vt100::Parser::new(3, 20, 0);
        parser.process(b"a \x1b[1;31mred <b>\x1b[0m\r\n\x1b[2mdim\x1b[0m");
        let svg = draw(parser.screen(), 0..2, "a \"test\"");
        let at = |column: f64| format!("<text x=\"{:.1}\"", MARGIN + column * WIDTH);
        for part in [
            format!("{} y=\"26.8\" textLength=\"7.8\" fill=\"#e4e8ec\">a<", at(0.0)),
            format!(
                "{} y=\"26.8\" textLength=\"23.4\" fill=\"#ff8a80\" font-weight=\"700\">red<",
                at(2.0)
            ),
            "&lt;b&gt;".to_owned(),
            "fill=\"#98a2ad\">dim<".to_owned(),
            "aria-label=\"a &quot;test&quot;\"".to_owned(),
        ] {
            assert!(svg.contains(&part), "{part}\n{svg}");
        }
    }
}
