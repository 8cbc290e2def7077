//! `.env` files, as far as Portcullis reads them: names and values of
//! `.env.example`, and the names that a developer's own `.env` adds.

/// Name and value of each line, the last of a name winning.
pub fn parse(text: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim();
        if name.is_empty() || line.starts_with('#') {
            continue;
        }
        let value = unquote(value.trim());
        pairs.retain(|(known, _)| known != name);
        pairs.push((name.to_owned(), value.to_owned()));
    }
    pairs
}

/// Without one pair of equal quotes around it, as python-decouple reads it.
fn unquote(value: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_decouple_reads_them() {
        let text = "# A=1\nB = 2\n\nexport C='x y'\nD=\"q\"\nB=3\nE=\nno pair\nF=a=b # kept";
        let pairs = parse(text);
        let expected = [("C", "x y"), ("D", "q"), ("B", "3"), ("E", ""), ("F", "a=b # kept")];
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(pairs, expected);
    }
}
