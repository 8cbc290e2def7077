//! The text of a requirements file as pip reads it: encoding, continued lines, comments,
//! variables, and the options of a line (`pip/_internal/req/req_file.py`).

/// Decodes a file: by its byte order mark, else as UTF-8. `None` if its lines are not clear:
/// other encodings matter in comments only.
pub fn decode(bytes: &[u8]) -> Option<String> {
    let utf_16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (units, rest) = bytes.as_chunks::<2>();
        let units: Vec<u16> = units.iter().map(|pair| unit(*pair)).collect();
        rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => None,
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        _ => {
            let text = String::from_utf8_lossy(bytes);
            let has_unclear = |(_, line): (usize, String)| line.contains('\u{fffd}');
            let is_clear = !lines(&text, |_| None).into_iter().any(has_unclear);
            is_clear.then(|| text.into_owned())
        }
    }
}

/// The lines of a file with their numbers: continued lines are joined, comments and empty
/// lines are removed, and `${NAME}` is replaced if `variable` knows a value.
pub fn lines(text: &str, variable: impl Fn(&str) -> Option<String>) -> Vec<(usize, String)> {
    const BREAKS: [char; 9] =
        ['\n', '\r', '\x0b', '\x0c', '\x1c', '\x1d', '\x1e', '\u{85}', '\u{2028}'];
    let text = text.replace("\r\n", "\n");
    let (mut whole, mut open) = (Vec::new(), None::<(usize, String)>);
    for (number, line) in text.split(BREAKS).enumerate().map(|(at, line)| (at + 1, line)) {
        let is_comment = line.trim_start().starts_with('#');
        let (start, mut joined) = open.take().unwrap_or((number, String::new()));
        if line.ends_with('\\') && !is_comment {
            joined.push_str(line.trim_matches('\\'));
            open = Some((start, joined));
            continue;
        }
        // A comment in the middle ends what it continues, and is found as a comment.
        joined.push_str(if is_comment { " " } else { "" });
        joined.push_str(line);
        whole.push((start, joined));
    }
    whole.extend(open);
    let cleaned = whole.into_iter().map(|(number, line)| {
        let line = expand(without_comment(&line), &variable);
        (number, line.trim().to_owned())
    });
    cleaned.filter(|(_, line)| !line.is_empty()).collect()
}

fn without_comment(line: &str) -> &str {
    let is_start =
        |at: usize| line.get(..at).is_none_or(|b| b.is_empty() || b.ends_with(char::is_whitespace));
    let at = line.match_indices('#').map(|(at, _)| at).find(|at| is_start(*at));
    line.get(..at.unwrap_or(line.len())).unwrap_or(line).trim()
}

