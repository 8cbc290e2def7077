//! Names: suggestions for a mistyped name, and whether a name belongs to a secret.

/// `; did you mean "…"?` if a similar name is known, else nothing.
pub fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    let near = names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&word.to_lowercase(), &name.to_lowercase()), name))
        .min();
    match near {
        Some((distance, name)) if distance <= 2.max(word.chars().count() / 3) => {
            format!("; did you mean \"{name}\"?")
        }
        _ => String::new(),
    }
}

/// Whether the value of a name is secret: `password`, `SECRET_KEY`, `DB_PASS`. For
/// environment variables, which are in capitals, also `FERNET_KEY` and similar names.
pub fn is_secret_name(name: &str) -> bool {
    let is_variable = !name.contains(|c: char| c.is_ascii_lowercase());
    let name = name.to_ascii_lowercase().replace('-', "_");
    const WORDS: [&str; 14] = [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "authorization",
        "api_key",
        "apikey",
        "signing_key",
        "private_key",
        "access_key",
        "credential",
        "cookie",
    ];
    const ENDS: [&str; 4] = ["_key", "_signature", "_salt", "_pin"];
    WORDS.iter().any(|word| name.contains(word))
        || name.split(['_', '.']).any(|part| part == "pass" || part == "passcode")
        || is_variable && ENDS.iter().any(|end| name.ends_with(end))
}
