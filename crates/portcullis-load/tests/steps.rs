//! Tasks and logins of several steps: the same values in all of them, one row of
//! results, an end at the first failure.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the servers of the tests listen")]
#![allow(dead_code, reason = "the server of the engine's tests is shared")]

#[path = "engine/observer.rs"]
mod observer;
#[path = "engine/planned.rs"]
mod planned;
#[path = "engine/server.rs"]
mod server;

use std::time::Duration;

use portcullis_core::engine::Ended;
use portcullis_core::measure::FailureKind;
use portcullis_core::plan::LoadPlan;
use portcullis_core::scenario::{Part, Step, Template};
use portcullis_core::target::Target;

use observer::run_to_the_end;
use planned::planned;
use server::{ONE, Reply, Server};

/// The first task fetches `/a/{id}/`, and then `/b/{id}/`.
fn two_steps(load: &str, server: &Server) -> (LoadPlan, Target) {
    let scenario = "wait = { constant = \"0s\" }";
    let load = format!("users = 1\nduration = \"60s\"\n{load}");
    let (mut plan, target) = planned(&load, scenario, &server.url());
    let task = &mut plan.scenario.tasks[0];
    let mut second: Step = task.steps[0].clone();
    second.checks.clear();
    second.request.path = Template(vec![
        Part::Text("/b/".to_owned()),
        Part::Value("id".to_owned()),
        Part::Text("/".to_owned()),
    ]);
    task.steps.push(second);
    (plan, target)
}

#[test]
fn steps_share_their_values_and_are_measured_as_one() {
    let server = Server::start(|_, _| Reply::After(Duration::from_millis(20), ONE));
    let (plan, target) = two_steps("requests = 40", &server);
    let (summary, ended) = run_to_the_end(&plan, &target);
    assert_eq!(ended, Ended::Complete);
    let [a, b] = [&summary.tasks[0], &summary.tasks[1]];
    assert_eq!((a.method.as_str(), a.label.as_str()), ("GET → GET", "/a/{id}/ → /b/{id}/"));
    assert_eq!((a.window.requests, b.window.requests), (30, 10));
    assert!(a.window.latency.min_ms().unwrap() >= 40.0, "{:?}", a.window.latency);
    assert!(a.window.first_byte.max_ms().unwrap() < a.window.latency.max_ms().unwrap());
    assert_eq!(a.window.body_bytes, 30 * 2 * ONE.len() as u64);
    let lines: Vec<String> = server.seen().into_iter().map(|seen| seen.line).collect();
    let of_a = lines.iter().enumerate().filter(|(_, line)| line.starts_with("GET /a/"));
    for (at, line) in of_a {
        assert_eq!(lines[at + 1], line.replace("/a/", "/b/"));
    }
}

#[test]
fn a_failed_step_is_the_last_one() {
    const GONE: &[u8] = b"HTTP/1.1 410 Gone\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let server = Server::start(|number, line| match line.starts_with("GET /a/") && number > 10 {
        true => Reply::Close(GONE),
        false => Reply::After(Duration::ZERO, ONE),
    });
    let (plan, target) = two_steps("requests = 200", &server);
    let (summary, _) = run_to_the_end(&plan, &target);
    let failed = summary.tasks[0].window.failures;
    let lines = server.seen();
    let of = |path: &str| lines.iter().filter(|seen| seen.line.starts_with(path)).count() as u64;
    assert!(failed > 100, "{failed}");
    // The other task's path is /b/, too, without a number behind it.
    let second = of("GET /b/") - lines.iter().filter(|seen| seen.line == "GET /b/").count() as u64;
    assert_eq!(of("GET /a/"), second + failed);
    assert_eq!(summary.failures[0].kind, FailureKind::Status);
}

#[test]
fn a_login_of_two_steps_brings_the_token_of_that_which_extracts_it() {
    let server = Server::agreeable();
    let login = "[scenario.login]\npath = \"/login/\"\njson = { a = 1 }\ntoken = \"access\"\n\
                 authorization = \"Bearer {{ token }}\"";
    let load = "users = 2\nspawn_rate = \"1000/s\"\nduration = \"60s\"\nrequests = 20";
    let (mut plan, target) = planned(load, login, &server.url());
    let mut before: Step = plan.scenario.tasks[1].steps[0].clone();
    before.request.path = Template(vec![Part::Text("/before/".to_owned())]);
    plan.scenario.users[0].login.as_mut().unwrap().steps.insert(0, before);
    let (summary, ended) = run_to_the_end(&plan, &target);
    assert_eq!(ended, Ended::Complete);
    let login = summary.login.unwrap();
    assert_eq!((login.window.requests, login.label.as_str()), (2, "/before/ → /login/"));
    let lines: Vec<String> = server.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines[..2], ["GET /before/", "POST /login/"]);
}
