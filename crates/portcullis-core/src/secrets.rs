//! The secret values of a run, and how they are removed from text.

mod forms;
mod looks;

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::scenario::{BodyTemplate, LoginHeader, Scenario, Values};
use crate::text::is_secret_name;

/// The secrets of one run.
#[derive(Clone, Default)]
pub struct Secrets {
    /// Longest first, so that a shorter secret does not leave the end of a longer one.
    values: Vec<String>,
    /// The same in alphabetical order, to find a beginning fast.
    sorted: BTreeSet<String>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({} values)", self.values.len())
    }
}

/// Shorter values cannot be distinguished from ordinary text.
const SHORTEST: usize = 4;

impl Secrets {
    /// Adds a value, also in its forms in JSON, HTML and URLs. Values below four characters are
    /// ignored.
    pub fn add(&mut self, value: &str) {
        if value.chars().count() < SHORTEST {
            return;
        }
        for form in forms::of(value) {
            if self.sorted.insert(form.clone()) {
                let at = self.values.partition_point(|known| known.len() >= form.len());
                self.values.insert(at, form);
            }
        }
    }

    /// Adds the value of a header, and the part after its scheme: `Basic` and `Bearer` may be
    /// missing where it is quoted (RFC 9110, section 11.4).
    fn add_header(&mut self, value: &str) {
        self.add(value);
        let after_scheme = value.trim_start().split_once(' ').map(|(_, rest)| rest.trim());
        after_scheme.into_iter().for_each(|rest| self.add(rest));
    }

