//! Which Python a project asks for: `project.python`, then `.python-version`, then
//! `requires-python`.

use portcullis_core::config::{PythonChoice, read_toml};
use portcullis_core::plan::ServePlan;

use super::sources::places;
use crate::project::locks::pyproject::required_python;

/// A choice, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The choice.
    pub choice: PythonChoice,
    /// Where it was found; `None` if the configuration has it, or nobody asks.
    origin: Option<String>,
    /// What else is asked for, and where.
    others: Vec<(String, PythonChoice)>,
}

/// What a project asks for.
pub fn of(plan: &ServePlan) -> Asked {
    let places = places(&plan.root, &plan.top);
    let read =
        |name: &str| places.iter().find_map(|place| std::fs::read_to_string(place.join(name)).ok());
    let file = read(".python-version").and_then(|text| PythonChoice::of_version_file(&text));
    let required = places.iter().find_map(|place| {
        let text = std::fs::read_to_string(place.join("pyproject.toml")).ok()?;
        PythonChoice::of_requirement(&required_python(&read_toml(&text)?)?)
    });
    choose(plan.python.clone(), file, required)
}

fn choose(
    configured: PythonChoice,
    file: Option<PythonChoice>,
    required: Option<PythonChoice>,
) -> Asked {
    let file = file.map(|choice| (".python-version".to_owned(), choice));
    let required = required.map(|choice| ("requires-python".to_owned(), choice));
    let mut found = file.into_iter().chain(required);
    let (choice, origin) = match configured {
        PythonChoice::Auto => match found.next() {
            Some((origin, choice)) => (choice, Some(origin)),
            None => (PythonChoice::fallback(), None),
        },
        configured => (configured, None),
    };
    Asked { choice, origin, others: found.collect() }
}

impl Asked {
    /// Where the choice comes from, to be added to a text; empty if there is nothing to say.
    pub fn shown(&self) -> String {
        self.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default()
    }

    /// What the chosen version contradicts, a sentence each.
    pub fn contradictions(&self, version: &str) -> Vec<String> {
        let mut parts = version.split('.').map(str::parse::<u32>);
        let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
            return Vec::new();
        };
        let by = self.origin.as_deref().unwrap_or("project.python");
        let is_refused = |(_, choice): &&(String, PythonChoice)| !choice.accepts((major, minor));
        let refused = self.others.iter().filter(is_refused);
        refused
            .map(|(origin, choice)| {
                format!("Python {version} is used ({by}), but {origin} asks for {choice}")
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Option<PythonChoice> {
        PythonChoice::of_requirement(text)
    }

    #[test]
    fn the_configuration_comes_first_then_the_version_file() {
        let asked = choose(PythonChoice::Auto, version("==3.12"), version(">=3.10"));
        assert_eq!(
            (asked.choice.clone(), asked.shown()),
            (version("==3.12").unwrap(), " (.python-version)".into())
        );
        assert_eq!(asked.contradictions("3.12.4"), Vec::<String>::new());
        let asked = choose(PythonChoice::Auto, None, version(">=3.10"));
        assert_eq!(asked.shown(), " (requires-python)");
        let asked = choose(PythonChoice::Auto, None, None);
        assert_eq!(
            (asked.choice.to_string().as_str(), asked.shown().as_str()),
            ("Python 3.11 or newer", "")
        );
        let asked = choose(version("==3.11").unwrap(), version("==3.12"), version(">=3.12,<4"));
        assert_eq!(asked.choice, version("==3.11").unwrap());
        let said = asked.contradictions("3.11.7");
        assert_eq!(said.len(), 2);
        assert_eq!(
            said[1],
            "Python 3.11.7 is used (project.python), but requires-python asks for Python 3.12 or newer, before 4.0"
        );
    }
}
