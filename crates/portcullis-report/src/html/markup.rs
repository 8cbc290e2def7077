//! Text from outside as HTML, and tables: the only place that makes markup of
//! what others wrote.

use portcullis_core::inert::moves;

/// A text as HTML, for content and for attributes in double quotes. What would
/// move a cursor or turn the direction of writing is replaced; line ends and tabs
/// stay.
pub fn esc(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if moves(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

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

/// A cell: what is shown, and what it is sorted by where that differs.
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

    /// Markup of our own.
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

/// A table in a region that scrolls by itself where the page is narrow. The
/// script makes tables of the class `sorts` sortable.
pub fn table(caption: &str, class: &str, columns: &[Column], rows: &Rows) -> String {
    let head = columns.iter().map(|column| {
        let class = if column.is_number { " class=\"n\"" } else { "" };
        format!("<th scope=\"col\"{class}>{}</th>", column.title)
    });
    let body = rows.iter().map(|cells| row(columns, cells));
    format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"{0}\" tabindex=\"0\">\n<table \
         class=\"{class}\">\n<caption>{0}</caption>\n<thead><tr>{1}</tr></thead>\n<tbody>\n{2}\
         </tbody>\n</table></div>\n",
        esc(caption),
        head.collect::<String>(),
        body.collect::<String>()
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
    fn nothing_of_a_text_is_markup() {
        let text = "</script><img src=x onerror='a()'> ]]> & \"q\"\x1b[1m\u{202e}\u{0}\n";
        let shown = esc(text);
        assert!(!shown.contains(['<', '>', '"', '\'', '\x1b', '\u{202e}', '\0']), "{shown}");
        assert!(
            shown.starts_with(
                "&lt;/script&gt;&lt;img src=x onerror=&#39;a()&#39;&gt; ]]&gt; &amp; "
            )
        );
        assert!(shown.ends_with('\n'));
    }

    #[test]
    fn large_numbers_are_grouped() {
        let shown = [0, 999, 1_000, 1_234_567].map(whole);
        assert_eq!(shown, ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]);
    }
}