/// Names have capital letters, digits and `_` only; an empty value is no value.
fn expand(line: &str, variable: &impl Fn(&str) -> Option<String>) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let is_name = |name: &str| {
            let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            !name.is_empty() && name.chars().all(allowed)
        };
        let named = after.split_once('}').filter(|(name, _)| is_name(name));
        let value = named.and_then(|(name, _)| variable(name)).filter(|value| !value.is_empty());
        match (value, named) {
            (Some(value), Some((_, after))) => {
                out.push_str(&value);
                rest = after;
            }
            _ => {
                out.push_str("${");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// What a line refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A requirement: a name, a path, a URL.
    Requirement(String),
    /// `--editable`
    Editable(String),
    /// `--requirement` or `--constraint`: another file.
    Include(String),
    /// `--find-links`: a folder or a page with packages.
    FindLinks(String),
    /// `--index-url` or `--extra-index-url`: a package index.
    Index(String),
}

/// Options of a line: their names, without value or with one.
const FLAGS: [&str; 5] = ["no-index", "prefer-binary", "require-hashes", "pre", "no-deps"];
const VALUED: [&str; 17] = [
    "index-url",
    "pypi-url",
    "extra-index-url",
    "constraint",
    "requirement",
    "editable",
    "find-links",
    "no-binary",
    "only-binary",
    "trusted-host",
    "use-feature",
    "global-option",
    "install-option",
    "hash",
    "config-settings",
    "config-setting",
    "build-constraint",
];
const SHORT: [(char, &str); 6] = [
    ('i', "index-url"),
    ('c', "constraint"),
    ('r', "requirement"),
    ('e', "editable"),
    ('f', "find-links"),
    ('C', "config-settings"),
];

/// What an option refers to, if to anything.
pub fn item(option: &str, value: &str) -> Option<Item> {
    let value = value.to_owned();
    Some(match option {
        "constraint" | "requirement" | "build-constraint" => Item::Include(value),
        "editable" => Item::Editable(value),
        "find-links" => Item::FindLinks(value),
        "index-url" | "pypi-url" | "extra-index-url" => Item::Index(value),
        _ => return None,
    })
}

/// The items of a line: what stands before the first word that begins with a dash is a
/// requirement, and the rest are options in the syntax of a shell. `None` if it cannot be
/// read.
pub fn items(line: &str) -> Option<Vec<Item>> {
    let mut words = line.split(' ');
    let before: Vec<&str> = words.by_ref().take_while(|word| !word.starts_with('-')).collect();
    let requirement = before.join(" ");
    let options = line.get(requirement.len()..).unwrap_or_default();
    let mut items = Vec::new();
    if !requirement.trim().is_empty() {
        items.push(Item::Requirement(requirement.trim().to_owned()));
    }
    let mut words = words_of(options)?.into_iter();
    while let Some(word) = words.next() {
        let (name, value) = option(&word)?;
        let value = match (FLAGS.contains(&name), value) {
            (true, None) => continue,
            (true, Some(_)) => return None,
            (false, Some(value)) => value,
            (false, None) => words.next()?,
        };
        items.extend(item(name, &value));
    }
    Some(items)
}

/// Options that uv understands in a file.
const OF_UV: [&str; 11] = [
    "index-url",
    "extra-index-url",
    "no-index",
    "find-links",
    "constraint",
    "requirement",
    "editable",
    "no-binary",
    "only-binary",
    "hash",
    "require-hashes",
];

/// The first option of a line that uv does not understand, as it is written.
pub fn beyond_uv(line: &str) -> Option<String> {
    let at = if line.starts_with('-') { 0 } else { line.find(" -")? };
    let words = words_of(line.get(at..)?)?;
    let dashed = words.into_iter().filter(|word| word.starts_with('-'));
    dashed.map(|word| (option(&word).map(|(name, _)| name), word)).find_map(|(name, word)| {
        let is_known = name.is_some_and(|name| OF_UV.contains(&name));
        (!is_known).then(|| word.split('=').next().unwrap_or(&word).to_owned())
    })
}

/// The name of an option, and its value if that is in the same word. Long names can be
/// shortened as long as they are unique.
fn option(word: &str) -> Option<(&'static str, Option<String>)> {
    let Some(long) = word.strip_prefix("--") else {
        let mut letters = word.strip_prefix('-')?.chars();
        let letter = letters.next()?;
        let (_, name) = SHORT.iter().find(|(short, _)| *short == letter)?;
        let value = letters.as_str();
        return Some((name, (!value.is_empty()).then(|| value.to_owned())));
    };
    let (name, value) = match long.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (long, None),
    };
    let mut known = FLAGS.iter().chain(&VALUED);
    if let Some(exact) = known.clone().find(|known| **known == name) {
        return Some((exact, value));
    }
    let first = known.find(|known| known.starts_with(name) && !name.is_empty())?;
    let is_unique = known.all(|other| !other.starts_with(name) || other.starts_with(first));
    is_unique.then_some((*first, value))
}

