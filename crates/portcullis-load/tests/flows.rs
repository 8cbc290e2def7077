//! Tasks of several steps: rows, values that go from step to step, what is skipped, waits,
//! redirects, bodies, cookies.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the servers of the tests listen")]

#[path = "scenario/runs.rs"]
mod runs;
#[path = "scenario/web.rs"]
mod web;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portcullis_core::engine::Ended;
use portcullis_core::measure::FailureKind;
use portcullis_core::scenario::DataRows;

use runs::{plan_of, run, run_plan};
use web::{Request, Web, ok};

const CHECKOUT: &str = r#"
[[scenario.task]]
name = "checkout"
values = { item = { from = 1, to = 9 } }
[[scenario.task.step]]
name = "cart"
path = "/cart/"
json = { item = "{{ item }}" }
extract = { cart = "$.cart.id", key = { header = "X-Key" }, seen = { cookie = "seen" } }
[[scenario.task.step]]
name = "address"
path = "/cart/{{ cart }}/address/"
query = { key = "{{ key }}" }
extract = { ref = { regex = "ref=([a-z ]+)" }, nonce = { field = "nonce" } }
[[scenario.task.step]]
name = "pay"
path = "/pay/"
headers = { X-Seen = "{{ seen }}" }
json = { cart = "{{ cart }}", ref = "{{ ref }}", nonce = "{{ nonce }}", item = "{{ item }}" }
accept = [201]
"#;

fn shop(request: &Request) -> web::Answer {
    let carts = request.target.strip_prefix("/cart/");
    match (request.method.as_str(), carts) {
        ("POST", Some("")) => {
            let item: serde_json::Value = serde_json::from_str(&request.body).unwrap();
            let cart = format!("{{\"cart\": {{\"id\": {}}}}}", item["item"]);
            (200, vec!["X-Key: a&b".to_owned(), "Set-Cookie: seen=yes".to_owned()], cart)
        }
        ("GET", Some(_)) => ok("<p>ref=so long</p><input name=nonce value='n\"1'>"),
        _ => (201, Vec::new(), String::new()),
    }
}

#[test]
fn steps_have_rows_of_their_own_and_pass_on_values() {
    let web = Web::start(shop);
    let ran = run(CHECKOUT, (2, 20), &web);
    assert_eq!(ran.ended, Ended::Complete);
    let names: Vec<&str> = ran.summary.rows().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["checkout", "checkout / cart", "checkout / address", "checkout / pay"]);
    assert!(names.iter().all(|name| ran.counts(name) == (20, 0)), "{:?}", ran.summary.failures);
    assert_eq!(ran.summary.aggregate().requests, 20, "steps are in no total");
    let [whole, cart, address, pay] = ["", " / cart", " / address", " / pay"]
        .map(|step| ran.row(&format!("checkout{step}")).window.latency.mean_ms().unwrap());
    assert!((whole - cart - address - pay).abs() < 0.2 * whole, "{whole} {cart} {address} {pay}");
    assert!(ran.verdict.silent_tasks.is_empty(), "{:?}", ran.verdict.silent_tasks);
    for paid in web.of("POST /pay/") {
        let body: serde_json::Value = serde_json::from_str(&paid.body).unwrap();
        assert_eq!(body["cart"].as_str().unwrap(), body["item"].to_string());
        assert_eq!((body["ref"].as_str(), body["nonce"].as_str()), (Some("so long"), Some("n\"1")));
        assert_eq!(paid.field("x-seen"), "yes");
    }
    let asked = web.of("GET /cart/");
    assert!(asked.iter().all(|asked| asked.target.ends_with("/address/?key=a%26b")), "{asked:?}");
}

#[test]
fn a_flow_ends_at_its_first_failure_and_the_rest_is_counted_as_skipped() {
    let calls = AtomicU64::new(0);
    let web = Web::start(move |request| match request.target.contains("address") {
        true if calls.fetch_add(1, Ordering::SeqCst) % 2 == 1 => {
            (503, Vec::new(), "{\"detail\": \"no\"}".to_owned())
        }
        _ => shop(request),
    });
    let ran = run(CHECKOUT, (1, 20), &web);
    let skipped = |name: &str| ran.row(name).judged().skipped;
    assert_eq!((ran.counts("checkout"), ran.counts("checkout / cart")), ((20, 10), (20, 0)));
    assert_eq!(
        (ran.counts("checkout / address"), ran.counts("checkout / pay")),
        ((20, 10), (10, 0))
    );
    assert_eq!([skipped("checkout"), skipped("checkout / pay")], [0, 10]);
    assert!(ran.message().starts_with("address: status 503"), "{}", ran.message());
}

