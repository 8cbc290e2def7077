//! Tokens that are refreshed before they end, and requests that ask only for what has changed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the servers of the tests listen")]

#[path = "scenario/runs.rs"]
mod runs;
#[path = "scenario/web.rs"]
mod web;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use portcullis_core::judge::Judgement;

use runs::run;
use web::{Web, ok};

/// A service whose tokens are good for this long; it refreshes unless it is told not to.
fn service(lifetime: Duration, refreshes: bool) -> Web {
    let tokens: Mutex<HashMap<String, Instant>> = Mutex::default();
    let made = AtomicU64::new(0);
    Web::start(move |request| {
        let give = || {
            let token = format!("token-number-{}", made.fetch_add(1, Ordering::SeqCst));
            tokens.lock().unwrap().insert(token.clone(), Instant::now() + lifetime);
            let seconds = lifetime.as_secs_f64();
            ok(&format!(
                "{{\"access\": \"{token}\", \"again\": \"again-{token}\", \"expires\": {seconds}}}"
            ))
        };
        match request.target.as_str() {
            "/login/" => give(),
            "/refresh/" if refreshes && request.body.contains("\"again-token-number-") => give(),
            "/refresh/" => (401, Vec::new(), "{\"detail\": \"no\"}".to_owned()),
            _ => {
                let token = request.field("authorization").trim_start_matches("Bearer ");
                match tokens.lock().unwrap().get(token) {
                    Some(end) if *end > Instant::now() => ok("{}"),
                    _ => (401, Vec::new(), "{\"detail\": \"expired\"}".to_owned()),
                }
            }
        }
    })
}

/// Calls are 10 ms apart.
fn scenario(lifetime: &str, keys: &str) -> String {
    format!(
        "[scenario.login]\npath = \"/login/\"\njson = {{}}\ntoken = \"access\"\n{keys}\
         extract = {{ again = \"again\" }}\nrefresh = {{ path = \"/refresh/\", json = {{ token = \
         \"{{{{ again }}}}\" }}, token = \"access\", extract = {{ again = \"again\" }}, \
         lifetime = \"{lifetime}\" }}\n\
         [[scenario.task]]\nname = \"me\"\n[[scenario.task.step]]\nname = \"one\"\npath = \"/me/\"\n\
         [[scenario.task.step]]\nname = \"two\"\npath = \"/me/\"\nwait = \"10ms\"\n\
         [thresholds]\nfail = [\"error_rate(login / refresh) <= 0%\", \"error_rate <= 0%\"]\n"
    )
}

#[test]
fn a_token_is_refreshed_before_it_ends_in_a_row_of_its_own() {
    for (lifetime, keys, users) in
        [("$.expires", "", 2), ("1s", "", 1), ("$.expires", "shared = true\n", 3)]
    {
        let web = service(Duration::from_secs(1), true);
        let ran = run(&scenario(lifetime, keys), (users, 250 * u64::from(users)), &web);
        assert_eq!(ran.counts("me").1, 0, "{lifetime} {:?}", ran.summary.failures);
        let login = ran.summary.login.as_ref().unwrap();
        let refresh = login.steps.first().unwrap();
        assert_eq!(refresh.name, "login / refresh");
        let made = refresh.judged().requests;
        assert!(made >= 2, "{lifetime} {made}");
        assert_eq!(web.of("POST /refresh/").len() as u64, made);
        let is_shared = !keys.is_empty();
        let logins = if is_shared { 1 } else { users as usize };
        assert_eq!(web.of("POST /login/").len(), logins, "{lifetime}");
        assert!(!is_shared || made <= 8, "one user refreshes for all: {made}");
        let judged: Vec<Judgement> = ran.verdict.judged.iter().map(|one| one.judgement).collect();
        assert_eq!(judged, [Judgement::Holds; 2]);
        assert!(ran.secrets.iter().any(|secret| secret == "token-number-3"), "{:?}", ran.secrets);
    }
}

#[test]
fn a_refused_refresh_is_a_failure_of_its_row_and_the_user_logs_in() {
    let web = service(Duration::from_secs(1), false);
    let ran = run(&scenario("$.expires", ""), (1, 200), &web);
    assert_eq!(ran.counts("me").1, 0, "{:?}", ran.summary.failures);
    let refresh = ran.summary.login.as_ref().unwrap().steps[0].judged();
    assert!(refresh.failures == refresh.requests && refresh.failures >= 1, "{refresh:?}");
    assert_eq!(web.of("POST /login/").len() as u64, 1 + refresh.failures);
    assert_eq!(ran.summary.failures[0].task, "login / refresh");
    assert_eq!(ran.verdict.judged[0].judgement, Judgement::Violated);
}

#[test]
fn an_unchanged_answer_is_good_and_has_no_body_to_check() {
    let web = Web::start(|request| {
        let tag = format!("\"tag-of-{}\"", request.target);
        match request.field("if-none-match") == tag {
            true => (304, Vec::new(), String::new()),
            false => (200, vec![format!("ETag: {tag}")], "{\"results\": [1]}".to_owned()),
        }
    });
    let task = "[[scenario.task]]\nname = \"a\"\npath = \"/{{ id }}/\"\nconditional = true\n\
                values = { id = { from = 1, to = 3 } }\n\
                check = { json = \"results\", min_items = 1 }\n";
    let ran = run(task, (2, 60), &web);
    assert_eq!(ran.counts("a"), (60, 0), "{:?}", ran.summary.failures);
    let row = ran.row("a").judged();
    let (whole, unchanged) = (row.answers_with(200), row.answers_with(304));
    // Each user gets each of three pages once.
    assert!((3..=6).contains(&whole) && whole + unchanged == 60, "{whole} {unchanged}");
    assert_eq!((ran.row("a").checks[0].checked, ran.row("a").checks[0].failed), (whole, 0));
    assert!(ran.verdict.silent_tasks.is_empty());
    // A service that answers 304 although nothing was asked for is not a good one.
    let web = Web::start(|_| (304, Vec::new(), String::new()));
    let ran =
        run("[[scenario.task]]\nname = \"a\"\npath = \"/\"\nconditional = true\n", (1, 4), &web);
    assert_eq!(ran.counts("a"), (4, 4));
}
