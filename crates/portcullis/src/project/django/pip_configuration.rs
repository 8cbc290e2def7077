//! pip's configuration in the words of uv. Whatever has no exact counterpart is a reason
//! for pip: a private index must never silently become the public one.

/// Options that change nothing of what is installed.
const HARMLESS: [&str; 17] = [
    "disable-pip-version-check",
    "no-input",
    "no-color",
    "progress-bar",
    "quiet",
    "verbose",
    "log",
    "cache-dir",
    "no-cache-dir",
    "retries",
    "require-virtualenv",
    "root-user-action",
    "break-system-packages",
    "no-python-version-warning",
    "no-warn-script-location",
    "no-warn-conflicts",
    "no-compile",
];

/// The option of pip, the variable of uv, and how several values are separated.
const COUNTERPARTS: [(&str, &str, &str); 8] = [
    ("index-url", "UV_DEFAULT_INDEX", ""),
    ("extra-index-url", "UV_INDEX", " "),
    ("find-links", "UV_FIND_LINKS", ","),
    ("no-index", "UV_NO_INDEX", ""),
    ("constraint", "UV_CONSTRAINT", " "),
    ("cert", "SSL_CERT_FILE", ""),
    ("timeout", "UV_HTTP_TIMEOUT", ""),
    ("default-timeout", "UV_HTTP_TIMEOUT", ""),
];

/// Options that say where packages come from.
const PLACES: [&str; 4] = ["index-url", "extra-index-url", "find-links", "no-index"];

/// A configuration as uv understands it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Translated {
    /// Variables for uv.
    pub variables: Vec<(&'static str, String)>,
    /// Whether it says where packages come from.
    pub has_places: bool,
    /// An option that uv has no counterpart for.
    pub beyond: Option<String>,
}

/// Translates the output of `pip config list`: `global.index-url='https://…'`, with the
/// sections `global`, `install` and `:env:`, the later ones in force.
pub fn translated(list: &str) -> Translated {
    let mut options: Vec<(&str, String)> = Vec::new();
    let mut beyond = None;
    for section in ["global", "install", ":env:"] {
        for line in list.lines() {
            let Some((key, value)) = line.split_once('=') else { continue };
            let Some((of, name)) = key.rsplit_once('.') else { continue };
            if of != section {
                continue;
            }
            let Some(value) = unquoted(value) else {
                beyond.get_or_insert(name.to_owned());
                continue;
            };
            options.retain(|(known, _)| *known != name);
            options.push((name, value));
        }
    }
    let mut translated = Translated { beyond, ..Translated::default() };
    for (name, value) in options {
        let is_off = ["", "0", "false", "no", "off"].contains(&value.to_lowercase().as_str());
        if HARMLESS.contains(&name) || is_off && name != "index-url" {
            continue;
        }
        let known = COUNTERPARTS.iter().find(|(known, ..)| *known == name);
        let Some((_, variable, separator)) = known else {
            translated.beyond.get_or_insert(name.to_owned());
            continue;
        };
        let values: Vec<&str> = value.split_whitespace().collect();
        let is_clear = match *separator {
            "" => values.len() == 1,
            separator => values.iter().all(|value| !value.contains(separator)),
        };
        if !is_clear {
            translated.beyond.get_or_insert(name.to_owned());
        }
        let value = if name == "no-index" { "1".to_owned() } else { values.join(separator) };
        translated.has_places |= PLACES.contains(&name);
        translated.variables.push((variable, value));
    }
    translated
}

/// The text of a literal of Python, as `repr` writes it; `None` if it is not a text.
fn unquoted(literal: &str) -> Option<String> {
    let literal = literal.trim();
    let quote = literal.chars().next().filter(|c| ['\'', '"'].contains(c))?;
    let inner = literal.get(1..)?.strip_suffix(quote)?;
    let (mut text, mut letters) = (String::new(), inner.chars());
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        match letters.next()? {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            same @ ('\\' | '\'' | '"') => text.push(same),
            _ => return None,
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pip_is_told_is_told_to_uv() {
        let list = ":env:.cert='/ca.crt'\n:env:.default-timeout='180'\n\
             :env:.disable-pip-version-check='1'\n:env:.find-links='/opt/wheels\\n/more'\n\
             global.index-url='https://old.example/simple'\ninstall.no-index='false'\n\
             :env:.index-url='https://token@private.example/simple'\nglobal.no-index='yes'\n\
             global.extra-index-url='\\nhttps://a.example\\nhttps://b.example'\n\
             download.pre='1'\nglobal.trusted-host=''\n";
        let found = translated(list);
        assert_eq!(found.beyond, None);
        assert!(found.has_places);
        let mut variables = found.variables;
        variables.sort_unstable();
        let expected = [
            ("SSL_CERT_FILE", "/ca.crt"),
            ("UV_DEFAULT_INDEX", "https://token@private.example/simple"),
            ("UV_FIND_LINKS", "/opt/wheels,/more"),
            ("UV_HTTP_TIMEOUT", "180"),
            ("UV_INDEX", "https://a.example https://b.example"),
        ];
        assert_eq!(variables, expected.map(|(name, value)| (name, value.to_owned())));
        assert!(!translated("global.timeout='9'\n").has_places);
    }

    #[test]
    fn what_has_no_counterpart_is_named() {
        for (list, option) in [
            ("global.trusted-host='a.example'", "trusted-host"),
            ("install.pre='true'", "pre"),
            (":env:.only-binary=':all:'", "only-binary"),
            ("global.find-links='/with,comma'", "find-links"),
            ("global.cert='/with blank'", "cert"),
            ("global.index-url='\\x41'", "index-url"),
            ("global.keyring-provider='subprocess'", "keyring-provider"),
        ] {
            assert_eq!(translated(list).beyond.as_deref(), Some(option), "{list}");
        }
        assert_eq!(translated(""), Translated::default());
    }
}