#[test]
fn a_missing_value_is_a_failure_or_if_it_is_optional_a_skipped_step() {
    let steps = |optional: &str| {
        format!(
            "[[scenario.task]]\nname = \"t\"\n[[scenario.task.step]]\nname = \"one\"\npath = \"/\"\n\
             extract = {{ id = {{ json = \"$.id\"{optional} }} }}\n[[scenario.task.step]]\n\
             name = \"two\"\npath = \"/{{{{ id }}}}/\"\n"
        )
    };
    let web = Web::start(|_| ok("{\"id\": null}"));
    let ran = run(&steps(""), (1, 5), &web);
    assert_eq!((ran.counts("t"), ran.counts("t / one")), ((5, 5), (5, 5)));
    assert!(ran.message().contains("no JSON path $.id"), "{}", ran.message());
    assert_eq!(ran.summary.failures[0].kind, FailureKind::Validation);
    let ran = run(&steps(", optional = true"), (1, 5), &web);
    assert_eq!((ran.counts("t"), ran.counts("t / two")), ((5, 0), (0, 0)));
    assert_eq!(ran.row("t / two").judged().skipped, 5);
    // Good answers alone do not make a step that never ran a good one.
    assert_eq!(ran.verdict.silent_tasks, ["t / two"]);
    assert_eq!(web.of("GET /").iter().filter(|one| one.target != "/").count(), 0);
}

#[test]
fn a_task_that_needs_what_the_login_did_not_give_is_never_good() {
    let web = Web::start(|_| ok("{\"access\": \"t\", \"id\": null}"));
    let login = "[scenario.login]\npath = \"/l\"\njson = {}\ntoken = \"access\"\n\
                 extract = { id = { json = \"$.id\", optional = true } }\n";
    let task = "[[scenario.task]]\nname = \"mine\"\npath = \"/users/{{ id }}/\"\n\
                [[scenario.task]]\nname = \"other\"\npath = \"/\"\n";
    let ran = run(&format!("{login}{task}"), (1, 10), &web);
    assert_eq!((ran.counts("mine"), ran.counts("other")), ((0, 0), (5, 0)));
    assert_eq!(ran.row("mine").judged().skipped, 5);
    assert_eq!(ran.verdict.silent_tasks, ["mine"]);
    let message = &ran.first[0].failure.as_ref().unwrap().message;
    assert!(message.contains("no value \"id\""), "{message}");
}

#[test]
fn a_step_that_answers_with_a_page_later_is_a_failure() {
    let calls = AtomicU64::new(0);
    let web = Web::start(move |request| match request.line().as_str() {
        "GET /two/" if calls.fetch_add(1, Ordering::SeqCst) > 0 => ok("<html>Sign in</html>"),
        _ => ok("{\"id\": 1}"),
    });
    let task = "[[scenario.task]]\nname = \"t\"\n[[scenario.task.step]]\nname = \"one\"\npath = \"/one/\"\n\
                [[scenario.task.step]]\nname = \"two\"\npath = \"/two/\"\n";
    let ran = run(task, (1, 5), &web);
    assert_eq!((ran.counts("t / one"), ran.counts("t / two")), ((5, 0), (5, 5)));
}

#[test]
fn a_rule_may_be_about_a_step() {
    let rules =
        "[thresholds]\nfail = [\"p95(checkout / pay) < 30s\", \"count(checkout / pay) >= 20\"]\n";
    let ran = run(&format!("{CHECKOUT}{rules}"), (1, 20), &Web::start(shop));
    let judged: Vec<_> =
        ran.verdict.judged.iter().map(|one| (one.judgement, one.samples)).collect();
    assert!(
        judged.iter().all(|(one, _)| *one == portcullis_core::judge::Judgement::Holds),
        "{judged:?}"
    );
}

#[test]
fn waits_between_steps_are_in_no_latency() {
    let task = "[[scenario.task]]\nname = \"t\"\n[[scenario.task.step]]\nname = \"a\"\npath = \"/\"\n\
                [[scenario.task.step]]\nname = \"b\"\npath = \"/\"\nwait = \"300ms\"\n";
    let ran = run(task, (1, 3), &Web::start(|_| ok("{}")));
    assert!(ran.summary.generator.ran.as_millis() >= 900);
    assert!(ran.row("t").window.latency.max_ms().unwrap() < 250.0);
}

