//! A project whose settings use PostgreSQL: a private server of the run's own, and nothing
//! left of it.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{HANG, Outcome, Project, copy_tree, processes_with, root, wait};

/// The bundled service on PostgreSQL, in a folder of its own. `port` is where the project's
/// own database would be.
pub fn on_postgresql(driver: &str, port: u16) -> Project {
    let project = Project::quick();
    let service = project.folder().join("service");
    copy_tree(&root().join("fixtures/upstream"), &service);
    // A template needs to know which files there are.
    let git = Command::new("git").args(["init", "-q"]).current_dir(&service).status().unwrap();
    assert!(git.success());
    let drivers = project.folder().join("driver.txt");
    std::fs::write(&drivers, format!("{driver}\n")).unwrap();
    let url = format!("postgres://someone:never-shown-9f3@127.0.0.1:{port}/claims?sslmode=require");
    let fixture = root().join("fixtures/upstream").display().to_string();
    let moved =
        |name: &str| (format!("\"{fixture}/{name}"), format!("\"{}/{name}", service.display()));
    let files = [".env.example", "perf/seed_user_a.py"].map(moved);
    let root = (format!("root = \"{fixture}\""), format!("root = \"{}\"", service.display()));
    let edits = [
        ("requirements.lock\"]".to_owned(), format!("requirements.lock\", {drivers:?}]")),
        // The name of the test's folder in it: a template of its own.
        (
            "DEBUG = \"True\"".to_owned(),
            format!("DEBUG = \"True\", UNUSED = {drivers:?}, DATABASE_URL = \"{url}\""),
        ),
        ("database = \"sqlite\"".to_owned(), "database = \"postgresql\"".to_owned()),
        root,
    ];
    files.iter().chain(&edits).fold(project, |project, (from, to)| project.with(from, to))
}

/// psycopg 3 with its own libpq.
pub const PSYCOPG: &str = "psycopg[binary]==3.3.9";
const PSYCOPG2: &str = "psycopg2-binary==2.9.13";

/// A listener in the place of the project's own database.
struct Forbidden(TcpListener);

impl Forbidden {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    fn expect_untouched(&self) {
        assert!(self.0.accept().is_err(), "the project's own database was connected to");
    }
}

/// The detail of a stage in the results, and whether it was cached.
pub fn stage(outcome: &Outcome, name: &str) -> (String, bool) {
    let results = outcome.results();
    let stages = results["stages"].as_array().unwrap();
    let stage = stages.iter().find(|stage| stage["stage"] == name).unwrap();
    (stage["detail"].as_str().unwrap().to_owned(), stage["end"] == "cached")
}

/// The service was measured, whatever the verdict is: tests that run at the same time make a
/// machine busy.
pub fn expect_measured(outcome: &Outcome, part: &str) {
    assert!(matches!(outcome.code, Some(0 | 1 | 5)), "{:?}\n{}", outcome.code, outcome.text);
    assert!(outcome.text.contains(part), "no {part:?} in:\n{}", outcome.text);
    assert!(outcome.text.contains(" requests by "), "nothing was measured:\n{}", outcome.text);
}

