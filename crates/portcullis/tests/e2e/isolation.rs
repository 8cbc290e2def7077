//! Nothing the user owns is written, and nothing of it has an influence.

use crate::harness::{Project, copy_tree};

#[test]
fn a_planted_env_and_database_are_untouched_and_without_influence() {
    let project = Project::bundled();
    let fixture = project.folder().join("service");
    copy_tree(&crate::harness::root().join("fixtures/upstream"), &fixture);
    let elsewhere = project.folder().join("elsewhere.sqlite3");
    let env = format!(
        "DEBUG=False\nDB_ENGINE=sqlite\nDATABASE_URL=sqlite:///{}\nSECRET_KEY=planted\n",
        elsewhere.display()
    );
    std::fs::write(fixture.join(".env"), &env).unwrap();
    std::fs::write(fixture.join("db.sqlite3"), "not a database").unwrap();
    let project = project
        .with_service(&fixture)
        .with("min = \"1s\", max = \"3s\"", "min = \"100ms\", max = \"300ms\"")
        .with("port = 8000", "port = \"auto\"");
    // The caller's shell must have no influence either.
    let outcome = project.run_with(&["-u", "2", "-r", "2", "-t", "3s"], |command| {
        command
            .env_remove("PYTHONDONTWRITEBYTECODE")
            .env("DJANGO_SETTINGS_MODULE", "nowhere.settings")
            .env("DATABASE_URL", "postgres://nowhere")
            .env("PYTHONPATH", "/nowhere")
            .env("VIRTUAL_ENV", "/nowhere");
    });
    outcome.expect(0, &["user_a exists"]);

    assert_eq!(std::fs::read_to_string(fixture.join(".env")).unwrap(), env);
    assert_eq!(std::fs::read_to_string(fixture.join("db.sqlite3")).unwrap(), "not a database");
    assert!(!elsewhere.exists(), "the planted database was opened");
    assert!(!fixture.join("logs").exists(), "the project's log file was written");
    assert_eq!(find(&fixture, "__pycache__"), Vec::<std::path::PathBuf>::new());
    // DEBUG=True of perf.toml won over the file: the service logs each request at length.
    let log = outcome.artifact("logs/server.log");
    assert!(log.len() > 20_000, "{} bytes of log: was DEBUG on?", log.len());
}

fn find(folder: &std::path::Path, name: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.file_name() == name {
            found.push(entry.path());
        } else if entry.path().is_dir() {
            found.extend(find(&entry.path(), name));
        }
    }
    found
}

#[test]
fn a_name_that_only_the_env_file_has_is_warned_of() {
    let project = Project::bundled();
    let fixture = project.folder().join("service");
    copy_tree(&crate::harness::root().join("fixtures/upstream"), &fixture);
    std::fs::write(fixture.join(".env"), "UNHEARD_OF=1\nDEBUG=False\n").unwrap();
    let project = project
        .with_service(&fixture)
        .with("min = \"1s\", max = \"3s\"", "min = \"100ms\", max = \"300ms\"")
        .with("port = 8000", "port = \"auto\"");
    let outcome = project.run(&["-u", "2", "-r", "2", "-t", "2s"]);
    outcome.expect(0, &["sets UNHEARD_OF, which", "the service reads it"]);
}
