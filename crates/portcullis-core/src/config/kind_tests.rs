//! Tests of steps, seeds, servers by name, and the kinds of projects.

use super::{Config, ProjectKind, SeedSource, StepCommand, When, load};

const TASK: &str = "[[scenario.task]]\nname = \"a\"\npath = \"/\"\n";
const DJANGO: &str = "[project]\nroot = \".\"\n[django]\nsettings = \"a.b\"\n";
const OTHER: &str = "[project]\nroot = \".\"\n[server]\nargv = [\"node\", \"x\", \"{port}\"]\n";

fn config(text: &str) -> Config {
    load(&format!("{text}{TASK}"), None, &[]).unwrap().config
}

fn problems(text: &str) -> Vec<String> {
    let loaded = load(&format!("{text}{TASK}"), None, &[]);
    loaded.err().unwrap_or_default().into_iter().map(|problem| problem.message).collect()
}

fn expect(text: &str, part: &str) {
    let found = problems(text);
    assert!(found.len() == 1 && found[0].contains(part), "{text}: {found:#?}");
}

#[test]
fn steps_and_seeds_keep_their_order() {
    let text = "[[step]]\nname = \"css\"\nwhen = \"before-migrate\"\nargv = [\"npm\", \"run\"]\n\
                folder = \"web\"\nenv = { A = 1 }\ntimeout = \"9s\"\n\
                [[step]]\nmanage = [\"collectstatic\", \"--noinput\"]\n\
                [[seed]]\nsql = \"a.sql\"\n[[seed]]\nmanage = [\"fill\"]\n";
    let config = config(&format!("{DJANGO}{text}"));
    let [css, collect] = &config.step[..] else { panic!("{:?}", config.step) };
    assert_eq!(
        (css.name.as_str(), css.when, css.folder.as_str()),
        ("css", When::BeforeMigrate, "web")
    );
    assert_eq!(css.env, [("A".to_owned(), "1".to_owned())]);
    assert_eq!((collect.name.as_str(), collect.when), ("collectstatic --noinput", When::AfterSeed));
    assert!(matches!(collect.command, StepCommand::Manage(_)));
    let sources: Vec<_> = config.seed.iter().map(|seed| seed.source).collect();
    assert_eq!(sources, [SeedSource::Sql, SeedSource::Manage]);
}

#[test]
fn impossible_steps_and_seeds_are_named() {
    let expect = |text: &str, part: &str| expect(&format!("{DJANGO}{text}"), part);
    expect("[[step]]\nname = \"a\"\n", "needs argv or manage");
    expect("[[step]]\nargv = [\"a\"]\nmanage = [\"b\"]\n", "needs argv or manage");
    expect("[[step]]\nargv = []\n", "must not be empty");
    expect("[[step]]\nargv = [\"a\"]\nwhen = \"before\"\n", "expected before-migrate");
    expect("[[step]]\nargv = [\"a\"]\nenv = { PYTHONPATH = \"x\" }\n", "set by Portcullis");
    expect("[[step]]\nargv = [\"a\"]\ninputs = []\n", "unknown key \"inputs\"");
    expect("[[seed]]\n", "a seed needs one of manage, fixture, sql, python, shell");
    expect("[[seed]]\nsql = \"a\"\npython = \"b\"\n", "a seed needs one of");
}

#[test]
fn a_server_by_its_name_has_its_command() {
    let argv = |text: &str| config(&format!("{DJANGO}[server]\n{text}")).server.argv.join(" ");
    let gunicorn = argv("kind = \"gunicorn\"\nworkers = 2\nthreads = 4\n");
    let expected = "{python} -m gunicorn {app} --bind 127.0.0.1:{port} --workers 2 --threads 4";
    assert_eq!(gunicorn, expected);
    let uvicorn = argv("kind = \"uvicorn\"\napp = \"a.asgi:app\"\n");
    assert!(uvicorn.starts_with("{python} -m uvicorn a.asgi:app --host 127.0.0.1"), "{uvicorn}");
    assert!(argv("kind = \"granian\"\n").contains("--interface wsgi"));
    assert!(argv("kind = \"granian\"\napp = \"a.asgi:x\"\n").contains("--interface asgi"));
    // The default stays what it was.
    assert!(argv("kind = \"command\"\n").contains("runserver --noreload 127.0.0.1:{port}"));
    let config = config(&format!("{DJANGO}[server]\nkind = \"command\"\n"));
    assert_eq!(config.server.package, None);
    let expect = |text: &str, part: &str| expect(&format!("{DJANGO}[server]\n{text}"), part);
    expect("kind = \"gunicron\"\n", "did you mean \"gunicorn\"?");
    expect("kind = \"daphne\"\nworkers = 2\n", "daphne has no such setting");
    expect("kind = \"uwsgi\"\nargv = [\"a\", \"{port}\"]\n", "exclude another");
    expect("workers = 2\n", "server.workers needs a server.kind");
}

#[test]
fn a_command_and_nothing_of_django_is_another_kind_of_project() {
    let kind = |text: &str| config(text).project.kind;
    assert_eq!(kind(OTHER), ProjectKind::Command);
    assert_eq!(kind(DJANGO), ProjectKind::Django);
    assert_eq!(
        kind(&format!("{DJANGO}[server]\nargv = [\"x\", \"{{port}}\"]\n")),
        ProjectKind::Django
    );
    let named = "[project]\nroot = \".\"\n[server]\nkind = \"uvicorn\"\napp = \"main:app\"\n";
    assert_eq!(kind(named), ProjectKind::Command);
    assert_eq!(config(OTHER).server.health, "", "a connection is enough");
    assert_eq!(config(&format!("{OTHER}health = \"/up\"\n")).server.health, "/up");
    assert_eq!(config(DJANGO).server.health, "/health/");
    // Somebody who forgot the settings is told so, and not given another kind.
    expect("[project]\nroot = \".\"\n", "missing key \"django.settings\"");
    let forgotten =
        "[project]\nroot = \".\"\n[server]\nargv = [\"{python}\", \"{manage}\", \"{port}\"]\n";
    expect(forgotten, "missing key \"django.settings\"");
}

#[test]
fn what_only_django_has_is_refused_elsewhere() {
    let expect = |text: &str, part: &str| expect(&format!("{OTHER}{text}"), part);
    expect("[[seed]]\nsql = \"a\"\n", "[[seed]] needs a Django project");
    expect("[[step]]\nmanage = [\"a\"]\n", "step.manage needs a Django project");
    expect("[[step]]\nargv = [\"a\"]\nwhen = \"after-seed\"\n", "only a Django project");
    expect("[database]\nengine = \"mysql\"\n", "expected \"sqlite\", \"postgresql\"");
    expect("[database]\nurl = \"postgres://a\"\n", "needs database.engine");
    super::kind_tests::expect(
        &format!("{DJANGO}[database]\nengine = \"sqlite\"\n"),
        "the settings of a Django project say its engine",
    );
    let command = "[project]\nroot = \".\"\nkind = \"command\"\n";
    super::kind_tests::expect(command, "server.argv is missing");
}
