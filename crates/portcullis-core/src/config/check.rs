//! `check` of a task: a list of checks; a single table is a list of one.

use super::reader::{Problems, Reader, note, text};
use super::renamed;
use super::tree::{Node, Value};
use crate::scenario::{Check, Condition, MAX_CHECKS, Pattern, Scalar};
use crate::units;

/// The keys of a check, of which each has one, besides its path.
const KINDS: [&str; 10] = [
    "equals",
    "min_items",
    "max_items",
    "text",
    "absent",
    "matches",
    "max_size",
    "status",
    "media_type",
    "header",
];

/// The checks of a task.
pub fn checks(section: &mut Reader<'_>, problems: &mut Problems) -> Vec<Check> {
    let path = section.path_of("check");
    let Some(node) = section.optional("check") else { return Vec::new() };
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        Value::Table(_) => std::slice::from_ref(node),
        other => {
            let message = format!(
                "{path} must be a list such as [{{ json = \"results\", min_items = 1 }}], not {}",
                other.kind()
            );
            note(problems, node.at, message);
            &[]
        }
    };
    if items.len() > MAX_CHECKS {
        note(problems, node.at, format!("{path} has more than {MAX_CHECKS} checks"));
    }
    let mut checks: Vec<Check> = Vec::new();
    for item in items {
        let Some(check) = check(item, &path, problems) else { continue };
        if checks.iter().any(|known| known.name == check.name) {
            note(problems, item.at, format!("two checks are named \"{}\"", check.name));
        }
        checks.push(check);
    }
    checks
}

fn check(node: &Node, path: &str, problems: &mut Problems) -> Option<Check> {
    let before = problems.len();
    let mut section = Reader::new(node, path, problems);
    let name = section.optional_text("name", problems);
    let is_soft = section.flag("soft", problems);
    let json = renamed::either(&mut section, renamed::JSON);
    let written: Vec<&str> =
        KINDS.into_iter().filter(|kind| section.optional(kind).is_some()).collect();
    let json = json.and_then(|(key, node)| text(node, &format!("{path}.{key}"), problems));
    let condition = match (written.as_slice(), json) {
        ([], Some(json)) => Some(Condition::Json { path: json }),
        (["equals"], json) => {
            let value = section.optional("equals").and_then(|node| scalar(node, path, problems));
            value.map(|value| Condition::Equals { path: json.unwrap_or_default(), value })
        }
        (["min_items"], json) => {
            let items = section.integer("min_items", 0..=i64::MAX, problems);
            let min_items = items.and_then(|items| u64::try_from(items).ok());
            let path = json.unwrap_or_default();
            min_items.map(|min_items| Condition::MinItems { path, min_items })
        }
        (["max_items"], json) => {
            let items = section.integer("max_items", 0..=i64::MAX, problems);
            let max_items = items.and_then(|items| u64::try_from(items).ok());
            let path = json.unwrap_or_default();
            max_items.map(|max_items| Condition::MaxItems { path, max_items })
        }
        (["status"], None) => {
            let status = section.integer("status", 100..=599, problems);
            status.and_then(|status| u16::try_from(status).ok()).map(Condition::Status)
        }
        (["media_type"], None) => {
            let media_type = sought(&mut section, "media_type", problems);
            media_type.map(|media_type| Condition::MediaType(media_type.to_ascii_lowercase()))
        }
        (["header"], None) => sought(&mut section, "header", problems)
            .map(|name| Condition::Header { name, value: None }),
        (["equals", "header"], None) => {
            let value = section.optional_text("equals", problems);
            let name = sought(&mut section, "header", problems);
            name.zip(value).map(|(name, value)| Condition::Header { name, value: Some(value) })
        }
        (["matches"], None) => pattern(&mut section, problems).map(Condition::Matches),
        (["max_size"], None) => size(&mut section, problems).map(Condition::MaxSize),
        (["text"], None) => sought(&mut section, "text", problems).map(Condition::Text),
        (["absent"], None) => sought(&mut section, "absent", problems).map(Condition::Absent),
        _ => None,
    };
    section.finish(problems);
    if condition.is_none() && problems.len() == before {
        let message = format!(
            "{path} needs one of: json, json and equals, json and min_items, json and max_items, \
             text, absent, matches, max_size, status, media_type, header, header and equals"
        );
        note(problems, node.at, message);
    }
    let condition = condition?;
    Some(Check { name: name.unwrap_or_else(|| condition.to_string()), is_soft, condition })
}

