//! What is written from an answer of the project is a configuration that is read back.

use super::*;
use crate::init::look::Variables;
use crate::init::probe;

const SEEN: &str = r#"{
    "facts": {"debug": true, "overrides": {"ALLOWED_HOSTS": ["127.0.0.1"], "SECURE_SSL_REDIRECT": false},
        "throttles": {"user": "5/min"}, "frameworks": []},
    "seed": [{"kind": "user", "name": "portcullis", "error": null},
        {"kind": "command", "name": "seed_demo", "error": null},
        {"kind": "rows", "name": "shop.Odd", "error": "E: two\nlines \" and # more"}],
    "login": {"kind": "token", "path": "/api/token/", "view": "v", "body": "json",
        "fields": {"username": "a\"b", "password": "p"},
        "status": 201, "token": "data.access", "prefix": "JWT"},
    "failed_logins": [], "graphql": [{"path": "/graphql/", "name": "all", "query": "{ all { id } }",
        "open": true, "array": "data.all", "items": 2}], "user": "portcullis", "health": "/healthz",
    "routes": [
        {"path": "/healthz", "name": null, "values": null, "view": "v", "answer": {"status": 200, "error": null}},
        {"path": "/a/", "name": "a-list", "values": null, "view": "v",
            "answer": {"status": 200, "error": null, "array": "data.items", "items": 3}},
        {"path": "/b/", "name": "a-list", "values": null, "view": "v", "query": {"q": "a b"},
            "answer": {"status": 200, "error": null, "array": "", "items": 0}},
        {"path": "/a/<slug>/", "name": null, "values": {"slug": ["x", 2]}, "view": "v",
            "answer": {"status": 200, "error": null}},
        {"path": "/login/", "name": "login", "values": null, "view": "v", "answer": {"status": 200, "error": null}},
        {"path": "/e/", "name": "e", "values": null, "view": "v", "answer": {"status": 0, "error": "E: \n why"}},
        {"path": "/f/", "name": "f", "values": null, "view": "v", "answer": {"status": 403, "error": null}}],
    "skipped": [{"path": "/<a>/<b>/", "why": "no value is known for its parameter"}]
}"#;

fn chosen() -> Chosen {
    Chosen {
        root: "back end \"x\"".to_owned(),
        settings: "config.settings".to_owned(),
        application: None,
        requirements: Some("requirements.txt".to_owned()),
        python: Some("3.9".to_owned()),
        variables: Variables {
            example: Some(".env.example".to_owned()),
            random: vec!["SECRET_KEY".to_owned(), "OTHER_SECRET_KEY".to_owned()],
            set: vec![
                ("DATABASE_URL".to_owned(), "sqlite:///{run}/x".to_owned()),
                ("REDIS_URL".to_owned(), "redis://127.0.0.1:{service.redis.port}/0".to_owned()),
            ],
        },
    }
}

#[test]
fn what_is_written_is_read_back() {
    let seen = probe::read(SEEN).unwrap();
    let names = Names { schema: "perf/s.json".to_owned(), seed: Some("perf/seed.py".to_owned()) };
    let tasks = tasks(&seen);
    let text = configuration(&chosen(), &names, Some(&seen), &tasks);
    let loaded = portcullis_core::config::load(&text, None, &[]);
    let config = loaded.unwrap_or_else(|problems| panic!("{problems:#?}\n{text}")).config;
    let names: Vec<&str> = config.scenario.tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names, ["a_list", "a_list_2", "a_slug", "get_login", "graphql_all"]);
    assert_eq!(config.project.root, "back end \"x\"");
    assert_eq!(config.env.random, ["SECRET_KEY", "OTHER_SECRET_KEY"]);
    assert_eq!(config.django.overrides.len(), 3);
    assert!(config.scenario.users[0].login.is_some());
    assert!(text.starts_with("#:schema ./perf/s.json\n"), "{text}");
    for part in [
        "# GET /e/: it raised E:   why",
        "# GET /f/: it answered 403: it needs a login",
        "# /<a>/<b>/: no value is known",
        "# the list was empty",
        "json = \"data.items\", min_items = 1",
        "accept = [201]",
        "query = { q = \"a b\" }",
        "graphql = { query = \"{ all { id } }\" }",
        "check = [{ absent = \"errors\" }, { json = \"data.all\", min_items = 1 }]",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
}