#[test]
fn redirects_are_followed_when_asked_and_named_when_not() {
    let answer = |request: &Request| match request.target.as_str() {
        "/old/" => (302, vec!["Location: /older?x=1".to_owned()], String::new()),
        "/older?x=1" => (307, vec!["Location: here".to_owned()], String::new()),
        "/here" if request.method == "GET" && request.body.is_empty() => ok("{\"id\": 1}"),
        "/round/" => (301, vec!["Location: /round/".to_owned()], String::new()),
        "/away/" => (302, vec!["Location: https://example.org/login".to_owned()], String::new()),
        "/kept/" => (308, vec!["Location: /sent/".to_owned()], String::new()),
        "/sent/" => (200, Vec::new(), format!("{} {}", request.method, request.body)),
        _ => (404, Vec::new(), String::new()),
    };
    let web = Web::start(answer);
    let task = |keys: &str| format!("[[scenario.task]]\nname = \"t\"\n{keys}\n");
    let follow = run(&task("path = \"/old/\"\njson = {}\nredirects = 3"), (1, 4), &web);
    assert_eq!(follow.counts("t"), (4, 0), "{:?}", follow.summary.failures);
    let kept = run(&task("path = \"/kept/\"\nbody = \"hello\"\nredirects = 1"), (1, 4), &web);
    assert_eq!(kept.counts("t"), (4, 0), "{:?}", kept.summary.failures);
    assert!(web.of("POST /sent/").iter().all(|sent| sent.body == "hello"));
    let message = |keys: &str| run(&task(keys), (1, 4), &web).message().to_owned();
    let plain = message("path = \"/old/\"");
    assert!(plain.contains("status 302") && plain.contains("redirected to /older?x=1"), "{plain}");
    let round = message("path = \"/round/\"\nredirects = 2");
    assert!(
        round.contains("more than 2 redirects") && round.contains("/round/ → /round/"),
        "{round}"
    );
    let away = message("path = \"/away/\"\nredirects = 2");
    assert!(away.contains("another server: https://example.org/login"), "{away}");
}

#[test]
fn bodies_are_what_services_read() {
    let web = Web::start(|_| ok("{\"data\": {}}"));
    let task = |name: &str, keys: &str| format!("[[scenario.task]]\nname = \"{name}\"\n{keys}\n");
    let graphql = "path = \"/g\"\nvalues = { n = { from = 4, to = 4 } }\n\
                   graphql = { query = \"query Q($n: Int) { a(n: $n) { b } }\", operation = \"Q\", \
                   variables = { n = \"{{ n }}\" } }";
    let multipart = "path = \"/m\"\nvalues = { title = [\"a b\"] }\n\
                     multipart = { title = \"<{{ title }}>\", n = 3, file = { size = \"30B\", \
                     name = \"x.csv\", type = \"text/csv\" } }";
    let raw = "path = \"/r\"\nmethod = \"PROPFIND\"\nbody = \"<x>{{ v }}</x>\"\n\
               headers = { Content-Type = \"text/xml\" }\nvalues = { v = [\"&amp;\"] }";
    let form = "path = \"/f\"\nform = { q = \"a b&c\", n = 5 }";
    let all = [("g", graphql), ("m", multipart), ("r", raw), ("f", form)];
    let text: String = all.iter().map(|(name, keys)| task(name, keys)).collect();
    let ran = run(&text, (1, 8), &web);
    assert_eq!(ran.summary.aggregate().failures, 0);
    let sent = |line: &str| web.of(line).remove(0);
    let g: serde_json::Value = serde_json::from_str(&sent("POST /g").body).unwrap();
    assert_eq!((&g["variables"]["n"], &g["operationName"]), (&4.into(), &"Q".into()));
    assert_eq!(g["query"], "query Q($n: Int) { a(n: $n) { b } }");
    let m = sent("POST /m");
    let boundary = m.field("content-type").split_once("boundary=").unwrap().1;
    let parts: Vec<&str> = m.body.split(&format!("--{boundary}")).collect();
    assert_eq!((parts.len(), parts[4]), (5, "--\r\n"));
    assert_eq!(parts[1], "\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n<a b>\r\n");
    assert!(
        parts[3].contains("filename=\"x.csv\"\r\nContent-Type: text/csv\r\n\r\nabcdef"),
        "{}",
        parts[3]
    );
    assert_eq!(parts[3].rsplit("\r\n\r\n").next().unwrap().len(), 30 + 2);
    let r = sent("PROPFIND /r");
    assert_eq!((r.body.as_str(), r.field("content-type")), ("<x>&amp;</x>", "text/xml"));
    let f = sent("POST /f");
    assert_eq!(f.body, "q=a%20b%26c&n=5");
    assert_eq!(f.field("content-type"), "application/x-www-form-urlencoded");
}

#[test]
fn each_user_keeps_its_own_cookies() {
    let users = AtomicU64::new(0);
    let web = Web::start(move |request| match request.field("cookie") {
        // Long enough for all users to start.
        "" => {
            std::thread::sleep(Duration::from_millis(100));
            let user = users.fetch_add(1, Ordering::SeqCst);
            (200, vec![format!("Set-Cookie: u={user}; Path=/")], "{}".to_owned())
        }
        _ => ok("{}"),
    });
    let task = "[[scenario.task]]\nname = \"t\"\npath = \"/\"\n";
    run(task, (3, 300), &web);
    let mut cookies: Vec<String> =
        web.seen().iter().map(|seen| seen.field("cookie").to_owned()).collect();
    cookies.sort();
    cookies.dedup();
    // The first round is a user of its own, and made one request, without a cookie.
    assert_eq!(cookies, ["", "u=1", "u=2", "u=3"]);
    let before = web.seen().len();
    run(&format!("cookies = false\n{task}"), (3, 30), &web);
    assert!(web.seen()[before..].iter().all(|seen| seen.field("cookie").is_empty()));
}

