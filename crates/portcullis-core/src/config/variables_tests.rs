//! Tests of texts from the environment, and of secrets in the effective configuration.

use super::*;
use crate::scenario::Part;

const FILE: &str = r#"
    [load]
    host = "http://h"
    [scenario]
    headers = { X-Tenant-Key = { env = "PERF_KEY" } }
    [scenario.login]
    path = "/"
    json = { username = { env = "PERF_USER" }, password = { env = "PERF_PASSWORD" } }
    token = "t"
    authorization = "Bearer {{ token }}"
    [[scenario.task]]
    name = "a"
    path = "/"
    method = "POST"
    query = { key = { env = "PERF_KEY" }, api_key = "{{ tenant }}" }
    json = { config = { env = "prod" } }
    values = { tenant = [{ env = "PERF_KEY" }, "tenant-two"] }
"#;

fn environment(name: &str) -> Option<String> {
    let text = match name {
        "PERF_KEY" => "k {{ x }}",
        "PERF_USER" => "user_a",
        "PERF_PASSWORD" => "pa\"ss {{word}}",
        _ => return None,
    };
    Some(text.to_owned())
}

#[test]
fn texts_come_from_the_environment_and_are_no_templates() {
    let loaded = load_with(FILE, None, &[], Labels::OfTasks, &environment).unwrap();
    let login = &loaded.config.scenario.users[0].login.as_ref().unwrap().steps[0].request;
    let json: serde_json::Value = serde_json::from_str(
        &login.body.as_ref().unwrap().templates()[0].fill(|_| "filled".to_owned()),
    )
    .unwrap();
    assert_eq!(json["password"], "pa\"ss {{word}}");
    assert_eq!(json["username"], "user_a");
    let task = &loaded.config.scenario.tasks[0].steps[0].request;
    assert_eq!(task.query[0].1.0, [Part::Text("k {{ x }}".to_owned())]);
    let header = task.headers.iter().find(|(name, _)| name == "X-Tenant-Key").unwrap();
    assert_eq!(header.1.0, [Part::Text("k {{ x }}".to_owned())]);
    assert!(
        task.body.as_ref().unwrap().templates()[0]
            .fill(|_| String::new())
            .contains(r#"{"env":"prod"}"#)
    );
    for secret in ["user_a", "k {{ x }}", "pa\"ss {{word}}"] {
        assert!(loaded.config.from_environment.iter().any(|text| text == secret), "{secret}");
    }
}

#[test]
fn the_effective_configuration_names_variables_and_hides_drawn_secrets() {
    let loaded = load_with(FILE, None, &[], Labels::OfTasks, &environment).unwrap();
    let text = to_redacted_toml(&loaded.tree);
    assert!(text.contains(r#"password = { env = "PERF_PASSWORD" }"#), "{text}");
    assert!(text.contains(r#"values = { tenant = ["***"] }"#), "{text}");
    assert!(text.contains(r#"api_key = "***""#) && !text.contains("tenant-two"), "{text}");
    load_with(&text, None, &[], Labels::Any, &any_variable).unwrap();
}

#[test]
fn a_variable_that_is_not_set_is_a_problem_with_its_place() {
    let found = load_with(FILE, None, &[], Labels::OfTasks, &|name| {
        environment(name).map(|text| if name == "PERF_USER" { String::new() } else { text })
    });
    let found = found.unwrap_err();
    assert_eq!(found.len(), 1, "{found:?}");
    let message = found[0].show("perf.toml");
    let start = "perf.toml:8:25: scenario.login.json.username: the environment variable PERF_USER \
                 is not set";
    assert!(message.starts_with(start), "{message}");
}

#[test]
fn a_secret_is_not_quoted_in_a_problem() {
    let file = FILE.replace("{ env = \"PERF_PASSWORD\" }", "\"hunter2 {{ oops\"").replace(
        "{ env = \"PERF_KEY\" } }\n    [scenario.login]",
        "\"hunter2 {{ x\" }\n    [scenario.login]",
    );
    let found = load_with(&file, None, &[], Labels::OfTasks, &environment).unwrap_err();
    let shown: Vec<String> = found.iter().map(|problem| problem.show("perf.toml")).collect();
    assert!(shown.iter().any(|text| text.contains("{{ has no matching }}")), "{shown:?}");
    assert!(shown.iter().all(|text| !text.contains("hunter2")), "{shown:?}");
}