#[test]
fn a_seed_has_what_worked_and_comments_for_the_rest() {
    let seed = seed(&probe::read(SEEN).unwrap()).unwrap();
    assert!(seed.contains("\ncall_command(\"seed_demo\", verbosity=0)\n"), "{seed}");
    let failed = "\n# rows(\"shop.Odd\", 25, _user)  # E: two lines \" and # more\n";
    assert!(seed.ends_with(failed), "{seed}");
}

#[test]
fn a_configuration_without_an_answer_has_a_task_to_replace() {
    let names = Names { schema: "s".to_owned(), seed: None };
    let text =
        configuration(&Chosen { requirements: None, ..chosen() }, &names, None, &[placeholder()]);
    portcullis_core::config::load(&text, None, &[]).unwrap();
    let draft = draft(
        &chosen(),
        std::path::Path::new("/x y"),
        std::path::Path::new("/out"),
        std::path::Path::new("/look.py"),
    );
    let config = portcullis_core::config::load(&draft, None, &[]).unwrap().config;
    assert_eq!(config.project.root, "/x y/back end \"x\"");
}

/// The answer of a project with another login.
fn with_login(login: &str) -> probe::Seen {
    let mut seen: serde_json::Value = serde_json::from_str(SEEN).unwrap();
    seen["login"] = serde_json::from_str(login).unwrap();
    seen["failed_logins"] = serde_json::json!([{"path": "/x/", "why": "it answered\n400"}]);
    probe::read(&seen.to_string()).unwrap()
}

#[test]
fn every_kind_of_login_is_written_and_read_back() {
    for (login, parts) in [
        (
            r#"{"kind": "token", "path": "/t/", "body": "form", "status": 200, "token": "access_token",
                "prefix": "Bearer", "fields": {"grant_type": "password", "username": "u"}}"#,
            &["form = { grant_type = \"password\", username = \"u\" }"][..],
        ),
        (
            r#"{"kind": "token", "path": "/t/", "body": "nested", "status": 200, "token": "user.token",
                "prefix": "Token", "fields": {"user": {"email": "e", "password": "p"}}}"#,
            &["json = { user = { email = \"e\", password = \"p\" } }"],
        ),
        (
            r#"{"kind": "session", "path": "/in/", "page": "/login/", "cookie": "sid",
                "csrf_cookie": "forgery", "fields": {"login": "u", "a.b": "p"}}"#,
            &[
                "type = \"session\"",
                "page = \"/login/\"",
                "\"a.b\" = \"p\"",
                "cookie = \"sid\"",
                "csrf_cookie = \"forgery\"",
            ],
        ),
        (
            r#"{"kind": "static", "authorization": "Token k"}"#,
            &["type = \"static\"\nauthorization = \"Token k\""],
        ),
        (
            r#"{"kind": "basic", "fields": {"username": "u", "password": "p"}}"#,
            &["type = \"basic\"", "username = \"u\""],
        ),
        ("null", &["# /x/: it answered 400"]),
    ] {
        let seen = with_login(login);
        let names = Names { schema: "s".to_owned(), seed: None };
        let text = configuration(&chosen(), &names, Some(&seen), &tasks(&seen));
        let loaded = portcullis_core::config::load(&text, None, &[]);
        let config = loaded.unwrap_or_else(|problems| panic!("{problems:#?}\n{text}")).config;
        assert_eq!(config.scenario.users[0].login.is_some(), login != "null", "{text}");
        for part in parts {
            assert!(text.contains(part), "no {part} in\n{text}");
        }
    }
}
