//! Tasks that are called once per user or once per run, and steps that are repeated or made
//! once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the servers of the tests listen")]

#[path = "scenario/runs.rs"]
mod runs;
#[path = "scenario/web.rs"]
mod web;

use portcullis_core::engine::Ended;
use portcullis_load::LoadError;

use runs::{plan_of, run, run_plan};
use web::{Request, Web, ok};

const TURNS: &str = r#"
[scenario.login]
path = "/login/"
json = { shop = "{{ shop }}" }
token = "token"
[[scenario.task]]
name = "close"
when = "tear_down"
path = "/shops/{{ shop }}/close/"
json = {}
[[scenario.task]]
name = "open"
when = "set_up"
path = "/shops/"
json = {}
extract = { shop = "$.shop" }
[[scenario.task]]
name = "enter"
when = "on_start"
path = "/shops/{{ shop }}/enter/"
json = {}
[[scenario.task]]
name = "leave"
when = "on_stop"
path = "/shops/{{ shop }}/leave/"
json = {}
[[scenario.task]]
name = "look"
path = "/shops/{{ shop }}/"
[thresholds]
fail = ["error_rate <= 0%", "p95(leave) < 30s", "error_rate(open) <= 0%"]
"#;

fn shops(request: &Request) -> web::Answer {
    match request.target.as_str() {
        "/login/" => ok("{\"token\": \"t\"}"),
        "/shops/" => ok("{\"shop\": \"a-shop-with-a-long-name\"}"),
        _ => ok("{}"),
    }
}

#[test]
fn each_turn_has_its_time_its_row_and_the_values_of_the_set_up() {
    let web = Web::start(shops);
    for wait in ["0s", "20ms"] {
        let before = web.seen().len();
        let waits = format!("wait = {{ constant = \"{wait}\" }}");
        let (mut plan, target) = plan_of(TURNS, (3, 30), &web);
        plan.scenario.users[0].wait = portcullis_core::scenario::Wait::Constant(if wait == "0s" {
            std::time::Duration::ZERO
        } else {
            std::time::Duration::from_millis(20)
        });
        let ran = run_plan(&plan, &target).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(ran.ended, Ended::Complete, "{waits}");
        assert!(ran.summary.failures.is_empty(), "{:?}", ran.summary.failures);
        let counts = ["open", "close", "enter", "leave", "look"].map(|name| ran.counts(name).0);
        assert_eq!(counts, [1, 1, 3, 3, 30], "{wait}");
        assert!(ran.verdict.silent_tasks.is_empty(), "{:?}", ran.verdict.silent_tasks);
        assert_eq!(ran.verdict.violations().count() + ran.verdict.without_data().count(), 0);
        // The set-up and the tear-down are in no total.
        let total = ran.summary.row(&portcullis_core::measure::Scope::Aggregate).requests;
        assert_eq!(total, 36);
        let lines: Vec<String> = web.seen().iter().skip(before).map(|one| one.line()).collect();
        let shop = "/shops/a-shop-with-a-long-name";
        assert_eq!(
            lines[..4],
            [
                "POST /shops/".to_owned(),
                "POST /login/".to_owned(),
                format!("POST {shop}/enter/"),
                format!("GET {shop}/")
            ]
        );
        assert_eq!(lines.last().unwrap(), &format!("POST {shop}/close/"));
        assert!(
            lines[lines.len() - 4..lines.len() - 1].iter().all(|line| line.ends_with("/leave/")),
            "{lines:?}"
        );
        assert!(ran.secrets.contains(&"a-shop-with-a-long-name".to_owned()));
    }
}

#[test]
fn a_set_up_that_fails_ends_the_run_and_a_tear_down_that_fails_is_not_green() {
    let web = Web::start(|request| match request.target.as_str() {
        "/shops/" => (503, Vec::new(), String::new()),
        _ => shops(request),
    });
    let (plan, target) = plan_of(TURNS, (1, 1), &web);
    match run_plan(&plan, &target) {
        Err(LoadError::SetUp(why)) => assert!(why.starts_with("open: status 503"), "{why}"),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("the set-up failed"),
    }
    assert_eq!(web.seen().len(), 1);
    let web = Web::start(|request| match request.target.ends_with("/close/") {
        true => (500, Vec::new(), String::new()),
        false => shops(request),
    });
    let ran = run(TURNS, (1, 4), &web);
    assert_eq!(ran.counts("close"), (1, 1));
    assert_eq!(ran.verdict.silent_tasks, ["close"]);
}