/// Nothing of a server is left: no process that works below a folder, and no shared memory
/// without a process.
pub fn expect_nothing_left(tmp: &Path) {
    let begun = Instant::now();
    loop {
        let left = [processes_in(tmp), processes_with(tmp), abandoned_segments()].concat();
        let folders: Vec<_> = std::fs::read_dir(tmp).unwrap().flatten().collect();
        if left.is_empty() && folders.is_empty() {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "left: {left:?} {folders:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn processes_in(folder: &Path) -> Vec<String> {
    let working = |pid: &str| std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let names = entries.filter_map(|entry| entry.file_name().to_str().map(str::to_owned));
    names.filter(|name| working(name).starts_with(folder)).collect()
}

fn abandoned_segments() -> Vec<String> {
    let table = std::fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let is_free = |line: &&str| line.split_whitespace().nth(6) == Some("0");
    table.lines().skip(1).filter(is_free).map(str::to_owned).collect()
}

fn wait_for(project: &Project, text: &str, child: &mut Child) {
    let log = project.folder().join("said");
    let begun = Instant::now();
    while !std::fs::read_to_string(&log).unwrap_or_default().contains(text) {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        assert!(child.try_wait().unwrap().is_none(), "ended before {text:?}:\n{said}");
        assert!(begun.elapsed() < HANG, "never said {text:?}:\n{said}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn start(project: &Project, flags: &[&str]) -> Child {
    let said = std::fs::File::create(project.folder().join("said")).unwrap();
    let mut command = project.command(flags);
    command.stdout(said.try_clone().unwrap()).stderr(said);
    command.spawn().unwrap()
}

#[test]
fn a_run_has_a_server_of_its_own_and_the_next_one_its_copy() {
    for driver in [PSYCOPG, PSYCOPG2] {
        let own = Forbidden::new();
        let project = on_postgresql(driver, own.port());
        // Not repeated on a busy machine: a second run has its database from the cache.
        let first = project.finish(project.command(&[]).spawn().unwrap());
        expect_measured(&first, "user_a exists");
        let (detail, is_cached) = stage(&first, "migrate");
        assert!(detail.contains(" on PostgreSQL ") && !is_cached, "{detail}");
        let second = project.run(&[]);
        expect_measured(&second, "restored from cache");
        let (detail, is_cached) = stage(&second, "migrate");
        assert!(detail.contains(" on PostgreSQL ") && is_cached, "{detail}");
        own.expect_untouched();
        for (name, text) in first.files().iter().chain(second.files()) {
            assert!(!text.contains("never-shown"), "{name} has a password");
        }
        expect_nothing_left(&project.tmp());
    }
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn whoever_of_a_run_is_killed_no_server_is_left() {
    let project = on_postgresql(PSYCOPG, 1);
    expect_measured(&project.run(&[]), " on PostgreSQL ");
    for who in ["guard", "worker", "both"] {
        let mut child = start(&project, &["-t", "60s"]);
        wait_for(&project, "load 1/60 s", &mut child);
        assert!(!processes_in(&project.tmp()).is_empty(), "no server works there");
        let worker = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id()));
        let worker = worker.unwrap().split_whitespace().next().unwrap().to_owned();
        let guard = child.id().to_string();
        let victims: &[&str] = match who {
            "guard" => &[&guard],
            "worker" => &[&worker],
            _ => &[&guard, &worker],
        };
        let killed = Command::new("kill").arg("-KILL").args(victims).status().unwrap();
        assert!(killed.success());
        wait(child);
        if who == "both" {
            // Nobody of the run is left to end its server: the next run does.
            let next = project.finish(project.command(&["-t", "2s"]).spawn().unwrap());
            expect_measured(&next, "an earlier run was killed");
        }
        expect_nothing_left(&project.tmp());
    }
    expect_measured(&project.run(&["-t", "2s"]), " on PostgreSQL ");
}

/// Two databases on one server, connections that stay open, and options of PostgreSQL.
#[test]
#[ignore = "long: cargo xtask test --full"]
fn every_alias_is_on_the_runs_server_with_its_own_options() {
    let text = "from hello_world.settings import *\n\
                DATABASES['default']['CONN_MAX_AGE'] = 60\n\
                DATABASES['default']['CONN_HEALTH_CHECKS'] = True\n\
                DATABASES['logs'] = {**DATABASES['default'], 'NAME': 'logs', 'OPTIONS': {\n    \
                'application_name': 'logs', 'service': 'somewhere', 'sslmode': 'require'}}\n\
                DATABASES['replica'] = {**DATABASES['default'], 'TEST': {'MIRROR': 'default'}}\n";
    let look = "import json\nfrom django.db import connections\n\
                def ask(alias):\n    with connections[alias].cursor() as cursor:\n        \
                cursor.execute(\"SELECT current_database(), current_setting('application_name')\")\n        \
                return cursor.fetchone()\n\
                assert ask('default')[0] == ask('replica')[0] == 'portcullis_default', ask('replica')\n\
                assert ask('logs') == ('portcullis_logs', 'logs'), ask('logs')\n";
    for driver in [PSYCOPG, PSYCOPG2] {
        let own = Forbidden::new();
        let project = on_postgresql(driver, own.port())
            .with("settings = \"hello_world.settings\"", "settings = \"hello_world.many\"");
        let service = project.folder().join("service");
        std::fs::write(service.join("hello_world/many.py"), text).unwrap();
        let seed = service.join("perf/seed_user_a.py");
        let whole = std::fs::read_to_string(&seed).unwrap();
        // The shell ends a definition with an empty line.
        let look = look.replace("assert ask('default')", "\nassert ask('default')");
        std::fs::write(&seed, format!("{look}{whole}")).unwrap();
        // The seed has made sure; a repeated run has its database from the cache already.
        expect_measured(&project.run(&[]), " on PostgreSQL ");
        expect_measured(&project.run(&[]), "restored from cache");
        own.expect_untouched();
        expect_nothing_left(&project.tmp());
    }
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn both_versions_of_a_comparison_have_servers_of_their_own() {
    let own = Forbidden::new();
    let project = on_postgresql(PSYCOPG, own.port());
    let service = project.folder().join("service");
    for arguments in [["add", "-A"].as_slice(), &["commit", "-qm", "all"]] {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@example.org"]).args(arguments);
        assert!(git.current_dir(&service).status().unwrap().success());
    }
    let outcome = project.run(&["--against", "HEAD", "--against-limit", "4s"]);
    expect_measured(&outcome, " pairs");
    let results = outcome.results();
    let stages = results["stages"].as_array().unwrap();
    let migrated = stages.iter().filter(|stage| stage["stage"] == "migrate");
    let on = |stage: &&serde_json::Value| stage["detail"].as_str().unwrap().contains("PostgreSQL");
    assert_eq!(migrated.filter(on).count(), 3, "{}", outcome.text);
    own.expect_untouched();
    expect_nothing_left(&project.tmp());
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn a_connection_past_djangos_settings_is_refused_with_its_place() {
    let own = Forbidden::new();
    let connect = format!("connect('postgresql://u:never-shown-9f3@127.0.0.1:{}/x')\n", own.port());
    for (driver, module) in [(PSYCOPG, "psycopg"), (PSYCOPG2, "psycopg2")] {
        let project = on_postgresql(driver, own.port());
        let seed = project.folder().join("service/perf/seed_user_a.py");
        std::fs::write(&seed, format!("import {module}\n{module}.{connect}")).unwrap();
        let place = format!("postgresql://127.0.0.1:{}/x was to be opened", own.port());
        let outcome = project.run(&[]);
        outcome.expect(3, &[&place, "not a database of this run"]);
        assert!(!outcome.text.contains("never-shown"), "{}", outcome.text);
        own.expect_untouched();
        // Without arguments libpq is led to the run's own server.
        std::fs::write(&seed, format!("import {module}\n{module}.connect('').close()\n")).unwrap();
        project.run(&[]).expect(3, &["the database has no user with username"]);
    }
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn a_server_that_dies_in_mid_run_is_no_measurement() {
    let project = on_postgresql(PSYCOPG, 1);
    let mut child = start(&project, &["-t", "8s"]);
    wait_for(&project, "load 1/8 s", &mut child);
    let server = processes_in(&project.tmp());
    let is_postmaster = |pid: &&String| {
        let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        command.contains("listen_addresses")
    };
    let postmaster = server.iter().find(is_postmaster).expect("a server");
    assert!(Command::new("kill").args(["-KILL", postmaster]).status().unwrap().success());
    let output = wait(child);
    let said = std::fs::read_to_string(project.folder().join("said")).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("PostgreSQL server has ended"), "{said}");
    expect_nothing_left(&project.tmp());
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn an_extension_that_is_missing_is_named_with_its_package() {
    let project = on_postgresql(PSYCOPG, 1);
    let text = "from django.contrib.postgres.operations import CreateExtension\n\
                from django.db import migrations\n\n\n\
                class Migration(migrations.Migration):\n    \
                dependencies = [(\"upstream\", \"LATEST\")]\n    \
                operations = [CreateExtension(\"postgis\")]\n";
    let folder = project.folder().join("service/upstream/migrations");
    let names = std::fs::read_dir(&folder).unwrap().flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let latest = names.filter(|name| name.starts_with('0')).max().unwrap();
    let text = text.replace("LATEST", latest.trim_end_matches(".py"));
    std::fs::write(folder.join("9999_postgis.py"), text).unwrap();
    let outcome = project.run(&[]);
    outcome.expect(3, &["has no extension \"postgis\"", "apt-get install postgresql-"]);
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn programs_that_do_not_exist_and_ports_that_are_taken_are_named() {
    let with = |keys: &str| {
        on_postgresql(PSYCOPG, 1).with("[load]\n", &format!("[database]\n{keys}\n[load]\n"))
    };
    let outcome = with("binaries = \"/usr/share\"").run(&[]);
    outcome.expect(3, &["/usr/share has no working postgres and initdb", "[database] binaries"]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let holder = TcpListener::bind(("127.0.0.1", taken)).unwrap();
    let outcome = with(&format!("port = {taken}")).run(&[]);
    outcome.expect(3, &[&format!("port {taken} (database.port) is held by")]);
    drop(holder);
}

/// The part of the hook that decides what a database becomes, as Python sees it.
#[test]
#[ignore = "long: cargo xtask test --full"]
fn every_alias_gets_a_database_of_the_runs_own() {
    const CHECK: &str = r#"
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("part", sys.argv[1])
part = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(part)
names = part.names({
    "default": {"NAME": "app"},
    "replica": {"NAME": "app", "HOST": "replica"},
    "mirror": {"NAME": "x", "TEST": {"MIRROR": "default"}},
    "Logs-1": {"NAME": "logs"},
    "logs_1": {"NAME": "logs2"},
    "none": {"NAME": ""},
    "round": {"NAME": "r", "TEST": {"MIRROR": "about"}},
    "about": {"NAME": "a", "TEST": {"MIRROR": "round"}},
}, "p")
assert names["default"] == names["replica"] == names["mirror"] == "p_default", names
assert len({names[k] for k in ("default", "Logs-1", "logs_1", "none")}) == 4, names
server = {"host": "127.0.0.1", "port": 5433, "user": "u", "password": "w", "options": {}}
old = {
    "ENGINE": "django.db.backends.postgresql", "NAME": "app", "HOST": "db.example", "PORT": 1,
    "CONN_MAX_AGE": 60, "ATOMIC_REQUESTS": True,
    "OPTIONS": {"service": "app", "sslmode": "verify-full", "pool": True, "isolation_level": 4},
}
new = part.private(old, "p_default", server)
assert new["OPTIONS"] == {"pool": True, "isolation_level": 4}, new
assert (new["NAME"], new["HOST"], new["PORT"]) == ("p_default", "127.0.0.1", "5433"), new
assert new["CONN_MAX_AGE"] == 60 and new["ATOMIC_REQUESTS"] is True and old["NAME"] == "app"

def refused(given, **more):
    try:
        part.Border({**server, **more}, "p_", "MARK").check(given)
    except PermissionError as error:
        return str(error)

part.surround(server, "p_default")
assert refused({}) is None, "libpq's environment leads to the run's own server"
own = {"host": "127.0.0.1", "port": "5433", "dbname": "p_default"}
assert refused(own) is None and refused({**own, "port": 5433}) is None
for other in ({"host": "localhost"}, {"port": "5432"}, {"service": "app"}, {"hostaddr": "::1"}):
    assert refused({**own, **other}).startswith("MARK postgresql://"), other
assert refused({**own, "dbname": "postgres"}) is None
assert refused({**own, "dbname": "postgres"}, shared=True) is not None
print("fine")
"#;
    let part = root().join("crates/portcullis/src/project/django/isolation/postgresql.py");
    let output =
        Command::new("python3").args(["-B", "-c", CHECK]).arg(part).stdin(Stdio::null()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
