//! Mistakes in the scenario language: each is one problem, at its place, with the right form.

use crate::config::load;
use crate::scenario::{BodyTemplate, Source};

const HEAD: &str = "[load]\nhost = \"http://127.0.0.1:8000\"\n[scenario]\n";

/// The problems of a task with these keys, after these lines of the scenario.
fn problems(before: &str, task: &str) -> Vec<String> {
    let text = format!("{HEAD}{before}\n[[scenario.task]]\nname = \"t\"\n{task}\n");
    let problems = load(&text, None, &[]).err().unwrap_or_default();
    problems.into_iter().map(|problem| problem.message).collect()
}

#[track_caller]
fn refused(before: &str, task: &str, expected: &str) {
    let found = problems(before, task);
    assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:#?}");
}

#[test]
fn each_mistake_of_a_request_is_one_problem() {
    let task = |keys: &str, expected: &str| refused("", &format!("path = \"/\"\n{keys}"), expected);
    task("json = {}\nform = {}", "a request has one body");
    task("graphql = { query = \"{ a }\", variables = [1] }", "must be a table of JSON values");
    task("graphql = { qery = \"{ a }\", query = \"b\" }", "did you mean \"query\"?");
    task("multipart = { a = { name = \"x\" } }", "needs one of: file, size");
    task("multipart = { a = { size = \"90MiB\" } }", "the maximum is 64 MiB");
    task("multipart = { a = { size = \"1KiB\", name = \"a\\\"b\" } }", "or a quote");
    task("redirects = 99", "between 0 and 20");
    task("method = \"CONNECT\"", "unknown method");
    task("method = \"get\"", "did you mean \"GET\"?");
    task("extract = { a = { optional = true } }", "needs one of: json");
    task("extract = { a = \"$[\" }", "is not a JSON path (RFC 9535)");
    task("extract = { a = { regex = \"(\" } }", "is not a regular expression");
    task("values = { a = \"uid\" }", "did you mean \"uuid\"?");
    task("values = { a = { random_text = 0 } }", "between 1");
    task("query = { a = \"{{ b }}\" }", "unknown value \"b\"");
    assert_eq!(problems("", "path = \"/\"\nmethod = \"PROPFIND\""), Vec::<String>::new());
}

#[test]
fn each_mistake_of_steps_is_one_problem() {
    let step = |name: &str, keys: &str| {
        format!("[[scenario.task.step]]\nname = \"{name}\"\npath = \"/\"\n{keys}\n")
    };
    let two = |a: &str, b: &str, expected: &str| {
        refused("", &format!("{}{}", step("a", a), step("b", b)), expected);
    };
    refused("", &format!("{0}{0}", step("a", "")), "two steps are named \"a\"");
    refused("", &step("a b", ""), "not a valid step name");
    two("wait = \"1s\"", "", "the first step has no wait");
    two("", "wait = { constant = \"1s\", pacing = \"1s\" }", "needs one of");
    two("query = { x = \"{{ id }}\" }", "extract = { id = \"id\" }", "unknown value \"id\"");
    two("extract = { id = \"id\" }", "query = { x = \"{{ idd }}\" }", "did you mean \"id\"?");
    let login = "login = { path = \"/l\", token = \"a\", extract = { id = \"id\" } }";
    refused(login, &step("a", "extract = { id = \"id\" }"), "the login already extracts \"id\"");
    let own = format!("values = {{ id = [1] }}\n{}", step("a", "extract = { id = \"id\" }"));
    refused("", &own, "is extracted, and also a value");
    assert_eq!(problems(login, &step("a", "query = { x = \"{{ id }}\" }")), Vec::<String>::new());
}

#[test]
fn each_mistake_of_a_login_or_a_data_file_is_one_problem() {
    let login = |keys: &str, expected: &str| {
        refused(&format!("login = {{ {keys} }}"), "path = \"/\"", expected);
    };
    login("type = \"sesion\", path = \"/\", token = \"a\"", "did you mean \"session\"?");
    login("type = \"session\", path = \"/\"", "missing key \"form\"");
    login("type = \"basic\", username = \"u\"", "missing key \"password\"");
    login("type = \"static\"", "missing key \"authorization\"");
    login("type = \"none\", path = \"/\"", "unknown key \"path\"");
    login("path = \"/\", token = \"$[\"", "is not a JSON path");
    login("path = \"/\", token = \"a\", authorization = \"x\"", "must contain {{ token }} once");
    let file = |keys: &str, task: &str, expected: &str| {
        refused(&format!("data = {{ people = {{ {keys} }} }}"), task, expected);
    };
    file("file = \"a.txt\"", "path = \"/\"", "must end in .csv or .jsonl");
    file(
        "file = \"a.csv\", order = \"any\"",
        "path = \"/\"",
        "expected sequential, random, per_user",
    );
    file("file = \"a.csv\", end = \"stp\"", "path = \"/\"", "did you mean \"stop\"?");
    file("file = \"a.csv\"", "path = \"/{{ peple.a }}\"", "unknown value \"peple.a\"");
}

#[test]
fn old_logins_and_tasks_are_read_as_before() {
    let text = format!(
        "{HEAD}[scenario.login]\npath = \"/l/\"\njson = {{ u = \"a\" }}\ntoken = \"access\"\n\
         authorization = \"Bearer {{{{ token }}}}\"\nshared = true\n[[scenario.task]]\n\
         name = \"t\"\npath = \"/{{{{ id }}}}/\"\nvalues = {{ id = {{ from = 1, to = 2 }} }}\n"
    );
    let scenario = load(&text, None, &[]).unwrap().config.scenario;
    let login = scenario.users[0].login.as_ref().unwrap();
    let step = &login.steps[0];
    assert_eq!((step.request.method.as_str(), login.shared, login.renew), ("POST", true, false));
    assert!(matches!(&step.request.body, Some(BodyTemplate::Json(_))));
    assert!(matches!(&step.extract[0].from, Source::Key(key) if key == "access"));
    let task = &scenario.tasks[0];
    assert_eq!((task.steps.len(), task.step_rows().count()), (1, 0));
    assert!(scenario.cookies);
}
