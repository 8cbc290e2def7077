//! Each kind of login, against a server that knows who is asking.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the servers of the tests listen")]

#[path = "scenario/runs.rs"]
mod runs;
#[path = "scenario/web.rs"]
mod web;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use portcullis_core::engine::Ended;

use runs::{refused, run};
use web::{Answer, Request, Web, ok};

const TASK: &str = "[[scenario.task]]\nname = \"me\"\npath = \"/me/\"\n";
const POST: &str = "[[scenario.task]]\nname = \"order\"\nmethod = \"POST\"\npath = \"/orders/\"\n";

/// A server on which `/me/` needs a header; everything else is answered by `login`.
fn guarded(
    header: &'static str,
    value: &'static str,
    login: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> Web {
    Web::start(move |request| match request.target.as_str() {
        "/me/" if request.field(header) == value => ok("{\"results\": [1]}"),
        "/me/" => (401, Vec::new(), "{\"detail\": \"who are you?\"}".to_owned()),
        _ => login(request),
    })
}

/// Runs a login of two users, who must both be let in.
fn lets_in(login: &str, web: &Web) {
    let ran = run(&format!("{login}\n{TASK}"), (2, 10), web);
    assert_eq!((ran.ended.clone(), ran.counts("me")), (Ended::Complete, (10, 0)));
}

#[test]
fn a_token_in_a_nested_answer_is_sent_with_the_scheme_of_the_service() {
    let answer = |_: &Request| ok("{\"data\": {\"auth\": [{\"key\": \"abc\"}]}}");
    let web = guarded("authorization", "Token abc", answer);
    let login = "[scenario.login]\npath = \"/login/\"\njson = { u = 1 }\n\
                 token = \"$.data.auth[0].key\"\nauthorization = \"Token {{ token }}\"";
    lets_in(login, &web);
    assert_eq!(web.of("POST /login/").len(), 2, "one for each user");
    lets_in(&format!("{login}\nshared = true"), &web);
    assert_eq!(web.of("POST /login/").len(), 3, "one for all");
}

#[test]
fn a_form_brings_a_token_as_oauth2_has_it() {
    let web = guarded("authorization", "Bearer t0", |request| {
        let form = "grant_type=password&username=a%40b.c&password=p%26p";
        let is_form = request.field("content-type") == "application/x-www-form-urlencoded";
        match is_form && request.body == form {
            true => ok("{\"access_token\": \"t0\", \"token_type\": \"bearer\"}"),
            false => (400, Vec::new(), request.body.clone()),
        }
    });
    lets_in(
        "[scenario.login]\npath = \"/token\"\ntoken = \"access_token\"\n\
         form = { grant_type = \"password\", username = \"a@b.c\", password = \"p&p\" }",
        &web,
    );
}

#[test]
fn logins_without_a_request_are_a_header() {
    let nobody = |_: &Request| (404, Vec::new(), String::new());
    let web = guarded("authorization", "Basic dXNlcjI6cMOkc3M=", nobody);
    let basic = "[scenario.login]\ntype = \"basic\"\nusername = \"user{{ n }}\"\npassword = \"päss\"\n\
                 values = { n = [2] }";
    lets_in(basic, &web);
    let web = guarded("authorization", "Token fixed", nobody);
    lets_in("[scenario.login]\ntype = \"static\"\nauthorization = \"Token fixed\"", &web);
    let web = guarded("x-key", "k", nobody);
    lets_in("[scenario.login]\ntype = \"static\"\napi_key = \"k\"\nheader = \"X-Key\"", &web);
    let web = guarded("authorization", "", nobody);
    lets_in("[scenario.login]\ntype = \"none\"", &web);
    let ran = run(&format!("[scenario.login]\ntype = \"none\"\n{TASK}"), (1, 2), &web);
    assert!(ran.summary.login.is_none());
}

/// A site with forms: a page with a token, the form, and orders that need both.
fn site(page: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Web {
    Web::start(move |request| {
        let cookie = request.field("cookie").to_owned();
        match request.line().as_str() {
            "POST /orders/" => {
                let is_in = cookie.contains("sessionid=s1") && request.field("x-csrftoken") == "c2";
                let is_referred = request.field("referer").starts_with("http://127.0.0.1:");
                let status = if is_in && is_referred { 200 } else { 403 };
                (status, Vec::new(), format!("{{\"cookie\": \"{cookie}\"}}"))
            }
            _ => page(request),
        }
    })
}

const FORM: &str = "<form><input type=hidden name=csrfmiddlewaretoken value='f1'>\
                    <input name=username><input type=password name=password></form>";

fn form(request: &Request) -> Answer {
    let set = |cookie: &str| format!("Set-Cookie: {cookie}; Path=/");
    match request.method.as_str() {
        "GET" => (200, vec![set("csrftoken=c1")], FORM.to_owned()),
        _ => {
            let is_good = request.body == "csrfmiddlewaretoken=f1&username=u&password=right"
                && request.field("cookie") == "csrftoken=c1";
            match is_good {
                true => {
                    let fields =
                        vec![set("csrftoken=c2"), set("sessionid=s1"), "Location: /".to_owned()];
                    (302, fields, String::new())
                }
                false if request.field("cookie").is_empty() => {
                    (403, Vec::new(), "<h1>Forbidden</h1><p>CSRF failed.</p>".to_owned())
                }
                false => {
                    (200, Vec::new(), format!("<ul class=errorlist><li>Wrong password.</ul>{FORM}"))
                }
            }
        }
    }
}

const SESSION: &str = "[scenario.login]\ntype = \"session\"\npath = \"/login/\"\n\
                       form = { username = \"u\", password = \"right\" }\n";

#[test]
fn a_session_is_opened_as_a_browser_opens_it() {
    let web = site(form);
    let ran = run(&format!("{SESSION}{POST}"), (3, 30), &web);
    assert_eq!((ran.ended.clone(), ran.counts("order")), (Ended::Complete, (30, 0)));
    assert_eq!(ran.summary.login.as_ref().unwrap().window.requests, 3);
    assert_eq!(web.of("POST /login/").len(), 3);
    let shared = run(&format!("{SESSION}shared = true\n{POST}"), (3, 30), &web);
    assert_eq!(shared.counts("order"), (30, 0));
    assert_eq!(web.of("POST /login/").len(), 4);
}

#[test]
fn a_login_that_failed_says_where_and_what_the_page_says() {
    let wrong = SESSION.replace("right", "wrong");
    let said = refused(&format!("{wrong}{POST}"), &site(form));
    assert!(said.contains("status 200") && said.contains("/login/"), "{said}");
    assert!(said.contains("Wrong password."), "{said}");
    // Accepted by its status, it is still the form.
    let said = refused(&format!("{wrong}accept = [200, 302]\n{POST}"), &site(form));
    assert!(said.contains("the form again") && said.contains("Wrong password."), "{said}");
    let said = refused(&format!("cookies = false\n{SESSION}{POST}"), &site(form));
    assert!(said.contains("403") && said.contains("CSRF failed."), "{said}");
    let empty = |request: &Request| match request.method.as_str() {
        "GET" => ok(FORM),
        _ => (302, vec!["Location: /".to_owned()], String::new()),
    };
    let said = refused(&format!("{SESSION}{POST}"), &site(empty));
    assert!(said.contains("no new cookie for a session"), "{said}");
    let named = SESSION.replace("form =", "cookie = \"sid\"\nform =");
    let said = refused(&format!("{named}{POST}"), &site(empty));
    assert!(said.contains("no cookie sid"), "{said}");
    // An anonymous session is none: its cookie was there before.
    let back = |request: &Request| match request.method.as_str() {
        "GET" => (200, vec!["Set-Cookie: sessionid=anonymous".to_owned()], FORM.to_owned()),
        _ => (302, vec!["Location: /home/".to_owned()], String::new()),
    };
    let said = refused(&format!("{SESSION}{POST}"), &site(back));
    assert!(said.contains("no new cookie for a session"), "{said}");
    let back = |request: &Request| match request.method.as_str() {
        "GET" => ok(FORM),
        _ => (
            302,
            vec!["Set-Cookie: s=1".to_owned(), "Location: ?error=1".to_owned()],
            String::new(),
        ),
    };
    let said = refused(&format!("{SESSION}{POST}"), &site(back));
    assert!(said.contains("back to the form"), "{said}");
    let elsewhere = |_: &Request| (301, vec!["Location: /new/".to_owned()], String::new());
    let said = refused(&format!("{SESSION}{POST}"), &site(elsewhere));
    assert!(said.contains("redirected to /new/"), "{said}");
}

/// A server whose tokens are good for a while.
fn expiring(lifetime: Duration) -> Web {
    let tokens = Mutex::new((0, Instant::now()));
    Web::start(move |request| match request.target.as_str() {
        "/login/" => {
            let mut tokens = tokens.lock().unwrap();
            *tokens = (tokens.0 + 1, Instant::now());
            ok(&format!("{{\"access\": \"token-{}\"}}", tokens.0))
        }
        _ => {
            std::thread::sleep(Duration::from_millis(10));
            let (number, issued) = *tokens.lock().unwrap();
            let own = format!("Bearer token-{number}");
            match request.field("authorization") == own && issued.elapsed() < lifetime {
                true => ok("{\"results\": [1]}"),
                false => (401, Vec::new(), "{\"detail\": \"expired\"}".to_owned()),
            }
        }
    })
}

const TOKEN: &str = "[scenario.login]\npath = \"/login/\"\njson = {}\ntoken = \"access\"\n";

#[test]
fn an_expired_token_is_renewed_if_the_scenario_says_so() {
    let lifetime = Duration::from_millis(300);
    for shared in ["", "shared = true\n"] {
        let (web, users) = (expiring(lifetime), if shared.is_empty() { 1 } else { 3 });
        let ran = run(
            &format!("{TOKEN}renew = true\n{shared}{TASK}"),
            (users, 90 * u64::from(users)),
            &web,
        );
        assert_eq!(ran.counts("me").1, 0, "{shared}{:?}", ran.summary.failures);
        let logins = ran.summary.login.as_ref().unwrap().window.requests;
        assert!((3..=9).contains(&logins), "{shared}{logins}");
        assert!(ran.secrets.iter().any(|secret| secret == "token-3"), "{:?}", ran.secrets);
    }
    let ran = run(&format!("{TOKEN}{TASK}"), (1, 90), &expiring(lifetime));
    assert!(ran.counts("me").1 > 30, "{:?}", ran.counts("me"));
}

#[test]
fn a_service_that_refuses_every_token_is_not_asked_for_another_one_each_time() {
    let web = expiring(Duration::ZERO);
    let ran = run(&format!("{TOKEN}renew = true\n{TASK}"), (1, 20), &web);
    assert_eq!(ran.counts("me"), (20, 20));
    assert_eq!(web.of("POST /login/").len(), 2);
}

#[test]
fn what_a_login_gave_is_told_as_a_secret() {
    let ran = run(&format!("{SESSION}{POST}"), (1, 1), &site(form));
    assert!(!ran.secrets.iter().any(|secret| secret.is_empty()), "{:?}", ran.secrets);
    let web = guarded("authorization", "Bearer long-enough-token", |_| {
        (
            200,
            vec!["Set-Cookie: sid=a-long-cookie-value".to_owned()],
            "{\"t\": \"long-enough-token\"}".to_owned(),
        )
    });
    let login = "[scenario.login]\npath = \"/l\"\ntoken = \"t\"\n";
    let ran = run(&format!("{login}{TASK}"), (2, 4), &web);
    for secret in ["long-enough-token", "a-long-cookie-value"] {
        assert!(ran.secrets.iter().filter(|one| *one == secret).count() >= 2, "{:?}", ran.secrets);
    }
}