#[test]
fn a_data_file_gives_rows_until_it_is_dry() {
    let data = |end: &str| {
        format!(
            "[scenario.data.people]\nfile = \"people.csv\"\nend = \"{end}\"\n\
             [[scenario.task]]\nname = \"t\"\npath = \"/{{{{ people.name }}}}/\"\n\
             query = {{ mail = \"{{{{ people.mail }}}}\" }}\n"
        )
    };
    let rows = DataRows::read("name,mail\na,1\nb,2\nc,3\nd,4\n", false).unwrap();
    let ran = |end: &str| {
        let web = Web::start(|_| ok("{}"));
        let (mut plan, target) = plan_of(&data(end), (1, 9), &web);
        plan.scenario.files[0].rows = rows.clone();
        let ran = run_plan(&plan, &target).unwrap();
        let lines: Vec<String> = web.seen().iter().map(Request::line).collect();
        (ran, lines)
    };
    let (wrap, lines) = ran("wrap");
    assert_eq!(wrap.counts("t"), (9, 0));
    assert_eq!(
        lines[..5],
        ["GET /a/?mail=1", "GET /b/?mail=2", "GET /c/?mail=3", "GET /d/?mail=4", "GET /a/?mail=1"]
    );
    let (fail, _) = ran("fail");
    // One row was for the first round.
    assert_eq!(fail.counts("t"), (9, 6));
    assert!(fail.message().contains("the data file \"people\" has 4 rows"), "{}", fail.message());
    let (stop, lines) = ran("stop");
    assert_eq!((stop.counts("t"), lines.len()), ((3, 0), 4));
    assert!(stop.summary.ended_early.as_ref().unwrap().contains("all were used"));
}

#[test]
fn generated_values_are_those_of_the_call() {
    let web = Web::start(|_| ok("{}"));
    let task = "[[scenario.task]]\nname = \"t\"\npath = \"/{{ id }}/{{ id }}\"\n\
                json = { n = \"{{ n }}\", at = \"{{ at }}\", who = \"{{ who }}\", text = \"{{ text }}\" }\n\
                values = { id = \"uuid\", n = \"counter\", at = \"timestamp\", who = \"user\", \
                text = { random_text = 8 } }\n";
    let ran = run(task, (2, 10), &web);
    assert_eq!(ran.counts("t"), (10, 0));
    let mut numbers = Vec::new();
    for seen in web.seen() {
        let ids: Vec<&str> = seen.target[1..].split('/').collect();
        assert!(ids[0] == ids[1] && ids[0].len() == 36, "{}", seen.target);
        let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
        numbers.push(body["n"].as_u64().unwrap());
        assert!(body["at"].as_u64().unwrap() > 1_600_000_000_000);
        assert!([1, 2].contains(&body["who"].as_u64().unwrap()));
        assert_eq!(body["text"].as_str().unwrap().len(), 8);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=11).collect::<Vec<u64>>(), "the first round counts on");
}

#[test]
fn what_a_user_received_is_in_no_message_and_no_kept_body() {
    let web = Web::start(|request| match request.target.as_str() {
        "/one/" => (
            200,
            vec!["Set-Cookie: sid=the-cookie-of-this-user; Path=/".to_owned()],
            "{\"token\": \"the-token-of-this-call\", \"id\": 7}".to_owned(),
        ),
        _ => {
            let said = format!("{} {}", request.body, request.field("cookie"));
            (500, Vec::new(), format!("no: {said}, 7"))
        }
    });
    let task = "[[scenario.task]]\nname = \"t\"\n[[scenario.task.step]]\nname = \"one\"\npath = \"/one/\"\n\
                extract = { token = \"token\", id = \"id\" }\n[[scenario.task.step]]\nname = \"two\"\n\
                path = \"/two/{{ id }}/\"\nform = { t = \"{{ token }}\" }\n";
    let ran = run(task, (1, 5), &web);
    let kept = &ran.row("t").samples.errors[0];
    let first = ran.first[0].failure.clone().unwrap();
    let all = format!("{:?} {} {kept:?} {first:?}", ran.summary.failures, ran.message());
    assert!(all.contains("***") && all.contains(", 7"), "{all}");
    for secret in ["the-token", "the-cookie", "of-this"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}