    /// Adds the values of variables with a secret name.
    pub fn add_environment<'a>(&mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) {
        pairs.into_iter().filter(|(name, _)| is_secret_name(name)).for_each(|(_, v)| self.add(v));
    }

    /// Adds the passwords of a login, and the secret headers of all tasks.
    pub fn add_scenario(&mut self, scenario: &Scenario) {
        // A placeholder can stand for a number in JSON, so it is filled with a digit.
        let plain = |template: &crate::scenario::Template| template.fill(|_| "0".to_owned());
        for request in scenario.steps().map(|step| &step.request) {
            for (name, value) in request.headers.iter().chain(&request.query) {
                if is_secret_name(name) {
                    self.add_header(&plain(value));
                }
            }
            for (name, value) in request.body.iter().flat_map(BodyTemplate::fields) {
                if is_secret_name(name) {
                    self.add(&plain(value));
                }
            }
            let json = match &request.body {
                Some(BodyTemplate::Json(json)) => Some(plain(json)),
                _ => None,
            };
            if let Some(value) = json.and_then(|text| serde_json::from_str(&text).ok()) {
                self.add_json(&value);
            }
        }
        let header = scenario.login.as_ref().and_then(|login| login.header.as_ref());
        if let Some(line) = header.and_then(LoginHeader::fixed) {
            let value = line.split_once(": ").map_or("", |(_, value)| value.trim_end());
            self.add_header(value);
        }
        self.add_values(scenario);
    }

    /// Adds secret values, and the secret columns of data files.
    fn add_values(&mut self, scenario: &Scenario) {
        let login = scenario.login.iter().flat_map(|login| &login.values);
        let values = login.chain(scenario.tasks.iter().flat_map(|task| &task.values));
        for (name, values) in values {
            match values {
                Values::Secret(value) => self.add(value),
                Values::List(items) if is_secret_name(name) => {
                    items.iter().for_each(|item| self.add(item));
                }
                _ => {}
            }
        }
        for file in &scenario.files {
            for column in file.rows.columns.iter().filter(|name| is_secret_name(name)) {
                let values = file.rows.column(column).unwrap_or_default();
                values.into_iter().for_each(|value| self.add(value));
            }
        }
    }

    /// Adds dotted settings with a secret name.
    pub fn add_overrides(&mut self, overrides: &[(String, serde_json::Value)]) {
        for (name, value) in overrides {
            match value.as_str() {
                Some(text) if is_secret_name(name) => self.add(text),
                _ => self.add_json(value),
            }
        }
    }

    fn add_json(&mut self, value: &serde_json::Value) {
        match value {
            serde_json::Value::Object(pairs) => {
                for (name, value) in pairs {
                    match value.as_str() {
                        Some(text) if is_secret_name(name) => self.add(text),
                        _ => self.add_json(value),
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| self.add_json(item)),
            _ => {}
        }
    }

    /// The text without secrets: known values and everything that looks like one (tokens,
    /// passwords in URLs, cookies) become `***`. Beginnings of values before an ellipsis become
    /// `***` too, because a text may have been shortened.
    pub fn redact(&self, text: &str) -> String {
        let known = self.values.iter().fold(text.to_owned(), |text, value| {
            if text.contains(value.as_str()) { text.replace(value.as_str(), "***") } else { text }
        });
        self.hide_beginnings(&looks::hide(&known))
    }

    fn hide_beginnings(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut pieces = text.split(CUT).peekable();
        while let Some(piece) = pieces.next() {
            if pieces.peek().is_none() {
                out.push_str(piece);
                break;
            }
            let hidden = self.begun(piece).max(looks::begun_token(piece));
            out.push_str(&piece[..piece.len() - hidden]);
            out.push_str(if hidden > 0 { "***" } else { "" });
            out.push(CUT);
        }
        out
    }

    /// How many bytes at the end of a text are the beginning of a value. Each position of the
    /// text costs one search among the sorted values, whatever their number.
    fn begun(&self, text: &str) -> usize {
        let longest = self.values.first().map_or(0, String::len);
        let window = text.len().saturating_sub(longest);
        let last = text.char_indices().rev().nth(SHORTEST - 1).map(|(at, _)| at);
        let Some(last) = last else { return 0 };
        let places = (window..=last).filter_map(|at| text.get(at..));
        places.filter(|end| self.is_begun_by(end)).map(str::len).next().unwrap_or(0)
    }

    /// Whether any value begins with this text.
    fn is_begun_by(&self, start: &str) -> bool {
        let from = (Bound::Included(start), Bound::Unbounded);
        self.sorted.range::<str, _>(from).next().is_some_and(|value| value.starts_with(start))
    }
}

/// The end of shortened texts.
const CUT: char = '…';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_and_tokens_are_replaced() {
        let mut secrets = Secrets::default();
        secrets.add("testpass");
        secrets.add("testpass123");
        secrets.add("abc");
        let text = "password=testpass123 abc Authorization: Bearer eyJh.eyJi.c-_x, eyJ alone";
        let shown = secrets.redact(text);
        assert_eq!(shown, "password=*** abc Authorization: Bearer ***, eyJ alone");
    }

    #[test]
    fn beginnings_before_a_cut_are_replaced() {
        let mut secrets = Secrets::default();
        secrets.add("testpass123");
        let shown = secrets.redact("is testpa… or tes… or testpa, Bearer eyJhbGci…");
        assert_eq!(shown, "is ***… or tes… or testpa, Bearer ***…");
        assert_eq!(secrets.redact("testpass123…"), "***…");
    }

    #[test]
    fn other_forms_of_a_value_are_replaced() {
        let mut secrets = Secrets::default();
        secrets.add("pa\"ss/wörd");
        let shown = secrets.redact(r#"pa"ss/wörd pa\"ss/wörd pa%22ss%2Fw%C3%B6rd"#);
        assert_eq!(shown, "*** *** ***");
        let escaped = r#"pa\"ss/w\u00f6rd pa\"ss\/w\u00F6rd pa\"ss\/wörd pa%22ss%2fw%c3%b6rd"#;
        assert_eq!(secrets.redact(escaped), "*** *** *** ***");
        assert_eq!(secrets.redact("pa&quot;ss/wörd pa&#34;ss/wörd"), "*** ***");
        secrets.add("p&ss'w 😀");
        let shown = secrets.redact(r"p&amp;ss&#x27;w 😀 p&amp;ss&#39;w 😀 p&ss'w \ud83d\ude00");
        assert_eq!(shown, "*** *** ***");
        assert_eq!(secrets.redact("p%26ss%27w+%F0%9F%98%80"), "***");
    }

    #[test]
    fn credentials_are_secret_without_the_word_before_them() {
        let config = "[load]\nhost = \"http://h\"\nusers = 1\nspawn_rate = \"1/s\"\n\
                      duration = \"1s\"\n[[scenario.task]]\nname = \"a\"\npath = \"/\"\n\
                      weight = 1\nheaders = { Authorization = \"Basic dXNlcjpwYXNz\" }\n";
        let config = crate::config::load(config, None, &[]).unwrap().config;
        let plan = crate::plan::resolve(&config, crate::plan::PlanInputs::default()).unwrap();
        let mut secrets = Secrets::default();
        secrets.add_scenario(&plan.load.scenario);
        let shown = secrets.redact("got dXNlcjpwYXNz, or Basic dXNlcjpwYXNz");
        assert_eq!(shown, "got ***, or ***");
    }

    /// So many values and cuts that it would take minutes if each cut were compared with all
    /// beginnings.
    #[test]
    fn many_cuts_and_many_values_are_looked_through() {
        let mut secrets = Secrets::default();
        let token = |number: u32| format!("{number:08}{}", "tok3n".repeat(80));
        (0..2_000).for_each(|number| secrets.add(&token(number)));
        let text = "00000007tok3nto…000…x0000…".repeat(2_000);
        assert_eq!(secrets.hide_beginnings(&text), "***…000…x***…".repeat(2_000));
    }

    #[test]
    fn names_decide_what_is_secret_in_an_environment() {
        let mut secrets = Secrets::default();
        secrets.add_environment([("SECRET_KEY", "k3y-value"), ("DEBUG", "True!")]);
        assert_eq!(secrets.redact("k3y-value True!"), "*** True!");
    }
}
