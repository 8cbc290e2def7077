//! Escapes text from outside for each format: whatever a service, a configuration or a
//! person wrote stays text.

use portcullis_core::text::moves;

/// A text as HTML or XML, for content and for attributes in double quotes. Characters that
/// move the cursor or change the direction of writing, and those that XML 1.0 does not
/// allow (section 2.2), are replaced; line ends and tabs stay.
pub fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if is_lost(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn is_lost(c: char) -> bool {
    // The last two code points of each plane are not characters.
    moves(c) || matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff)
}

/// Characters with a meaning in the middle of a line in GitHub's Markdown, including
/// mentions, emoji, formulas and addresses.
const MARKDOWN: &str = "\\`*_{}[]<>#|~!@&$:^\"'";

/// A text as Markdown, on one line, for paragraphs and cells of tables. Characters with a
/// meaning are written as character references, which never have one (CommonMark, section
/// 2.5). So is the dot of `www.`, which begins a link (GFM, section 6.9).
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut before, mut ws) = (' ', 0);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        match c {
            '\n' | '\t' | '\r' => out.push(' '),
            c if is_lost(c) => out.push('\u{fffd}'),
            '.' if ws >= 3 => out.push_str("&#46;"),
            c if MARKDOWN.contains(c) && !is_plain(before, c, after) => {
                out.push_str(&format!("&#{};", u32::from(c)));
            }
            c => out.push(c),
        }
        ws = if c.eq_ignore_ascii_case(&'w') { ws + 1 } else { 0 };
        before = c;
    }
    out
}

/// Whether a character has no meaning here and stays unchanged, for readers of the source:
/// a colon before a space, an underscore within a word.
fn is_plain(before: char, c: char, after: char) -> bool {
    match c {
        ':' => after == ' ',
        '_' => before.is_ascii_alphanumeric() && after.is_ascii_alphanumeric(),
        _ => false,
    }
}

/// A text on one line, without characters that move the cursor.
pub fn line(text: &str) -> String {
    text.chars().map(|c| if is_lost(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        let text = "</script><img src=x onerror='a()'> ]]> & \"q\"\x1b[1m\u{202e}\u{0}\n";
        let shown = markup(text);
        assert!(!shown.contains(['<', '>', '"', '\'', '\x1b', '\u{202e}', '\0']), "{shown}");
        assert!(
            shown.starts_with(
                "&lt;/script&gt;&lt;img src=x onerror=&#39;a()&#39;&gt; ]]&gt; &amp; "
            )
        );
        assert!(shown.ends_with('\n'));
    }

    #[test]
    fn xml_gets_no_character_that_it_forbids() {
        assert_eq!(
            markup("\u{8}\u{fffe}\u{1ffff}é\u{1f600}"),
            "\u{fffd}\u{fffd}\u{fffd}é\u{1f600}"
        );
    }

    #[test]
    fn markdown_stays_a_cell_of_text() {
        let shown = markdown("a|b\n`<b>` @you #1 $x$ [l](u) :x: p95 = 3 ms");
        assert!(!shown.contains(['|', '\n', '`', '<', '@', '$', '[']), "{shown}");
        assert!(shown.ends_with(" p95 = 3 ms"), "{shown}");
        assert_eq!(markdown("(WwW.x.org www.a w.b"), "(WwW&#46;x.org www&#46;a w.b");
        assert_eq!(markdown("ERROR: a_b _c_ :x:"), "ERROR: a_b &#95;c&#95; &#58;x:");
    }
}
