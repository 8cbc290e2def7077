//! The steps of a task: one request, or `[[scenario.task.step]]` for several in a row. Also
//! which names their templates may use.

use super::super::check::checks;
use super::super::reader::{Problems, Reader, integer, list, note};
use super::super::tree::{Node, Value};
use super::bodies::{body, form};
use super::extracts::extracts;
use super::{Headers, accept, headers, merged, method, path, wait_of};
use crate::scenario::{
    DataFile, MAX_VALUES, NamedValues, RequestTemplate, Step, Template, Values, Wait, is_name,
};
use crate::text::nearest;

/// What steps of one task, or of the login, have in common.
pub struct Around<'a> {
    /// Header fields, which those of a step override.
    pub headers: &'a Headers,
    /// Values by name.
    pub values: &'a NamedValues,
    /// The names of the values that the set-up extracts.
    pub given: &'a [String],
}

/// How often a step can be made in one call.
const MOST_REPETITIONS: i64 = 1_000;

/// The most redirects that a step may follow.
const MOST_REDIRECTS: i64 = 20;

/// The request of a table, with what is expected and taken from its answer. `name` and
/// `wait` are those of a step with a row of its own.
pub fn step(section: &mut Reader<'_>, around: &Around<'_>, problems: &mut Problems) -> Step {
    let path = path(section, "path", problems);
    let query = form(section, "query", problems);
    let own = headers(section, problems);
    let body = body(section, around.values, problems);
    let usual = if body.is_some() { "POST" } else { "GET" };
    let method = method(section, usual, problems);
    let accept = accept(section, problems);
    let checks = checks(section, problems);
    let compares_shape = section.optional("shape").is_none() || section.flag("shape", problems);
    let compares_shape = compares_shape && checks.iter().all(|check| check.is_soft);
    let extract = extracts(section, problems);
    let redirects = section.optional("redirects").and_then(|node| {
        integer(node, &section.path_of("redirects"), 0..=MOST_REDIRECTS, problems)
    });
    let conditional = section.flag("conditional", problems);
    if conditional && !extract.is_empty() {
        let title = section.path_of("conditional");
        note(
            problems,
            section.at(),
            format!("{title}: an unchanged answer has nothing to extract"),
        );
    }
    let headers = merged(around.headers, own);
    Step {
        name: None,
        wait: None,
        request: RequestTemplate { method, path, query, headers, body },
        accept,
        checks,
        compares_shape,
        extract,
        redirects: redirects.and_then(|most| u8::try_from(most).ok()).unwrap_or(0),
        conditional,
        repeat: 1,
        once: false,
    }
}

/// The steps of `[[scenario.task.step]]`.
pub fn steps(section: &mut Reader<'_>, around: &Around<'_>, problems: &mut Problems) -> Vec<Step> {
    let Some(node) = section.optional("step") else { return Vec::new() };
    let mut steps: Vec<Step> = Vec::new();
    for item in list(node, "scenario.task.step", problems) {
        let mut table = Reader::new(item, "scenario.task.step", problems);
        let name = table.text("name", problems);
        if !is_name(&name) && !name.is_empty() {
            let message =
                format!("\"{name}\" is not a valid step name: use letters, digits, _ - .");
            note(problems, item.at, message);
        }
        if steps.iter().any(|other| other.name.as_deref() == Some(&name)) {
            note(problems, item.at, format!("two steps are named \"{name}\""));
        }
        let wait = pause(&mut table, problems);
        if wait.is_some() && steps.is_empty() {
            let message = "the first step has no wait of its own: use scenario.wait";
            note(problems, item.at, message);
        }
        let repeat = table.optional("repeat").and_then(|node| {
            integer(node, "scenario.task.step.repeat", 1..=MOST_REPETITIONS, problems)
        });
        let once = table.flag("once", problems);
        let step = step(&mut table, around, problems);
        table.finish(problems);
        let repeat = repeat.and_then(|times| u32::try_from(times).ok()).unwrap_or(1);
        steps.push(Step { name: Some(name), wait, repeat, once, ..step });
    }
    if steps.is_empty() {
        note(problems, node.at, "a task needs at least one step");
    }
    steps
}

/// The pause before a step: a duration, or a table as in `scenario.wait`.
fn pause(table: &mut Reader<'_>, problems: &mut Problems) -> Option<Wait> {
    match table.optional("wait").map(|node| &node.value)? {
        Value::Text(_) => table.wait("wait", problems).map(Wait::Constant),
        _ => table.table("wait", problems).map(|table| wait_of(table, problems)),
    }
}

/// The names that templates may use.
pub struct Names<'a> {
    /// Who is meant, for messages: `task "pay"`, or `the login`.
    pub owner: String,
    /// What the login extracts.
    pub login: &'a [String],
    /// What the set-up extracts.
    pub set_up: &'a [String],
    /// What users extract at their start.
    pub started: &'a [String],
    /// What other tasks of the same time may have extracted before; it may be extracted again.
    pub earlier: &'a [String],
    /// Files whose columns are values.
    pub files: &'a [DataFile],
}

/// Checks that every placeholder of steps has a value: one of `values`, a column, or what an
/// earlier step or the login extracts. Values that no template uses are removed.
pub fn check_names<'t>(
    steps: &'t [Step],
    others: impl Iterator<Item = &'t Template>,
    values: &mut NamedValues,
    names: &Names<'_>,
    node: &Node,
    problems: &mut Problems,
) {
    let before = names.login.iter().chain(names.set_up).chain(names.started).chain(names.earlier);
    let mut extracted: Vec<&str> = before.map(String::as_str).collect();
    let mut used: Vec<&str> = Vec::new();
    for step in steps {
        for name in step.request.templates().flat_map(Template::names) {
            check_name(name, &extracted, values, names, node, problems);
            used.push(name);
        }
        for extract in &step.extract {
            if values.iter().any(|(known, _)| *known == extract.name) {
                let message =
                    format!("{}: \"{}\" is extracted, and also a value", names.owner, extract.name);
                note(problems, node.at, message);
            }
            for (whose, known) in
                [("login", names.login), ("set-up", names.set_up), ("start", names.started)]
            {
                if known.contains(&extract.name) {
                    let name = &extract.name;
                    let message =
                        format!("{}: the {whose} already extracts \"{name}\"", names.owner);
                    note(problems, node.at, message);
                }
            }
            extracted.push(&extract.name);
        }
    }
    for name in others.flat_map(Template::names) {
        check_name(name, &extracted, values, names, node, problems);
        used.push(name);
    }
    values.retain(|(name, _)| used.contains(&name.as_str()));
    if values.len() > MAX_VALUES {
        let message = format!("{} uses more than {MAX_VALUES} values", names.owner);
        note(problems, node.at, message);
    }
}

fn check_name(
    name: &str,
    extracted: &[&str],
    values: &mut NamedValues,
    names: &Names<'_>,
    node: &Node,
    problems: &mut Problems,
) {
    if extracted.contains(&name) || values.iter().any(|(known, _)| known == name) {
        return;
    }
    if let Some((file, column)) = name.split_once('.')
        && let Some(index) = names.files.iter().position(|known| known.name == file)
    {
        values.push((name.to_owned(), Values::Column { file: index, column: column.to_owned() }));
        return;
    }
    let known = values.iter().map(|(known, _)| known.as_str()).chain(extracted.iter().copied());
    let near = nearest(name, known);
    note(problems, node.at, format!("{}: unknown value \"{name}\"{near}", names.owner));
}