#[test]
fn what_a_user_calls_at_its_start_counts_in_the_rules_on_all_requests() {
    let web = Web::start(|request| match request.target.ends_with("/enter/") {
        true => (500, Vec::new(), String::new()),
        false => shops(request),
    });
    let ran = run(TURNS, (2, 10), &web);
    assert_eq!(ran.counts("enter"), (2, 2));
    assert_eq!(ran.verdict.violations().count(), 1, "{:?}", ran.verdict.judged);
}

#[test]
fn what_a_user_extracts_at_its_start_is_there_for_its_other_tasks_also_after_a_new_login() {
    let scenario = r#"
[scenario.login]
path = "/login/"
json = {}
token = "token"
renew = true
[[scenario.task]]
name = "work"
path = "/carts/{{ cart }}/"
headers = { X-Token = "{{ token }}" }
[[scenario.task]]
name = "enter"
when = "on_start"
path = "/carts/"
json = {}
extract = { cart = "id" }
"#;
    let [carts, logins, works] = [0; 3].map(std::sync::atomic::AtomicU64::new);
    let web = Web::start(move |request| {
        let next = |counter: &std::sync::atomic::AtomicU64| {
            counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst)
        };
        match request.target.as_str() {
            "/login/" => ok(&format!("{{\"token\": \"t{}\"}}", next(&logins))),
            "/carts/" => ok(&format!("{{\"id\": {}}}", next(&carts))),
            // The first token of each user ends.
            _ if ["t0", "t1"].contains(&request.field("x-token")) && next(&works) > 9 => {
                (401, Vec::new(), String::new())
            }
            _ => ok("{}"),
        }
    });
    let ran = run(scenario, (2, 40), &web);
    assert!(ran.summary.failures.is_empty(), "{:?}", ran.summary.failures);
    assert_eq!((ran.counts("enter").0, ran.counts("work").0), (2, 40));
    assert!(web.of("POST /login/").len() >= 3, "{:?}", web.of("POST /login/").len());
    let of = |cart: &str| web.of(&format!("GET /carts/{cart}/")).len();
    // Cart 0 is that of the first round, 1 and 2 are those of the users.
    assert!(of("0") == 1 && of("1") > 5 && of("2") > 5, "{} {} {}", of("0"), of("1"), of("2"));
}

#[test]
fn steps_are_repeated_and_made_once_for_each_user() {
    let scenario = r#"
[[scenario.task]]
name = "cart"
[[scenario.task.step]]
name = "open"
path = "/carts/"
json = {}
once = true
extract = { cart = "id" }
[[scenario.task.step]]
name = "add"
path = "/carts/{{ cart }}/"
json = {}
repeat = 3
wait = "1ms"
check = [{ json = "ok", soft = true }]
[[scenario.task.step]]
name = "pay"
path = "/carts/{{ cart }}/pay/"
json = {}
check = [{ json = "ok" }]
"#;
    let carts = std::sync::atomic::AtomicU64::new(1);
    let web = Web::start(move |request| match request.target.as_str() {
        "/carts/" => {
            let id = carts.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            ok(&format!("{{\"id\": {id}}}"))
        }
        target if target.ends_with("/pay/") => ok("{\"ok\": 1}"),
        _ => ok("{}"),
    });
    let ran = run(scenario, (2, 12), &web);
    assert!(ran.summary.failures.is_empty(), "{:?}", ran.summary.failures);
    assert_eq!(ran.counts("cart"), (12, 0));
    // One for the first round, and one for each user.
    assert_eq!((ran.counts("cart / open"), web.of("POST /carts/ ").len()), ((2, 0), 0));
    assert_eq!((ran.counts("cart / add"), ran.counts("cart / pay")), ((36, 0), (12, 0)));
    assert_eq!(ran.row("cart / open").judged().skipped, 0);
    let checks: Vec<(u64, u64)> =
        ran.row("cart").checks.iter().map(|check| (check.checked, check.failed)).collect();
    assert_eq!(checks, [(12, 12), (12, 0)]);
    let paid: Vec<String> = web
        .of("POST /carts/")
        .into_iter()
        .map(|one| one.target)
        .filter(|target| target.ends_with("/pay/"))
        .collect();
    assert!(
        ["/carts/2/pay/", "/carts/3/pay/"].iter().all(|cart| paid.contains(&(*cart).to_owned())),
        "{paid:?}"
    );
}