/// Splits by the rules of a POSIX shell, as `shlex.split`; `None` if a quote is open.
fn words_of(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some('"'), '\\') => {
                let next = letters.next()?;
                let word = word.get_or_insert_default();
                if next != '"' && next != '\\' {
                    word.push('\\');
                }
                word.push(next);
            }
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().push(letters.next()?),
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn include(name: &str) -> Option<Vec<Item>> {
        Some(vec![Item::Include(name.to_owned())])
    }

    #[test]
    fn a_file_is_decoded_as_pip_decodes_it() {
        let utf_16 = |unit: fn(u16) -> [u8; 2]| {
            "\u{feff}-r é.txt".encode_utf16().flat_map(unit).collect::<Vec<u8>>()
        };
        for bytes in [
            "-r é.txt".as_bytes().to_vec(),
            "\u{feff}-r é.txt".as_bytes().to_vec(),
            utf_16(u16::to_le_bytes),
            utf_16(u16::to_be_bytes),
        ] {
            assert_eq!(decode(&bytes).as_deref(), Some("-r é.txt"), "{bytes:?}");
        }
        assert_eq!(
            decode(b"# caf\xe9\n-r a.txt").map(|text| lines(&text, |_| None).len()),
            Some(1)
        );
        assert_eq!(decode(b"-r caf\xe9.txt"), None);
        assert_eq!(decode(&[0xff, 0xfe, b'a']), None);
    }

    #[test]
    fn lines_are_joined_cleaned_and_expanded() {
        let text =
            "# head\r\n-r \\\r\n  base.txt # why\n\nx#y\n  -c ${PLACE}/c.txt ${lower} ${NONE}\n";
        let variable = |name: &str| (name == "PLACE").then(|| "/p".to_owned());
        let expected = [
            (2, "-r   base.txt".to_owned()),
            (5, "x#y".to_owned()),
            (6, "-c /p/c.txt ${lower} ${NONE}".to_owned()),
        ];
        assert_eq!(lines(text, variable), expected);
        assert_eq!(lines("a \\", |_| None), [(1, "a".to_owned())]);
    }

    #[test]
    fn an_included_file_is_found_in_every_spelling() {
        for line in [
            "-r base.txt",
            "-rbase.txt",
            "-r 'base.txt'",
            "--requirement base.txt",
            "--requirement=base.txt",
            "--requirement=\"base.txt\"",
            "-c base.txt",
            "-cbase.txt",
            "--constraint=base.txt",
            "--constraint   'base.txt'",
            "--constr base.txt",
            "--pre --constraint base.txt",
            "-r base.txt --no-index",
        ] {
            assert_eq!(items(line), include("base.txt"), "{line}");
        }
        assert_eq!(items("-c 'my base.txt'"), include("my base.txt"));
        assert_eq!(items("-r my\\ base.txt"), include("my base.txt"));
        let two = items("-f ./wheels -r a.txt").unwrap();
        assert_eq!(two, [Item::FindLinks("./wheels".into()), Item::Include("a.txt".into())]);
    }

    #[test]
    fn a_requirement_ends_before_its_options() {
        let of = |line| items(line).unwrap();
        assert_eq!(of("./my pkg"), [Item::Requirement("./my pkg".into())]);
        assert_eq!(of("a==1 --hash=sha256:ab"), [Item::Requirement("a==1".into())]);
        assert_eq!(of("-e './my pkg[all]'"), [Item::Editable("./my pkg[all]".into())]);
        assert_eq!(
            of("a ; python_version > '3'"),
            [Item::Requirement("a ; python_version > '3'".into())]
        );
    }

    #[test]
    fn what_uv_has_not_is_named() {
        for line in
            ["a==1 --hash=sha256:ab", "-r x.txt", "-rx.txt", "--no-index", "-e ./a-b", "a-b"]
        {
            assert_eq!(beyond_uv(line), None, "{line}");
        }
        for (line, option) in [
            ("--pre", "--pre"),
            ("--trusted-host a.example", "--trusted-host"),
            ("--trusted-host=a.example", "--trusted-host"),
            ("a --config-settings=x=y", "--config-settings"),
            ("a --global-option=\"-x\"", "--global-option"),
            ("--use-feature fast-deps", "--use-feature"),
        ] {
            assert_eq!(beyond_uv(line).as_deref(), Some(option), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for line in ["-r 'base.txt", "--unheard-of x", "-z", "--re x", "-c", "--pre=1", "--="] {
            assert_eq!(items(line), None, "{line}");
        }
    }
}
