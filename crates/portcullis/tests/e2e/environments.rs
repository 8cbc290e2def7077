//! Environments from the locks of other tools, by uv or pip.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::harness::{Outcome, Project, copy_tree, root};

/// Name and version of each package that the bundled service needs.
fn packages() -> Vec<(String, String)> {
    let lock = root().join("fixtures/upstream/requirements.lock");
    let text = std::fs::read_to_string(lock).unwrap();
    let pair = |line: &str| {
        let (name, version) = line.split_once("==")?;
        Some((name.to_lowercase().replace('_', "-"), version.trim().to_owned()))
    };
    text.lines().filter_map(pair).collect()
}

/// The bundled service with another lock in the place of its list, in a folder with a blank.
fn service(folder: &Path, name: &str, lock: &str) -> Project {
    let service = folder.join("my service");
    copy_tree(&root().join("fixtures/upstream"), &service);
    for file in std::fs::read_dir(&service).unwrap().flatten() {
        if file.file_name().to_string_lossy().starts_with("requirements") {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    std::fs::write(service.join(name), lock).unwrap();
    let list = format!("requirements = [\"{}/requirements.lock\"]", service.display());
    Project::bundled()
        .with_service(&service)
        .with(&list, "requirements = \"auto\"")
        .with("python = \"3.11\"", "python = \"auto\"")
        .with("users = 5\nspawn_rate = \"1/s\"\nduration = \"30s\"", QUICK)
        .with("wait = { min = \"1s\", max = \"3s\" }", "wait = { constant = \"200ms\" }")
        .with("port = 8000", "port = \"auto\"")
}

const QUICK: &str = "users = 3\nspawn_rate = \"3/s\"\nduration = \"3s\"";

/// A lock of uv whose project needs every package.
fn uv_lock() -> String {
    let mut lock = "version = 1\nrequires-python = \">=3.11\"\n".to_owned();
    let mut needs = String::new();
    for (name, version) in packages() {
        let _ = writeln!(needs, "    {{ name = \"{name}\" }},");
        let _ = writeln!(
            lock,
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\
             source = {{ registry = \"https://index.example/simple\" }}"
        );
    }
    lock.push_str("[[package]]\nname = \"no-such-package-of-windows\"\nversion = \"1\"\n");
    lock.push_str("source = { registry = \"https://index.example/simple\" }\n");
    needs
        .push_str("    { name = \"no-such-package-of-windows\", marker = \"os_name == 'nt'\" },\n");
    let _ = writeln!(
        lock,
        "[[package]]\nname = \"shop\"\nversion = \"0\"\nsource = {{ virtual = \".\" }}\n\
         dependencies = [\n{needs}]"
    );
    lock
}

/// Runs with a cache of its own, where nothing is installed yet.
fn run(project: &Project, variables: &[(&str, &str)]) -> Outcome {
    let cache = project.folder().join("cache");
    project.run_with(&[], |command| {
        command.env("PORTCULLIS_CACHE", &cache).envs(variables.iter().copied());
    })
}

#[test]
fn a_lock_is_installed_as_it_is_and_a_private_index_stays_private() {
    let folder = tempfile::tempdir().unwrap();
    let project = service(folder.path(), "uv.lock", &uv_lock());
    std::fs::write(folder.path().join("my service/.python-version"), "3\n").unwrap();
    let before = listed(folder.path());
    let outcome = run(&project, &[]);
    outcome.expect(0, &["(.python-version)", "uv.lock (the project's lock), by "]);
    assert_eq!(listed(folder.path()), before, "something was written beside the lock");
    // An index that does not answer: nothing comes from another one.
    let private = [
        ("PIP_INDEX_URL", "http://127.0.0.1:1/simple"),
        ("PIP_RETRIES", "0"),
        ("UV_HTTP_RETRIES", "0"),
        ("PIP_FIND_LINKS", ""),
    ];
    run(&project, &private).expect(3, &["the requirements"]);
}

/// The paths below a folder.
fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path().is_dir() {
            true => found.extend(listed(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found.sort_unstable();
    found
}

#[test]
#[ignore = "long: an environment for each kind of lock"]
fn every_lock_gives_a_working_environment() {
    let pins = packages();
    let each = |line: &dyn Fn(&str, &str) -> String| -> String {
        pins.iter().map(|(name, version)| line(name, version)).collect()
    };
    let poetry = each(&|name, version| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\noptional = false\n\
             groups = [\"main\"]\nfiles = []\n\n"
        )
    });
    let pdm = each(&|name, version| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\ngroups = [\"default\"]\n\n"
        )
    });
    let pipenv: serde_json::Map<String, serde_json::Value> = pins
        .iter()
        .map(|(name, version)| {
            (name.clone(), serde_json::json!({ "version": format!("=={version}") }))
        })
        .collect();
    let pipenv = serde_json::json!({ "_meta": {}, "default": pipenv, "develop": {} }).to_string();
    let list = each(&|name, version| format!("    \"{name}=={version}\",\n"));
    let list = format!("[project]\nname = \"shop\"\nversion = \"0\"\ndependencies = [\n{list}]\n");
    for (name, lock) in [
        ("poetry.lock", poetry),
        ("pdm.lock", pdm),
        ("Pipfile.lock", pipenv),
        ("pyproject.toml", list),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let project = service(folder.path(), name, &lock);
        let by_pip = service(folder.path(), name, &lock)
            .with("[project]", "[project]\ninstaller = \"pip\"\npre_install = [\"wheel\"]");
        run(&project, &[]).expect(0, &[&format!("{name} (the project's l")]);
        run(&by_pip, &[]).expect(0, &["by pip"]);
    }
}
