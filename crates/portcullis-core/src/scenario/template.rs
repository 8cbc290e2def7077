//! Texts with placeholders: `/claims/{{ id }}/`.

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text that is the same in every request.
    Text(String),
    /// The value with this name.
    Value(String),
}

/// A text in which `{{ name }}` stands for a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(pub Vec<Part>);

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A placeholder does not end; the whole text.
    #[error("\"{0}\": {{{{ has no matching }}}}")]
    Unclosed(String),
    /// A placeholder has no valid name; the whole text and the name.
    #[error("\"{0}\": \"{1}\" is not a valid name for a value")]
    InvalidName(String, String),
}

impl TemplateError {
    /// The problem without the text that has it.
    pub fn without_text(&self) -> String {
        match self {
            Self::Unclosed(_) => "{{ has no matching }}".to_owned(),
            Self::InvalidName(..) => "between {{ and }} is no valid name for a value".to_owned(),
        }
    }
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// A `{{` without its `}}`, or a placeholder without a valid name.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let (before, after) = (&rest[..start], &rest[start + 2..]);
            let unclosed = || TemplateError::Unclosed(text.to_owned());
            let end = after.find("}}").ok_or_else(unclosed)?;
            let name = after[..end].trim();
            if !is_name(name) {
                return Err(TemplateError::InvalidName(text.to_owned(), name.to_owned()));
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Value(name.to_owned()));
            rest = &after[end + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// A template without placeholders.
    pub fn fixed(text: &str) -> Self {
        Self(vec![Part::Text(text.to_owned())])
    }

    /// The names of its values.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Value(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with each value replaced by the result of `value`.
    pub fn fill(&self, mut value: impl FnMut(&str) -> String) -> String {
        let fill = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Value(name) => value(name),
        };
        self.0.iter().map(fill).collect()
    }
}

/// Whether a text is a valid name of a task, a group or a value: letters, digits, `_ - .`.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_and_filled() {
        let template = Template::parse("/claims/{{ id }}/x{{y}}").unwrap();
        assert_eq!(template.names().collect::<Vec<_>>(), ["id", "y"]);
        assert_eq!(template.fill(|name| format!("<{name}>")), "/claims/<id>/x<y>");
    }

    proptest::proptest! {
        #[test]
        fn what_is_parsed_means_what_was_written(text in "([a-z/ {}]|\\{\\{ ?[a-z.-]{0,3} ?\\}\\}){0,12}") {
            if let Ok(template) = Template::parse(&text) {
                let squeezed = |text: &str| text.replace("{{ ", "{{").replace(" }}", "}}");
                let filled = template.fill(|name| format!("{{{{{name}}}}}"));
                proptest::prop_assert_eq!(squeezed(&filled), squeezed(&text));
                proptest::prop_assert!(template.names().all(is_name));
            }
        }
    }

    #[test]
    fn broken_placeholders_are_refused() {
        assert!(Template::parse("/{{ id").is_err());
        assert!(Template::parse("/{{ }}").is_err());
        assert!(Template::parse("/{{ a b }}").is_err());
        assert!(Template::parse("plain } text {").is_ok());
    }
}
