//! Two versions in one run: equal, slower, and bases that cannot be compared
//! with. A base is a commit of a repository of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::{HANG, Project, copy_tree, root, wait};

/// The bundled service in a repository of its own, and a quick load.
struct Versions {
    project: Project,
    folder: PathBuf,
}

const FLAGS: [&str; 8] = ["-u", "2", "-r", "2", "-t", "2s", "--against", "HEAD"];

impl Versions {
    fn new() -> Self {
        let project = Project::bundled();
        let folder = project.folder().join("project");
        copy_tree(&root().join("fixtures/upstream"), &folder.join("service"));
        let project = project
            .with_service(&folder.join("service"))
            .with("min = \"1s\", max = \"3s\"", "min = \"100ms\", max = \"300ms\"")
            .with("port = 8000", "port = \"auto\"");
        std::fs::write(folder.join(".gitignore"), ".portcullis/\nperf.toml\n").unwrap();
        let versions = Self { project, folder };
        versions.git(&["init", "-q", "-b", "main"]);
        versions
    }

    fn git(&self, arguments: &[&str]) {
        let status = Command::new("git")
            .args(["-c", "user.name=Test", "-c", "user.email=test@localhost"])
            .args(arguments)
            .current_dir(&self.folder)
            .status();
        assert!(status.unwrap().success(), "git {arguments:?}");
    }

    /// The working tree as it is becomes the base.
    fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "base"]);
    }

    fn service(&self, name: &str) -> PathBuf {
        self.folder.join("service").join(name)
    }

    fn change(&self, name: &str, from: &str, to: &str) {
        let path = self.service(name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{name} has no {from:?}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    }

    /// Puts a class of a new module of the app, `module.Class`, before all middleware.
    fn add_middleware(&self, name: &str, text: &str) {
        let (module, _) = name.split_once('.').unwrap();
        std::fs::write(self.service(&format!("upstream/{module}.py")), text).unwrap();
        let first = "MIDDLEWARE = [\n";
        let more = format!("{first}    \"upstream.{name}\",\n");
        self.change("hello_world/settings.py", first, &more);
    }

    /// All of `.git`, and the working tree.
    fn snapshot(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        read(&self.folder, &mut files);
        files.retain(|path, _| {
            !path.starts_with(self.folder.join(".portcullis")) && !path.ends_with("perf.toml")
        });
        files
    }
}

fn read(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => read(&path, files),
            path => {
                let bytes = std::fs::read(&path).unwrap();
                files.insert(path, bytes);
            }
        }
    }
}

/// Makes the claims' lists wait before they are handled.
const WAITING: &str = r#"import time


class Waiting:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path == "/api/v1/claims/" and "payer" not in request.GET:
            time.sleep(0.02)
        return self.get_response(request)
"#;

#[test]
fn a_version_is_not_slower_than_itself_and_git_is_as_it_was() {
    let versions = Versions::new();
    versions.commit();
    // A dirty tree, and no branch: the working tree is the candidate all the same.
    versions.git(&["checkout", "-q", "--detach"]);
    std::fs::write(versions.service("upstream/notes.txt"), "not committed").unwrap();
    let before = versions.snapshot();
    let outcome = versions.project.run(&FLAGS);
    outcome.expect(0, &["all 10 tasks not slower", "candidate: /health/ is healthy"]);
    assert!(before == versions.snapshot(), "git or the working tree has changed");
    let against = &outcome.results()["against"];
    assert_eq!(against["tasks"].as_array().unwrap().len(), 10);
    let pairs = against["pairs"].as_array().unwrap();
    assert!(pairs.len() >= 100, "{}", pairs.len());
    let first = |side: &str| pairs.iter().filter(|pair| pair[2] == side).count();
    assert!(first("base") > 20 && first("candidate") > 20);
    assert!(pairs.iter().all(|pair| pair[3].is_number() && pair[5].is_number()), "{pairs:?}");
    assert!(outcome.has("logs/base-server.log") && outcome.has("logs/pairs-server.log"));
    if cfg!(target_os = "linux") {
        assert!(against["unplaced"].is_null(), "{}", against["unplaced"]);
    }
}

