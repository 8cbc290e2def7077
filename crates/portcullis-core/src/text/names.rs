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

/// Whether the value of a name is secret: `password`, `SECRET_KEY`, `X-Auth-Key`, `apiKey`.
/// For environment variables, which are in capitals, also `FERNET_KEY` and similar names.
pub fn is_secret_name(name: &str) -> bool {
    const WORDS: [&str; 17] = [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "authorization",
        "apikey",
        "authkey",
        "subscriptionkey",
        "signingkey",
        "privatekey",
        "accesskey",
        "credential",
        "cookie",
        "sessionid",
        "jwt",
    ];
    const PARTS: [&str; 2] = ["pass", "passcode"];
    const LAST: [&str; 2] = ["auth", "pat"];
    const LAST_OF_VARIABLES: [&str; 6] = ["key", "signature", "salt", "pin", "sk", "dsn"];
    let is_variable = !name.contains(|c: char| c.is_ascii_lowercase());
    let is_header = name.contains('-');
    let lower = name.to_ascii_lowercase();
    let joined = lower.replace(['-', '_'], "");
    let parts: Vec<&str> = lower.split(['_', '-', '.']).collect();
    let last = parts.last().copied().unwrap_or_default();
    WORDS.iter().any(|word| joined.contains(word))
        || parts.iter().any(|part| PARTS.contains(part))
        || LAST.contains(&last)
        || is_header && last == "key" && joined != "idempotencykey"
        || is_variable && (LAST_OF_VARIABLES.contains(&last) || joined.contains("webhook"))
}

#[cfg(test)]
mod tests {
    use super::is_secret_name;

    #[test]
    fn names_of_secrets_are_recognised_in_any_spelling() {
        for name in [
            "password",
            "DB_PASS",
            "FERNET_KEY",
            "X-Auth",
            "X-Auth-Key",
            "x-api-key",
            "apiKey",
            "accessKey",
            "Ocp-Apim-Subscription-Key",
            "X-Functions-Key",
            "GITHUB_PAT",
            "github_pat",
            "STRIPE_SK",
            "SLACK_WEBHOOK",
            "SLACK_WEBHOOK_URL",
            "SENTRY_DSN",
            "PROXY_AUTH",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "sort_key",
            "primary_key",
            "Idempotency-Key",
            "author",
            "X-Author",
            "pattern",
            "path",
            "compat",
            "task_sk",
            "AUTH_USER_MODEL",
            "PATH",
            "key",
            "Accept",
            "DEBUG",
            "TASK",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
