//! The secret values of a run, and how they are removed from text.

mod forms;
mod known;
mod looks;
mod place;

use crate::scenario::{
    BodyTemplate, LoginHeader, Part, RequestTemplate, Scenario, Template, Values,
};
use crate::text::is_secret_name;
use known::KnownValues;
use place::Place;

/// The secrets of one run.
#[derive(Clone, Default)]
pub struct Secrets {
    known: KnownValues,
    places: Vec<Place>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({} values, {} places)", self.known.len(), self.places.len())
    }
}

/// Shorter values cannot be distinguished from ordinary text.
const SHORTEST: usize = 4;

/// Values of a list with this length are secret everywhere: shorter ones could be words.
const SHORTEST_OF_A_LIST: usize = 8;

/// The shortest value that can look like a token.
const SHORTEST_TOKEN: usize = 6;

type NamedValues = [(String, Values)];

impl Secrets {
    /// Adds a value, also in its forms in JSON, HTML and URLs, in base64 and in hexadecimal.
    /// Values below four characters are ignored.
    pub fn add(&mut self, value: &str) {
        if value.chars().count() >= SHORTEST {
            self.known.add(value);
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
        pairs.into_iter().filter(|(name, _)| is_secret_name(name)).for_each(|(name, value)| {
            self.add_field(name, &Template(vec![Part::Text(value.to_owned())]), &[]);
        });
    }

    /// Adds the values of all headers, parameters and fields of bodies with a secret name.
    pub fn add_scenario(&mut self, scenario: &Scenario) {
        for login in scenario.users.iter().filter_map(|users| users.login.as_ref()) {
            let values = &login.values;
            let refresh = login.refresh.iter().map(|refresh| &refresh.step);
            let steps = login.steps.iter().chain(refresh);
            steps.for_each(|step| self.add_request(&step.request, values));
            if let Some(header) = &login.header {
                self.add_login(header, values);
            }
        }
        for task in &scenario.tasks {
            task.steps.iter().for_each(|step| self.add_request(&step.request, &task.values));
            // A value with such a name is secret wherever it is used.
            for (name, _) in task.values.iter().filter(|(name, _)| is_secret_name(name)) {
                self.add_field(name, &Template(vec![Part::Value(name.clone())]), &task.values);
            }
        }
        self.add_columns(scenario);
    }

    /// Adds the header of a login that never changes, also in the form in which it is sent.
    fn add_login(&mut self, header: &LoginHeader, values: &NamedValues) {
        self.add_field(&header.name, &header.value, values);
        if let Some(line) = header.fixed() {
            let value = line.split_once(": ").map_or("", |(_, value)| value.trim_end());
            self.add_header(value);
            // The password alone, because `Basic` sends it in another form.
            let filled = header.value.fill(|_| String::new());
            if let Some((_, password)) = filled.split_once(':').filter(|_| header.is_basic) {
                self.add(password);
            }
        }
    }

    /// Adds the secret columns of data files.
    fn add_columns(&mut self, scenario: &Scenario) {
        for file in &scenario.files {
            for column in file.rows.columns.iter().filter(|name| is_secret_name(name)) {
                let values = file.rows.column(column).unwrap_or_default();
                values.into_iter().for_each(|value| self.add(value));
            }
        }
    }

    /// Adds dotted settings with a secret name.
    pub fn add_overrides(&mut self, overrides: &[(String, serde_json::Value)]) {
        overrides.iter().for_each(|(name, value)| self.add_json(name, value, &[]));
    }

    fn add_request(&mut self, request: &RequestTemplate, values: &NamedValues) {
        for (name, template) in request.headers.iter().chain(&request.query) {
            if is_secret_name(name) {
                self.add_field(name, template, values);
            }
        }
        let place_of = |name: &str| values.iter().position(|(known, _)| known == name);
        for (name, template) in request.body.iter().flat_map(BodyTemplate::fields) {
            if is_secret_name(name) {
                self.add_field(name, template, values);
            }
        }
        let json = match &request.body {
            Some(BodyTemplate::Json(json)) => Some(json.fill(|name| marker(place_of(name)))),
            _ => None,
        };
        if let Some(body) = json.and_then(|text| serde_json::from_str(&text).ok()) {
            self.add_json("", &body, values);
        }
    }

    /// Adds the fields with a secret name in a JSON value, which has this name itself.
    fn add_json(&mut self, name: &str, value: &serde_json::Value, values: &NamedValues) {
        use serde_json::Value;
        let text = match value {
            Value::Object(pairs) => {
                return pairs.iter().for_each(|(name, value)| self.add_json(name, value, values));
            }
            Value::Array(items) => {
                return items.iter().for_each(|item| self.add_json(name, item, values));
            }
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(_) | Value::Null => return,
        };
        if is_secret_name(name) {
            self.add_field(name, &unmarked(text, values), values);
        }
    }

    /// Adds the possible values of a field with a secret name: those that cannot be ordinary
    /// text are secret everywhere, the others after the name of the field.
    fn add_field(&mut self, name: &str, template: &Template, values: &NamedValues) {
        let mut is_found = true;
        for part in &template.0 {
            match part {
                Part::Text(text) if template.0.len() > 1 => {
                    text.split_whitespace().filter(|word| is_token(word)).for_each(|w| self.add(w));
                }
                Part::Text(text) if is_ordinary(text) => is_found = false,
                Part::Text(text) => self.add_header(text),
                Part::Value(name) => match values.iter().find(|(known, _)| known == name) {
                    Some((_, Values::List(items))) => {
                        let is_long = |item: &&String| {
                            item.chars().count() >= SHORTEST_OF_A_LIST || is_token(item)
                        };
                        items.iter().filter(is_long).for_each(|item| self.add_header(item));
                        is_found &= items.iter().all(|item| is_long(&item));
                    }
                    Some((_, Values::Range(..))) => is_found = false,
                    // Columns are added with their file; what is generated is no secret of a person.
                    Some(_) | None => {}
                },
            }
        }
        let place = (!is_found).then(|| Place::new(name, template, values));
        self.places.extend(place.filter(|place| !self.places.contains(place)));
    }

    /// The text without secrets: known values and everything that looks like one (tokens,
    /// passwords in URLs, cookies) become `***`. Beginnings of values before an ellipsis become
    /// `***` too, because a text may have been shortened.
    pub fn redact(&self, text: &str) -> String {
        let known = place::hide(self.known.hide(text), &self.places);
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
            let hidden = self.known.begun(piece).max(looks::begun_token(piece));
            out.push_str(&piece[..piece.len() - hidden]);
            out.push_str(if hidden > 0 { "***" } else { "" });
            out.push(CUT);
        }
        out
    }
}