#[test]
#[ignore = "long: more than a minute of pairs"]
fn what_only_the_developers_own_env_sets_is_set_for_both_versions() {
    let versions = Versions::new();
    let waiting = WAITING.replace("time.sleep(0.02)", "time.sleep(settings.WAIT_S)");
    let waiting = format!("from django.conf import settings\n{waiting}");
    versions.add_middleware("waiting.Waiting", &waiting);
    let list = "MIDDLEWARE = [";
    let setting = format!("WAIT_S = config(\"WAIT_S\", default=0, cast=float)\n{list}");
    versions.change("hello_world/settings.py", list, &setting);
    versions.commit();
    std::fs::write(versions.service(".env"), "WAIT_S=0.02\n").unwrap();
    let outcome = versions.project.run(&FLAGS);
    let said = ["WAIT_S is set for both versions", "the working tree is ", "--against HEAD~1"];
    outcome.expect(0, &[&said[..], &["all 10 tasks not slower"]].concat());
}

#[test]
fn a_slower_task_is_named_with_its_size_and_the_others_are_not() {
    let versions = Versions::new();
    versions.commit();
    versions.add_middleware("waiting.Waiting", WAITING);
    // Of the two slower tasks one has a rule of its own.
    let rule = "p50(list_claims) <= base * 1.2";
    let project = versions.project.with("fail = [\n", &format!("fail = [\n    \"{rule}\",\n"));
    let versions = Versions { project, folder: versions.folder };
    let flags = [&FLAGS[..], &["--warn", "p95 <= base + 5s"]].concat();
    let outcome = versions.project.run_with(&flags, |command| {
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", versions.project.folder());
    });
    outcome.expect(1, &["violated: list_claims is slower by +", "violated: p50(list_claims)"]);
    let configuration = std::fs::read_to_string(versions.folder.join("perf.toml")).unwrap();
    for (task, at) in [("list_claims", rule), ("search_claims", "[against.overrides]")] {
        let line = configuration.lines().position(|line| line.contains(at)).unwrap() + 1;
        let error = format!(
            "\n::error file=perf.toml,line={line},title={task} is slower than the \
             base::{task} is slower by +"
        );
        outcome.expect(1, &[&error]);
    }
    let slower = |task: &serde_json::Value| task["decision"] == "slower";
    let tasks = outcome.results()["against"]["tasks"].clone();
    let names: Vec<&str> = tasks
        .as_array()
        .unwrap()
        .iter()
        .filter(|task| slower(task))
        .map(|task| task["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["list_claims", "search_claims"]);
    let (code, said) = versions.project.check("perf_results.json");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("violated: p50(list_claims)"), "{said}");
    assert!(
        outcome.text.contains("the extra time is waiting (I/O, locks), not CPU"),
        "{}",
        outcome.text
    );
}

#[test]
#[ignore = "long: more than a minute of pairs"]
fn what_the_base_cannot_do_is_not_charged_to_the_candidate() {
    let versions = Versions::new();
    // Neither reports nor a seed, and other requirements.
    let urls = std::fs::read_to_string(versions.service("upstream/urls.py")).unwrap();
    let fewer: Vec<&str> = urls.lines().filter(|line| !line.contains("\"reports\"")).collect();
    assert!(fewer.len() < urls.lines().count());
    let seed = std::fs::read(versions.service("perf/seed_user_a.py")).unwrap();
    let requirements = std::fs::read_to_string(versions.service("requirements.lock")).unwrap();
    std::fs::write(versions.service("upstream/urls.py"), fewer.join("\n")).unwrap();
    std::fs::remove_file(versions.service("perf/seed_user_a.py")).unwrap();
    let other = format!("# other\n{requirements}");
    std::fs::write(versions.service("requirements.lock"), other).unwrap();
    versions.commit();
    std::fs::write(versions.service("upstream/urls.py"), urls).unwrap();
    std::fs::write(versions.service("perf/seed_user_a.py"), seed).unwrap();
    std::fs::write(versions.service("requirements.lock"), requirements).unwrap();
    let outcome = versions.project.run(&FLAGS);
    outcome.expect(0, &["lacks the seed script: the candidate's is used for both", "1 task new"]);
    let row = |line: &&str| line.trim_start().starts_with("list_reports  ");
    let compared = outcome.text.lines().filter(row).any(|line| line.contains("  new  "));
    assert!(compared, "{}", outcome.text);
    let new = outcome.artifact("perf_results.md");
    assert!(new.contains("list_reports: new, not compared: the base answers 404"), "{new}");
}

/// Every request of the API takes 30 ms; `LOCK` says whether one after the other.
const SERIAL: &str = r#"import contextlib
import threading
import time

LOCK = contextlib.nullcontext()


class Serial:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path.startswith("/api/") and "/auth/" not in request.path:
            with LOCK:
                time.sleep(0.03)
        return self.get_response(request)
"#;

#[test]
#[ignore = "long: more than a minute of pairs"]
fn a_lock_that_only_a_load_shows_is_not_excused_by_a_base_that_is_slow_too() {
    let versions = Versions::new();
    let project = versions
        .project
        .with("fail = [\n", "fail = [\n    \"p50 <= 20ms\",\n")
        .with("min = \"100ms\", max = \"300ms\"", "min = \"0ms\", max = \"10ms\"");
    let versions = Versions { project, folder: versions.folder };
    versions.add_middleware("serial.Serial", SERIAL);
    versions.commit();
    let lock = "LOCK = threading.Lock()";
    versions.change("upstream/serial.py", "LOCK = contextlib.nullcontext()", lock);
    let flags = ["-u", "5", "-r", "5", "-t", "4s", "--against", "HEAD"];
    let outcome = versions.project.run(&flags);
    // One request at a time waits for no lock.
    outcome.expect(1, &["violated: p50 = "]);
    assert!(!outcome.text.contains("the base violates it too"), "{}", outcome.text);
    let against = &outcome.results()["against"];
    if against["sentence"].as_str().unwrap().contains("all 10 tasks not slower") {
        // On a busy machine the base's load may be invalid, which excuses nothing either.
        let shown = against["base_load"].as_str().unwrap();
        let is_known = ["the base got the same load", "no violation is excused"];
        assert!(is_known.iter().any(|known| shown.starts_with(known)), "{shown}");
    }
}

#[test]
fn a_gate_that_the_change_loosens_itself_is_named() {
    // What the pairs come to is not the point.
    let Versions { project, folder } = Versions::new();
    let project = project.with("[scenario]\n", "[against]\nlimit = \"3s\"\n\n[scenario]\n");
    let versions = Versions { project, folder };
    std::fs::write(versions.folder.join(".gitignore"), ".portcullis/\n").unwrap();
    // Writes the configuration, which is then part of the base.
    drop(versions.project.command(&[]));
    versions.commit();
    let project = versions.project.with("p95(list) < 500ms per task", "p95(list) < 900ms per task");
    let versions = Versions { project, folder: versions.folder };
    let line = "thresholds.fail: p95(list) < 500ms per task → p95(list) < 900ms per task";
    let said = format!("the gate is looser than in the base: {line}");
    let outcome = versions.project.run(&FLAGS);
    outcome.expect(0, &[&format!("warning: {said}")]);
    assert_eq!(outcome.results()["against"]["loosened"][0], line);
    for file in ["perf_results.md", "perf_results.html"] {
        let text = outcome.artifact(file);
        assert!(text.contains("looser than in the base"), "{file}");
        assert!(text.contains("900ms per task"), "{file}");
    }
    let strict = versions.project.run(&[&FLAGS[..], &["--strict-gate"]].concat());
    strict.expect(1, &[&format!("violated: {said}")]);
    // Without a configuration in the base there is a note, and no error.
    versions.git(&["rm", "-q", "--cached", "perf.toml"]);
    versions.git(&["commit", "-q", "-m", "without"]);
    let strict = versions.project.run(&[&FLAGS[..], &["--strict-gate"]].concat());
    strict.expect(0, &["is not compared: it has no perf.toml"]);
}

/// Breaks everything but the health check and the login.
const BROKEN: &str = r#"from django.http import HttpResponse


class Broken:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path.startswith("/api/") and "/auth/" not in request.path:
            return HttpResponse("broken", status=500)
        return self.get_response(request)
"#;

#[test]
fn a_base_that_answers_nothing_is_never_green() {
    let versions = Versions::new();
    let settings = std::fs::read(versions.service("hello_world/settings.py")).unwrap();
    versions.add_middleware("broken.Broken", BROKEN);
    versions.commit();
    std::fs::write(versions.service("hello_world/settings.py"), settings).unwrap();
    let outcome = versions.project.run(&FLAGS);
    outcome.expect(3, &["ERROR: the base (", "every request failed: nothing is compared"]);
}

#[test]
#[ignore = "long: more than a minute of pairs"]
fn what_the_base_violates_itself_is_shown_and_not_charged() {
    let versions = Versions::new();
    // The requirements lie above the project, and are the base's own all the same.
    let [from, to] = [versions.service("requirements.lock"), versions.folder.join("all.lock")];
    std::fs::rename(&from, &to).unwrap();
    let project = versions
        .project
        .with(&from.display().to_string(), &to.display().to_string())
        .with("fail = [\n", "fail = [\n    \"p50(list_claims) <= 10ms\",\n");
    let versions = Versions { project, folder: versions.folder };
    // Long against the noise of a busy machine: the candidate must not look slower.
    let waiting = WAITING.replace("time.sleep(0.02)", "time.sleep(0.2)");
    versions.add_middleware("waiting.Waiting", &waiting);
    versions.commit();
    let outcome = versions.project.run(&FLAGS);
    let parts = ["the base violates it too under the same load", "1 warning"];
    outcome.expect(0, &[&parts[..], &["all 10 tasks not slower"]].concat());
    assert!(!outcome.text.contains("lacks requirements"), "{}", outcome.text);
    let (code, said) = versions.project.check("perf_results.json");
    assert!(code == Some(0) && said.contains("the base violates it too"), "{code:?} {said}");
    // Both versions have the environment that the run has just rebuilt.
    let strict = versions.project.run(&[&FLAGS[..], &["--strict", "--fresh"]].concat());
    strict.expect(1, &["violated: p50(list_claims)", "the base violates it too"]);
}

#[test]
fn a_base_that_fails_is_never_green() {
    let versions = Versions::new();
    let migration = versions.service("upstream/migrations/0002_upload.py");
    let sound = std::fs::read_to_string(&migration).unwrap();
    std::fs::write(&migration, format!("raise RuntimeError(\"broken\")\n{sound}")).unwrap();
    versions.commit();
    std::fs::write(&migration, sound).unwrap();
    let outcome = versions.project.run(&FLAGS);
    outcome.expect(3, &["ERROR: the base (", "the migrations: ", "RuntimeError: broken"]);
    assert!(outcome.has("logs/base-migrate.log"));
}

#[test]
fn a_base_that_is_not_there_is_refused_before_anything_is_started() {
    let versions = Versions::new();
    versions.commit();
    let quick = ["-u", "2", "-r", "2", "-t", "2s", "--against"];
    let against = |rev| versions.project.run(&[&quick[..], &[rev]].concat());
    let unknown = against("no-such-thing");
    unknown.expect(2, &["--against no-such-thing: unknown commit"]);
    assert!(!unknown.text.contains("environment"), "{}", unknown.text);
    against("HEAD:service").expect(2, &["unknown commit"]);

    let profile = ["--profile", "preflight", "--against", "HEAD"];
    versions.project.run(&profile).expect(2, &["--against starts both versions itself"]);

    // A clone without the history: the merge base is beyond its edge.
    versions.git(&["checkout", "-q", "-b", "work"]);
    for n in ["1", "2"] {
        std::fs::write(versions.service("upstream/notes.txt"), n).unwrap();
        versions.commit();
    }
    versions.git(&["checkout", "-q", "main"]);
    std::fs::write(versions.service("upstream/other.txt"), "main goes on").unwrap();
    versions.commit();
    let shallow = Versions { project: Project::bundled(), folder: PathBuf::new() };
    let folder = shallow.project.folder().join("project");
    std::fs::remove_dir_all(&folder).unwrap();
    let url = format!("file://{}", versions.folder.display());
    let clone = Command::new("git")
        .args(["clone", "-q", "--depth", "1", "--no-single-branch", "-b", "work", &url])
        .arg(&folder)
        .status();
    assert!(clone.unwrap().success());
    let project = shallow.project.with_service(&folder.join("service"));
    let outcome = project.run(&[&quick[..], &["merge-base"]].concat());
    outcome.expect(2, &["have no commit in common here", "fetch-depth: 0"]);
}

#[test]
fn a_run_that_is_killed_in_mid_pair_leaves_git_as_it_was() {
    let versions = Versions::new();
    versions.commit();
    let before = versions.snapshot();
    let log = versions.project.folder().join("output.txt");
    let mut command = versions.project.command(&FLAGS);
    let mut child = command.stdout(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    let start = Instant::now();
    while !std::fs::read_to_string(&log).unwrap().contains("candidate: /health/ is healthy") {
        assert!(start.elapsed() < HANG && child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    wait(child);
    while !crate::harness::processes_with(&versions.project.tmp()).is_empty() {
        assert!(start.elapsed() < HANG, "something is left");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(before == versions.snapshot(), "git or the working tree has changed");
}