/// The text that a body must, or must not, contain.
fn sought(section: &mut Reader<'_>, key: &'static str, problems: &mut Problems) -> Option<String> {
    let (at, path) = (section.at(), section.path_of(key));
    let text = section.optional_text(key, problems)?;
    if text.is_empty() {
        note(problems, at, format!("{path} is empty: every body contains it"));
        return None;
    }
    Some(text)
}

/// A regular expression that the body must match.
fn pattern(section: &mut Reader<'_>, problems: &mut Problems) -> Option<Pattern> {
    let (at, path) = (section.at(), section.path_of("matches"));
    let written = section.optional_text("matches", problems)?;
    let why = match regex::Regex::new(&written) {
        Ok(regex) if !regex.is_match("") => return Some(Pattern(regex)),
        Ok(_) => "every body matches it, also an empty one".to_owned(),
        Err(error) => {
            let why = error.to_string();
            why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    };
    note(problems, at, format!("{path}: {why}"));
    None
}

/// A number of bytes, such as 20kB.
fn size(section: &mut Reader<'_>, problems: &mut Problems) -> Option<u64> {
    let (at, path) = (section.at(), section.path_of("max_size"));
    let written = section.optional_text("max_size", problems)?;
    match units::bytes(&written) {
        Ok(size) => Some(size as u64),
        Err(error) => {
            note(problems, at, format!("{path} = {error}"));
            None
        }
    }
}

fn scalar(node: &Node, path: &str, problems: &mut Problems) -> Option<Scalar> {
    match &node.value {
        Value::Text(text) => Some(Scalar::Text(text.clone())),
        Value::Integer(number) => Some(Scalar::Integer(*number)),
        Value::Float(number) => Some(Scalar::Float(*number)),
        Value::Bool(flag) => Some(Scalar::Bool(*flag)),
        other => {
            let message = format!(
                "{path}.equals must be a string, a number, true or false, not {}",
                other.kind()
            );
            note(problems, node.at, message);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Problem, load};
    use crate::scenario::{Check, Condition, Scalar, Step};

    fn step(keys: &str) -> Result<(Step, Vec<String>), Vec<Problem>> {
        let text = format!(
            "[load]\nhost = \"http://127.0.0.1:1\"\n[[scenario.task]]\nname = \"a\"\npath = \"/\"\n\
             {keys}\n[thresholds]\nfail = [\"p95 <= 500ms\"]"
        );
        let loaded = load(&text, None, &[])?.config;
        Ok((loaded.scenario.tasks[0].steps[0].clone(), loaded.renamed))
    }

    fn refusal(keys: &str) -> String {
        let problems = step(keys).err().unwrap_or_default();
        problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_kind_is_read_and_named() {
        let keys = r#"check = [
            { json = "results", min_items = 2 },
            { json = "results.0.id" },
            { json = "state", equals = "ok" },
            { json = "n", equals = 3, soft = true, name = "three" },
            { json = "f", equals = 1.5 },
            { equals = true },
            { text = "Welcome" },
            { absent = "Traceback" },
        ]"#;
        let (step, renamed) = step(keys).unwrap();
        assert!(renamed.is_empty() && !step.compares_shape);
        let path = |path: &str| path.to_owned();
        let equals = |at: &str, value| Condition::Equals { path: path(at), value };
        let conditions: Vec<Condition> =
            step.checks.iter().map(|check| check.condition.clone()).collect();
        let wanted = [
            Condition::MinItems { path: path("results"), min_items: 2 },
            Condition::Json { path: path("results.0.id") },
            equals("state", Scalar::Text("ok".to_owned())),
            equals("n", Scalar::Integer(3)),
            equals("f", Scalar::Float(1.5)),
            equals("", Scalar::Bool(true)),
            Condition::Text("Welcome".to_owned()),
            Condition::Absent("Traceback".to_owned()),
        ];
        assert_eq!(conditions, wanted);
        let names: Vec<&str> = step.checks.iter().map(|check| check.name.as_str()).collect();
        let named = [
            "results has at least 2 items",
            "has results.0.id",
            "state = \"ok\"",
            "three",
            "f = 1.5",
            "the body = true",
            "contains \"Welcome\"",
            "does not contain \"Traceback\"",
        ];
        assert_eq!(names, named);
        let soft: Vec<bool> = step.checks.iter().map(|check| check.is_soft).collect();
        assert_eq!(soft.iter().filter(|is_soft| **is_soft).count(), 1);
        assert!(soft[3]);
    }

    #[test]
    fn one_table_is_a_list_of_one_and_the_old_key_is_read_with_a_warning() {
        let check = |keys: &str| {
            let (step, renamed) = step(keys).unwrap();
            let [check] = <[Check; 1]>::try_from(step.checks).unwrap();
            (check.condition, renamed)
        };
        let items = |path: &str| Condition::MinItems { path: path.to_owned(), min_items: 1 };
        let (condition, renamed) = check("check = { json = \"results\", min_items = 1 }");
        assert_eq!((condition, renamed), (items("results"), Vec::new()));
        assert_eq!(check("check = { min_items = 1 }").0, items(""));
        let warning = "scenario.task.check: \"array\" is now called \"json\"".to_owned();
        for old in [
            "check = { array = \"results\", min_items = 1 }",
            "check = [{ array = \"results\", min_items = 1 }]",
            "[[scenario.task.check]]\narray = \"results\"\nmin_items = 1",
        ] {
            assert_eq!(check(old), (items("results"), vec![warning.clone()]), "{old}");
        }
    }

    #[test]
    fn shapes_are_compared_unless_a_hard_check_or_the_file_says_otherwise() {
        let compares = |keys: &str| step(keys).unwrap().0.compares_shape;
        assert!(compares("") && compares("shape = true"));
        assert!(compares("check = [{ json = \"a\", soft = true }]"));
        assert!(!compares("shape = false") && !compares("check = [{ json = \"a\" }]"));
    }

    #[test]
    fn checks_of_the_head_and_of_the_size_are_read() {
        let condition = |keys: &str| {
            step(&format!("check = {{ {keys} }}")).unwrap().0.checks[0].condition.clone()
        };
        let header = |value: Option<&str>| Condition::Header {
            name: "X-Total".to_owned(),
            value: value.map(str::to_owned),
        };
        assert_eq!(condition("status = 201"), Condition::Status(201));
        assert_eq!(condition("header = \"X-Total\""), header(None));
        assert_eq!(condition("header = \"X-Total\", equals = \"3\""), header(Some("3")));
        let json = Condition::MediaType("application/json".to_owned());
        assert_eq!(condition("media_type = \"Application/JSON\""), json);
        assert_eq!(condition("max_size = \"2kB\""), Condition::MaxSize(2_000));
        let most = Condition::MaxItems { path: "results".to_owned(), max_items: 3 };
        assert_eq!(condition("json = \"results\", max_items = 3"), most);
        let step = step("check = [{ matches = \"a+\" }, { matches = \"b\" }]").unwrap().0;
        assert!(step.checks[0].condition != step.checks[1].condition);
        assert_eq!(step.checks[0].name, "matches \"a+\"");
    }

    #[test]
    fn what_is_no_check_is_refused() {
        for (keys, said) in [
            ("check = [{ status = 99 }]", "between 100 and 599"),
            ("check = [{ matches = \"a*\" }]", "every body matches it"),
            ("check = [{ matches = \"(\" }]", "unclosed group"),
            ("check = [{ max_size = \"many\" }]", "check.max_size ="),
            ("check = [{ header = \"A\", min_items = 1 }]", "needs one of"),
            ("check = [{ status = 200, json = \"a\" }]", "needs one of"),
            ("check = 1", "must be a list such as"),
            ("check = [{}]", "needs one of"),
            ("check = [{ soft = true }]", "needs one of"),
            ("check = [{ text = \"a\", absent = \"b\" }]", "needs one of"),
            ("check = [{ json = \"a\", text = \"b\" }]", "needs one of"),
            ("check = [{ json = \"a\", equals = 1, min_items = 1 }]", "needs one of"),
            ("check = [{ text = \"\" }]", "every body contains it"),
            ("check = [{ absent = \"\" }]", "every body contains it"),
            (
                "check = [{ json = \"a\", equals = [1] }]",
                "must be a string, a number, true or false",
            ),
            ("check = [{ json = \"a\", min_items = -1 }]", "must be 0 or more"),
            ("check = [{ jsn = \"a\" }]", "unknown key \"jsn\""),
            ("check = [{ json = \"a\", array = \"b\" }]", "unknown key \"array\""),
            ("check = [{ text = \"a\" }, { text = \"a\" }]", "two checks are named"),
            ("shape = 1", "must be true or false"),
        ] {
            assert!(refusal(keys).contains(said), "{keys}: {}", refusal(keys));
        }
    }
}
