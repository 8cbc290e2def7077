//! The scenario language against a real Django service: every example of its page, and the
//! verdict on what goes wrong.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::green::TASKS;
use crate::harness::{HANG, Outcome, Project, development_bin, root};

/// `fixtures/scenario/site.py`, served from a folder of its own.
struct Site {
    folder: TempDir,
    server: Child,
    url: String,
}

impl Site {
    /// Starts it; a token is good for this long.
    fn start(bin: &Path, token_seconds: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Command::new(bin.join("python"))
            .arg(root().join("fixtures/scenario/site.py"))
            .arg(folder.path())
            .arg(port.to_string())
            .env("TOKEN_SECONDS", token_seconds)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < HANG, "the site does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { folder, server, url: format!("http://127.0.0.1:{port}") }
    }

    /// Runs a scenario; each of two users makes some requests, and none may fail.
    fn run(&self, scenario: &str, load: &str) -> Outcome {
        let (rules, scenario) = match scenario.split_once("[thresholds]\n") {
            Some((scenario, rules)) => (rules.to_owned(), scenario),
            None => ("fail = [\"error_rate <= 0%\"]\n".to_owned(), scenario),
        };
        let head = if scenario.contains("[scenario]\n") { "" } else { "[scenario]\n" };
        let wait = "wait = { constant = \"30ms\" }\n";
        let scenario = match head {
            "" => scenario.replacen("[scenario]\n", &format!("[scenario]\n{wait}"), 1),
            _ => format!("{head}{wait}{scenario}"),
        };
        let config = format!(
            "[load]\nhost = \"{}\"\nusers = 2\nspawn_rate = \"100/s\"\n{load}\n\
             {scenario}\n[thresholds]\n{rules}",
            self.url
        );
        let project = Project::of(config);
        let people = "name,password\nuser_a,testpass123\nuser_b,testpass123\n";
        std::fs::write(project.folder().join("project/people.csv"), people).unwrap();
        project.run(&[])
    }
}