/// The end of shortened texts.
const CUT: char = '…';

/// Whether a text is too common to be hidden everywhere: a few characters, a switch such as
/// `True`, or a short number.
fn is_ordinary(text: &str) -> bool {
    const SWITCHES: [&str; 8] = ["true", "false", "none", "null", "yes", "no", "on", "off"];
    let length = text.chars().count();
    let is_short_number = length < SHORTEST_OF_A_LIST && text.chars().all(|c| c.is_ascii_digit());
    length < SHORTEST || is_short_number || SWITCHES.contains(&text.to_ascii_lowercase().as_str())
}

/// Whether a word looks like a token: letters and digits together.
fn is_token(word: &str) -> bool {
    word.chars().count() >= SHORTEST_TOKEN
        && word.chars().any(|c| c.is_ascii_digit())
        && word.chars().any(char::is_alphabetic)
        && !word.contains(char::is_whitespace)
}

/// A number that stands for the value at this position in a JSON text, where a placeholder
/// can be a text or a number.
fn marker(place: Option<usize>) -> String {
    place.map_or_else(|| "0".to_owned(), |place| format!("8{place:016}8"))
}

/// The template of a text with markers.
fn unmarked(text: String, values: &NamedValues) -> Template {
    let mut parts = vec![Part::Text(text)];
    for (place, (name, _)) in values.iter().enumerate() {
        let marker = marker(Some(place));
        let split = |part: Part| match part {
            Part::Text(text) => {
                let texts = text.split(&marker).map(|text| Part::Text(text.to_owned()));
                let between = texts.flat_map(|text| [Part::Value(name.clone()), text]);
                between.skip(1).collect()
            }
            Part::Value(_) => vec![part],
        };
        parts = parts.into_iter().flat_map(split).collect();
    }
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    Template(parts)
}

#[cfg(test)]
mod tests;
