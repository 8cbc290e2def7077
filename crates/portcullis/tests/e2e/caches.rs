//! What a run restores: a repository with links to folders, a submodule, a `.env` with the
//! path of a database, and sixty migrations made by a script.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::harness::{Outcome, Project, copy_tree, root};

const MIGRATIONS: usize = 60;
const FLAGS: [&str; 6] = ["-u", "2", "-r", "2", "-t", "2s"];

/// The bundled service in a repository like those of its users.
struct Repository {
    project: Project,
    folder: PathBuf,
}

fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@localhost"])
        .args(["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .status();
    assert!(status.unwrap().success(), "git {arguments:?}");
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{} has no {from:?}", path.display());
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

impl Repository {
    fn new() -> Self {
        let project = Project::bundled();
        let folder = project.folder().join("project");
        copy_tree(&root().join("fixtures/upstream"), &folder.join("service"));
        let project = project
            .with_service(&folder.join("service"))
            .with("min = \"1s\", max = \"3s\"", "min = \"100ms\", max = \"300ms\"")
            .with("port = 8000", "port = \"auto\"")
            // The same settings in the ordinary load and in the comparison.
            .with("[django.overrides]\n", "")
            .with("[against.overrides]\n", "[django.overrides]\n");
        let repository = Self { project, folder };
        repository.add_submodule();
        repository.add_migrations();
        repository.add_links();
        write(&repository.path(".gitignore"), ".portcullis/\nperf.toml\n.env\n*.sqlite3\n");
        repository.commit();
        repository
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn commit(&self) {
        git(&self.folder, &["add", "-A"]);
        git(&self.folder, &["commit", "-q", "-m", "a version"]);
    }

    /// A library in a submodule, which the seed imports, and a file that the seed makes.
    fn add_submodule(&self) {
        let library = self.project.folder().join("library");
        write(&library.join("common_lib.py"), "ROWS = 1\n");
        git(&library, &["init", "-q"]);
        git(&library, &["add", "-A"]);
        git(&library, &["commit", "-q", "-m", "library"]);
        git(&self.folder, &["init", "-q"]);
        let from = library.to_str().unwrap();
        git(&self.folder, &["submodule", "--quiet", "add", from, "libs/common"]);
        let seed = self.path("service/perf/seed_user_a.py");
        let text = std::fs::read_to_string(&seed).unwrap();
        let more = "\
import sys
sys.path.insert(0, '../libs/common')
import common_lib
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
default_storage.save('seeded.txt', ContentFile(str(common_lib.ROWS).encode()))
";
        std::fs::write(seed, format!("{text}\n{more}")).unwrap();
    }

    fn add_migrations(&self) {
        let app = self.path("service/many");
        write(&app.join("__init__.py"), "");
        write(&app.join("migrations/__init__.py"), "");
        for number in 1..=MIGRATIONS {
            let before = match number {
                1 => String::new(),
                _ => format!("(\"many\", \"{:04}_table\")", number - 1),
            };
            let text = format!(
                "from django.db import migrations, models\n\n\n\
                 class Migration(migrations.Migration):\n    dependencies = [{before}]\n    \
                 operations = [\n        migrations.CreateModel(\n            \
                 name=\"Table{number}\",\n            fields=[(\"id\", \
                 models.BigAutoField(primary_key=True))],\n        ),\n    ]\n"
            );
            write(&app.join(format!("migrations/{number:04}_table.py")), &text);
        }
        let settings = self.path("service/hello_world/settings.py");
        edit(&settings, "    \"upstream\",\n]", "    \"upstream\",\n    \"many\",\n]");
        let own = "{\"ENGINE\": \"django.db.backends.sqlite3\", \"NAME\": config(\"DB_FILE\")}";
        edit(
            &settings,
            "DATABASES = {\"default\": _database()}",
            &format!("DATABASES = {{\"default\": {own}}}"),
        );
        let database = self.project.folder().join("dev.sqlite3");
        write(&self.path("service/.env"), &format!("DB_FILE={}\n", database.display()));
    }

    /// Links to folders: inside of the repository, and out of it.
    fn add_links(&self) {
        write(&self.path("libs/plain/data.txt"), "plain");
        let outside = self.project.folder().join("outside");
        write(&outside.join("notes.txt"), "outside");
        let link = std::os::unix::fs::symlink::<&Path, PathBuf>;
        link(Path::new("../libs/plain"), self.path("service/plain")).unwrap();
        link(Path::new("libs"), self.path("all-libraries")).unwrap();
        link(&outside, self.path("service/outside")).unwrap();
    }

    fn run(&self, more: &[&str]) -> Outcome {
        let command = self.project.command(&[&FLAGS[..], more].concat()).spawn();
        let outcome = self.project.finish(command.unwrap());
        // On a busy machine a load may be invalid or slow; what was restored is the same.
        assert!(matches!(outcome.code, Some(0 | 1 | 5)), "{}", outcome.text);
        assert!(!self.project.folder().join("dev.sqlite3").exists(), "the own database was made");
        outcome
    }

    fn change_a_view(&self) {
        let views = self.path("service/upstream/views.py");
        let text = std::fs::read_to_string(&views).unwrap();
        std::fs::write(&views, format!("{text}\n# changed\n")).unwrap();
    }
}

/// How each stage of this name ended, with its detail, and how long it took.
fn stages(outcome: &Outcome, name: &str) -> Vec<(String, String)> {
    let results = outcome.results();
    let stages = results["stages"].as_array().unwrap().iter();
    let text = |stage: &Value, key: &str| stage[key].as_str().unwrap_or_default().to_owned();
    let all = stages.filter(|stage| stage["stage"] == name).inspect(|stage| {
        eprintln!("{name}: {} s, {} {}", stage["took_s"], stage["end"], stage["detail"]);
    });
    all.map(|stage| (text(stage, "end"), text(stage, "detail"))).collect()
}

const RESTORED: &str = "restored from cache, with its seed";
const MIGRATED: &str = "restored from cache before its seed";

fn expect(outcome: &Outcome, expected: &[(&str, &str)]) {
    let found = stages(outcome, "migrate");
    stages(outcome, "seed");
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((end, detail), (expected_end, part)) in found.iter().zip(expected) {
        assert!(end == expected_end && detail.contains(part), "{found:?} instead of {part:?}");
    }
}

#[test]
fn a_repository_with_links_and_a_submodule_is_restored() {
    let repository = Repository::new();
    expect(&repository.run(&[]), &[("done", "not restored: none of these migrations")]);
    let again = repository.run(&[]);
    expect(&again, &[("cached", RESTORED)]);
    assert!(!again.has("logs/migrate.log"), "nothing is migrated");

    repository.change_a_view();
    repository.commit();
    let view = repository.run(&[]);
    expect(&view, &[("done", MIGRATED)]);
    assert!(view.artifact("logs/migrate.log").contains("No migrations to apply"));

    for name in ["libs/common/common_lib.py", "libs/plain/data.txt", "../outside/notes.txt"] {
        let path = repository.path(name);
        std::fs::write(&path, "ROWS = 2\n").unwrap();
        expect(&repository.run(&[]), &[("done", MIGRATED)]);
    }
    expect(&repository.run(&[]), &[("cached", RESTORED)]);
}

#[test]
fn a_cache_and_private_folders_within_the_repository_are_no_sources_of_the_database() {
    let repository = Repository::new();
    let run = || {
        let mut command = repository.project.command(&FLAGS);
        let own = ["PORTCULLIS_CACHE", "TMPDIR"].map(|name| (name, repository.path(name)));
        for (name, folder) in own {
            std::fs::create_dir_all(&folder).unwrap();
            command.env(name, folder);
        }
        repository.project.finish(command.spawn().unwrap())
    };
    run();
    expect(&run(), &[("cached", RESTORED)]);
}

/// A comparison with the committed version. It needs a valid load, which a busy machine
/// may not have at once; `prepare` makes the versions for each attempt.
fn compared(repository: &Repository, prepare: impl Fn(usize)) -> Outcome {
    for attempt in 0..4 {
        prepare(attempt);
        let outcome = repository.run(&["--against", "HEAD"]);
        if stages(&outcome, "migrate").len() == 3 {
            return outcome;
        }
    }
    panic!("no load was valid");
}

#[test]
fn both_versions_of_a_comparison_are_migrated_once() {
    let repository = Repository::new();
    let first = repository.path("service/many/migrations/0001_table.py");
    let outcome = compared(&repository, |attempt| {
        edit(&first, "name=\"", &format!("name=\"Another{attempt}"));
        repository.commit();
    });
    let expected = [("done", "not restored: none"), ("cached", "restored"), ("cached", "restored")];
    expect(&outcome, &expected);
    let outcome = compared(&repository, |_| repository.change_a_view());
    expect(&outcome, &[("done", MIGRATED), ("cached", RESTORED), ("cached", RESTORED)]);
}

#[test]
fn a_submodule_that_is_not_here_is_named() {
    let repository = Repository::new();
    git(&repository.folder, &["submodule", "--quiet", "deinit", "-f", "libs/common"]);
    std::fs::remove_dir_all(repository.path(".git/modules/libs/common")).unwrap();
    let outcome = repository.project.run(&[&FLAGS[..], &["--against", "HEAD"]].concat());
    outcome.expect(3, &["its submodule libs/common is at ", "git submodule update --init"]);
}

#[test]
fn only_the_owner_reads_templates_and_the_umask_decides_about_artifacts() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let repository = Repository::new();
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e-cache");
    let begun = std::time::SystemTime::now();
    let run = repository.project.command(&FLAGS);
    let mut command = Command::new("sh");
    command.args(["-c", "umask 027; exec \"$0\" \"$@\""]).arg(run.get_program());
    command.args(run.get_args()).current_dir(run.get_current_dir().unwrap());
    for (name, value) in run.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    repository.project.finish(command.spawn().unwrap());
    assert_eq!(mode(&repository.path(".portcullis/perf_results.json")), 0o640);
    let (mut files, mut queue) = (0, vec![cache.join("database"), cache.join("database-migrated")]);
    while let Some(folder) = queue.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                queue.push(path);
            } else if !name.ends_with(".lock") && name != ".complete" {
                // The folder of the tests' cache may be older than this rule.
                if entry.metadata().unwrap().modified().unwrap() < begun {
                    continue;
                }
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files > 0, "no template was kept");
}