impl Site {
    /// Every token, session and key that it gave.
    fn issued(&self) -> Vec<String> {
        let file = self.folder.path().join("issued.txt");
        let issued = std::fs::read_to_string(file).unwrap_or_default();
        issued.lines().map(str::to_owned).collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The examples of the page that are to be run.
fn examples() -> Vec<String> {
    let page: PathBuf = root().join("docs/reference/scenario.md");
    let text = std::fs::read_to_string(page).unwrap();
    let blocks = text.split("```toml run\n").skip(1);
    blocks.map(|block| block.split_once("```").unwrap().0.to_owned()).collect()
}

#[test]
fn every_example_of_the_scenario_page_runs_and_passes() {
    let Some(bin) = development_bin("scenario examples") else { return };
    let site = Site::start(&bin, "3600");
    let examples = examples();
    assert!(examples.len() >= 12, "{}", examples.len());
    for example in examples {
        let outcome = site.run(&example, "duration = \"60s\"\nrequests = 24");
        assert_eq!(outcome.code, Some(0), "{example}\n{}", outcome.text);
        for (name, text) in outcome.files() {
            assert!(!text.contains("testpass123"), "{name} of\n{example}");
            assert!(!text.contains("key-of-the-test-service"), "{name} of\n{example}");
            let issued = site.issued();
            let shown = issued.iter().find(|secret| text.contains(secret.as_str()));
            assert!(shown.is_none(), "{shown:?} in {name} of\n{example}");
        }
    }
}

const CHECKOUT: &str = r#"
[scenario.login]
type = "session"
path = "/accounts/login/"
form = { login = "user_a@example.org", password = "testpass123" }
[[scenario.task]]
name = "checkout"
[[scenario.task.step]]
name = "order"
method = "POST"
path = "/orders/"
accept = [201]
extract = { id = "order.id", key = "$.order.token" }
[[scenario.task.step]]
name = "pay"
method = "POST"
path = "/orders/{{ id }}/pay/"
headers = { X-Order-Token = "{{ key }}" }
"#;

#[test]
fn what_goes_wrong_is_red_and_says_why() {
    let Some(bin) = development_bin("scenario verdicts") else { return };
    let site = Site::start(&bin, "3600");
    let task = |keys: &str| format!("[[scenario.task]]\nname = \"t\"\n{keys}\n");
    let requests = "duration = \"60s\"\nrequests = 12";
    // A login form that comes again.
    let wrong = CHECKOUT.replace("testpass123", "another-password");
    let outcome = site.run(&wrong, requests);
    outcome
        .expect(5, &["status 200", "/accounts/login/", "password you specified are not correct"]);
    assert!(!outcome.text.contains("another-password"), "{}", outcome.text);
    // A token against forged requests that is not sent.
    let unsafe_form =
        CHECKOUT.replace("form = {", "csrf_field = \"other\"\ncsrf_header = \"X-Other\"\nform = {");
    site.run(&unsafe_form, requests).expect(5, &["status 403", "Forbidden"]);
    // A redirect to the login page.
    let outcome = site.run(&task("path = \"/orders/\""), requests);
    outcome.expect(1, &["redirected to /accounts/login/?next=/orders/"]);
    // An error of GraphQL with 200.
    let query = "path = \"/graphql/\"\nvalues = { id = [9] }\ncheck = { absent = \"errors\" }\n\
                 graphql = { query = \"{ claim }\", variables = { id = \"{{ id }}\" } }";
    let outcome =
        site.run(&task(&query.replace("id = [9]", "id = { from = 9, to = 9 }")), requests);
    assert!([1, 5].contains(&outcome.code.unwrap()), "{}", outcome.text);
    assert!(outcome.text.contains("\"errors\""), "{}", outcome.text);
    // A step that needs what an earlier one did not give: it never ran, which is not green.
    let skipped =
        CHECKOUT.replace("key = \"$.order.token\"", "key = { json = \"$.no\", optional = true }");
    let outcome = site.run(&skipped, requests);
    assert_ne!(outcome.code, Some(0), "{}", outcome.text);
    assert!(outcome.text.contains("checkout / pay"), "{}", outcome.text);
}

#[test]
fn a_token_of_three_seconds_is_renewed_in_a_longer_run() {
    let Some(bin) = development_bin("scenario tokens") else { return };
    let site = Site::start(&bin, "1.5");
    let login = "[scenario.login]\npath = \"/token/\"\ntoken = \"data.access\"\n\
                 json = { username = \"user_a\", password = \"testpass123\" }\n";
    let task = "[[scenario.task]]\nname = \"me\"\npath = \"/me/\"\n";
    let load = "duration = \"5s\"";
    let run = |keys: &str| site.run(&format!("{login}{keys}{task}"), load);
    let slow =
        |outcome: &Outcome| outcome.results()["summary"]["login"]["requests"].as_u64().unwrap();
    let renewed = run("renew = true\n");
    renewed.expect(0, &["PASSED"]);
    assert!(slow(&renewed) >= 4, "{}", renewed.text);
    run("").expect(1, &["401"]);
    let refresh = "extract = { again = \"refresh_token\" }\n\
                   refresh = { path = \"/refresh/\", json = { refresh = \"{{ again }}\" }, \
                   token = \"data.access\", lifetime = \"$.expires_in\" }\n";
    let site = Site::start(&bin, "4");
    let refreshed = site.run(&format!("{login}{refresh}{task}"), load);
    refreshed.expect(0, &["PASSED"]);
    let login = &refreshed.results()["summary"]["login"];
    assert_eq!(login["requests"].as_u64(), Some(2), "{login}");
    assert!(login["steps"][0]["requests"].as_u64().unwrap() >= 2, "{login}");
    assert_eq!(login["steps"][0]["failures"].as_u64(), Some(0), "{login}");
    for (name, text) in refreshed.files() {
        let shown = site.issued().into_iter().find(|secret| text.contains(secret.as_str()));
        assert!(shown.is_none(), "{shown:?} in {name}");
    }
}

#[test]
fn the_suite_of_ten_tasks_runs_under_load_with_ten_rows_and_no_other() {
    let suite = root().join("fixtures/upstream/perf/later-suite.toml");
    let text = std::fs::read_to_string(suite).unwrap();
    // Beside the bundled configuration, not in the service: its paths follow.
    let text = text
        .replace("root = \"..\"", "root = \"fixtures/upstream\"")
        .replace("\"../", "\"fixtures/upstream/")
        .replace("\"seed_user_a.py\"", "\"fixtures/upstream/perf/seed_user_a.py\"")
        .replace("duration = \"60s\"", "duration = \"6s\"")
        .replace("spawn_rate = \"1/s\"", "spawn_rate = \"10/s\"")
        .replace(
            "[scenario.values]",
            "[scenario]\nwait = { min = \"100ms\", max = \"300ms\" }\n[scenario.values]",
        )
        .replace("fail = [\"p95 <= 500ms\", \"error_rate <= 5%\",", "fail = [\"error_rate <= 0%\",")
        .replace("500ms per task", "30s per task")
        .replace("200ms per task", "30s per task");
    let text = format!("{text}\n[server]\nport = \"auto\"\n");
    let project = Project::of(text).with_service(&root().join("fixtures/upstream"));
    let outcome = project.run(&[]);
    outcome.expect(0, &["PASSED"]);
    let results = outcome.results();
    let tasks = results["summary"]["tasks"].as_array().unwrap();
    let names: Vec<&str> = tasks.iter().map(|task| task["name"].as_str().unwrap()).collect();
    assert_eq!(names, TASKS);
    assert!(tasks.iter().all(|task| task["requests"].as_u64().unwrap() > 0), "{tasks:?}");
    let stats = &outcome.files()["perf_results_stats.csv"];
    // The ten tasks, the login and the aggregate, below the header.
    assert_eq!(stats.lines().count(), 13, "{stats}");
}

#[test]
fn no_secret_of_a_scenario_is_in_an_artifact() {
    let Some(bin) = development_bin("scenario secrets") else { return };
    let site = Site::start(&bin, "3600");
    // The wrong key is sent and comes back in no text; cookies and tokens neither.
    let scenario = CHECKOUT.replace("\"/orders/{{ id }}/pay/\"", "\"/orders/999/pay/\"");
    let outcome = site.run(&scenario, "duration = \"60s\"\nrequests = 12");
    outcome.expect(1, &["wrong token for this order"]);
    let issued = site.issued();
    assert!(issued.len() > 12, "{issued:?}");
    for (name, text) in outcome.files().iter().chain([(&"output".to_owned(), &outcome.text)]) {
        for secret in issued.iter().map(String::as_str).chain(["testpass123"]) {
            assert!(!text.contains(secret), "{secret} in {name}");
        }
    }
}
