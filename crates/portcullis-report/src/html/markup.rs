//! Tables and lists of facts, with text from outside escaped.

/// The only conversion from a text to markup.
pub use crate::escape::markup as esc;

/// A whole number with a thin space between groups of three digits.
pub fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + 4);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its head.
    pub title: &'static str,
    /// Whether it holds numbers, which are aligned to the right.
    pub is_number: bool,
}

/// A column of words.
pub const fn words(title: &'static str) -> Column {
    Column { title, is_number: false }
}

/// A column of numbers.
pub const fn numbers(title: &'static str) -> Column {
    Column { title, is_number: true }
}

/// A cell: its content, and its sort key if that is different.
#[derive(Clone, Debug)]
pub struct Cell {
    html: String,
    sorts_as: Option<f64>,
}

impl Cell {
    /// A text from outside.
    pub fn text(text: &str) -> Self {
        Self { html: esc(text), sorts_as: None }
    }

    /// Our own markup.
    pub fn markup(html: String) -> Self {
        Self { html, sorts_as: None }
    }

    /// A text that sorts as a number.
    pub fn number(text: &str, number: f64) -> Self {
        Self { html: esc(text), sorts_as: Some(number) }
    }

    /// A count.
    pub fn count(count: u64) -> Self {
        Self::number(&whole(count), count as f64)
    }

    /// A latency in milliseconds without its unit, or a dash.
    pub fn ms(ms: Option<f64>) -> Self {
        match ms {
            Some(ms) if ms < 100.0 => Self::number(&format!("{ms:.1}"), ms),
            Some(ms) => Self::number(&whole(ms.round() as u64), ms),
            None => Self::number("–", -1.0),
        }
    }
}

/// A table's body, rows of cells.
pub type Rows = Vec<Vec<Cell>>;

/// A table in a region that scrolls on its own in a narrow page. The script makes tables of
/// the class `sorts` sortable.
pub fn table(caption: &str, class: &str, columns: &[Column], rows: &Rows) -> String {
    table_with_foot(caption, class, columns, rows, &Vec::new())
}

/// The same with rows at its foot, which are not sorted.
pub fn table_with_foot(
    caption: &str,
    class: &str,
    columns: &[Column],
    rows: &Rows,
    foot: &Rows,
) -> String {
    let head = columns.iter().map(|column| {
        let class = if column.is_number { " class=\"n\"" } else { "" };
        format!("<th scope=\"col\"{class}>{}</th>", column.title)
    });
    let lines = |rows: &Rows| rows.iter().map(|cells| row(columns, cells)).collect::<String>();
    let foot = lines(foot);
    let foot = if foot.is_empty() { foot } else { format!("<tfoot>\n{foot}</tfoot>\n") };
    format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"{0}\" tabindex=\"0\">\n<table \
         class=\"{class}\">\n<caption>{0}</caption>\n<thead><tr>{1}</tr></thead>\n<tbody>\n{2}\
         </tbody>\n{foot}</table></div>\n",
        esc(caption),
        head.collect::<String>(),
        lines(rows)
    )
}

fn row(columns: &[Column], cells: &[Cell]) -> String {
    let cells = columns.iter().zip(cells).enumerate().map(|(index, (column, cell))| {
        let class = if column.is_number { " class=\"n\"" } else { "" };
        let sorts = cell.sorts_as.map(|number| format!(" data-v=\"{number}\"")).unwrap_or_default();
        match index {
            0 => format!("<th scope=\"row\"{class}{sorts}>{}</th>", cell.html),
            _ => format!("<td{class}{sorts}>{}</td>", cell.html),
        }
    });
    format!("<tr>{}</tr>\n", cells.collect::<String>())
}

/// Names with their values, as a list of facts.
pub fn facts(pairs: &[(&str, String)]) -> String {
    let pairs = pairs
        .iter()
        .map(|(name, value)| format!("<div><dt>{}</dt><dd>{}</dd></div>\n", esc(name), esc(value)));
    format!("<dl class=\"facts\">\n{}</dl>\n", pairs.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped() {
        let shown = [0, 999, 1_000, 1_234_567].map(whole);
        assert_eq!(shown, ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]);
    }
}
