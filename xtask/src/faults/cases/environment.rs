//! Machines that lack something: Python, a package index, disk space, a writable folder,
//! a home folder, plain folder names.

use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::super::actions::{self, find, pretend_python, require};
use super::super::below::signal;
use super::super::case::{FaultCase, Need, case};
use super::super::sandbox::{Outcome, Sandbox};

/// Makes only the programs in the sandbox's folder `bin` available.
const OWN_PATH: &str = r#"export PATH="$SANDBOX/bin"; exec "$@""#;

/// The same, and the real Python beside that folder: the program itself, as the one in `PATH`
/// may be a script that needs others.
const WITH_REAL_PYTHON: &str = r#"ln -s "$(python3 -c 'import sys; print(sys.executable)')" \
"$SANDBOX/real"; export PATH="$SANDBOX/bin"; exec "$@""#;

/// The cases.
pub fn cases() -> Vec<FaultCase> {
    [pythons(), installs(), disks(), limits(), names()].into_iter().flatten().collect()
}

fn pythons() -> Vec<FaultCase> {
    let named = |name, what| case(name, what, 3).within(OWN_PATH).stage("environment").quick();
    vec![
        named("environment/no-python", "No Python is in `PATH`.")
            .says("no Python 3.11 or newer was found; tried python3, python: not found"),
        named("environment/python-too-old", "The only Python is too old.")
            .before(|sandbox| pretend_python(sandbox, &answering("3.8.10", true)))
            .says("tried python3 (is 3.8.10)")
            .says("try: install one, or change project.python"),
        named("environment/python-without-venv", "Python has no `venv`, as Debian splits it.")
            .before(|sandbox| pretend_python(sandbox, &answering("3.12.1", false)))
            .says("python3 (lacks venv; Debian: apt-get install python3-venv)"),
        named("environment/python-broken", "Python does not start.")
            .before(|sandbox| pretend_python(sandbox, "echo libpython.so: not found >&2; exit 127"))
            .says("python3 (does not run: libpython.so: not found)"),
        named("environment/python-not-selected", "pyenv has a Python, but it is not selected.")
            .before(|sandbox| pretend_python(sandbox, PYENV))
            .says("python3 (pyenv has 3.12.4, 3.13.0, not selected: set PYENV_VERSION)"),
        case("environment/python-warns", "Python prints a warning on standard error.", 0)
            .within(WITH_REAL_PYTHON)
            .before(|sandbox| {
                let warns = "echo 'warning: setlocale: cannot change locale' >&2";
                pretend_python(sandbox, &format!("{warns}\nexec \"${{0%/*}}/../real\" \"$@\""))
            }),
    ]
}

/// What pyenv prints for a Python that is not selected.
const PYENV: &str = "printf '%s\\n' 'pyenv: python3: command not found' '' \
                     'The command exists in these Python versions:' '  3.12.4' '  3.13.0' '' \
                     'Note: See pyenv help global for tips' >&2; exit 127";

/// Limits of the system and of containers.
fn limits() -> Vec<FaultCase> {
    vec![
        case("environment/small-files", "Files may not become large (`ulimit -f`).", 3)
            .within(r#"ulimit -f 1024; exec "$@""#)
            .stage("environment")
            .says("a file may have at most ")
            .says("`ulimit -f`")
            .says("try: raise the limit")
            .quick(),
        case("environment/no-proc", "There is no `/proc`.", 3)
            .needs(Need::Mounts)
            .within(r#"exec unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' sh "$@""#)
            .without_results()
            .says("ERROR: /proc is missing")
            .says("nothing was started (exit 3)")
            .quick(),
    ]
}

/// A script that prints what a Python of this version would print.
fn answering(version: &str, venv: bool) -> String {
    format!(
        r#"echo 'PORTCULLIS-PYTHON {{"path": "/nowhere/python3", "version": "{version}", "platform": "x", "venv": {venv}}}'"#
    )
}

fn installs() -> Vec<FaultCase> {
    vec![
        case("environment/no-such-requirement", "A requirement does not exist.", 3)
            .own_cache()
            .variable("PIP_NO_INDEX", "1")
            .before(|sandbox| require(sandbox, "portcullis-has-no-such-package==1.0\n"))
            .stage("install")
            .says("No matching distribution found for portcullis-has-no-such-package==1.0")
            .says("try: check the requirements"),
        case("environment/wrong-hash", "The hash of a package differs from the requirements.", 3)
            .own_cache()
            .before(|sandbox| {
                let name = "tiny-1.0-py3-none-any.whl";
                std::fs::write(sandbox.folder.join("service").join(name), "something else")?;
                require(sandbox, &format!("./{name} --hash=sha256:{}\n", "0".repeat(64)))
            })
            .stage("install")
            .says("DO NOT MATCH THE HASHES"),
        case(
            "environment/set-reaches-pip",
            "`[env] set` names a constraints file that does not exist: pip reports it.",
            3,
        )
        .own_cache()
        .edit("set = { DEBUG", "set = { PIP_CONSTRAINT = \"no-such.txt\", DEBUG")
        .stage("install")
        .says("no-such.txt"),
        case(
            "environment/lock-not-readable",
            "The lock of the project is damaged: nothing is installed in its place.",
            3,
        )
        .before(|sandbox| {
            let lock = sandbox.folder.join("service/poetry.lock");
            Ok(std::fs::write(lock, "[[package]\n<<<<<<< HEAD\n")?)
        })
        .edit("requirements.lock\"]", "poetry.lock\"]")
        .stage("environment")
        .says("poetry.lock: it cannot be read as a lock")
        .says("`poetry export -o requirements.txt`"),
        case(
            "environment/no-such-group",
            "`project.groups` names a group that the lock does not have.",
            3,
        )
        .before(|sandbox| {
            let lock = sandbox.folder.join("service/Pipfile.lock");
            Ok(std::fs::write(lock, "{\"default\": {}, \"develop\": {}}")?)
        })
        .edit("requirements.lock\"]", "Pipfile.lock\"]\ngroups = [\"test\"]")
        .stage("environment")
        .says("it has no group \"test\" (project.groups); it has dev"),
        case(
            "environment/requirements-not-understood",
            "Requirements name a file in an encoding that is not known: the environment \
             belongs to this run alone.",
            0,
        )
        .own_cache()
        .before(|sandbox| {
            let service = sandbox.folder.join("service");
            std::fs::rename(service.join("requirements.lock"), service.join("caf\u{e9}.txt"))?;
            let latin = b"# -*- coding: latin-1 -*-\n-r caf\xe9.txt\n";
            Ok(std::fs::write(service.join("requirements.lock"), latin)?)
        })
        .says("its encoding is not clear")
        .then(|sandbox, _| {
            let kept = std::fs::read_dir(sandbox.cache().join("venv")).into_iter().flatten();
            ensure!(kept.count() == 0, "the environment was kept");
            Ok(())
        }),
        case(
            "environment/pip-killed",
            "pip is killed during the install, as when memory runs out.",
            3,
        )
        .own_cache()
        .edit("[project]", "[project]\ninstaller = \"pip\"")
        .during("  environment ", |_, run| {
            let pip = find(run, " pip install ")?;
            std::thread::sleep(Duration::from_millis(700));
            signal(pip, "KILL")
        })
        .stage("install")
        .says("ended with signal: 9"),
        case(
            "environment/half-an-environment",
            "A run is killed during the install; the next run rebuilds the environment.",
            -9,
        )
        .own_cache()
        .edit("[project]", "[project]\ninstaller = \"pip\"")
        .during("  environment ", |_, run| {
            find(run, " pip install ")?;
            std::thread::sleep(Duration::from_millis(2500));
            signal(run, "KILL")
        })
        .without_results()
        .then(|sandbox, _| {
            ensure!(
                is_half(sandbox)?,
                "the killed run left no incomplete environment to test with"
            );
            let again = sandbox.again(&case("again", "", 0), 0)?;
            ensure!(!again.text.contains("cached"), "an incomplete environment was used");
            Ok(())
        }),
        case(
            "environment/two-install-at-once",
            "Two runs start at the same time with an empty cache.",
            0,
        )
        .own_cache()
        .flags(&["-t", "6s"])
        .during("  environment ", |sandbox, _| {
            let second = case("second", "", 0).flags(&["-t", "3s", "--out", "../second"]);
            let second = sandbox.again(&second, 0)?;
            for text in ["waiting for process ", ", which is using the cached environment"] {
                ensure!(second.text.contains(text), "the output lacks {text:?}: {}", second.text);
            }
            Ok(())
        }),
    ]
}

/// Whether the cache has an environment without the marker of a complete one.
fn is_half(sandbox: &Sandbox) -> Result<bool> {
    let entries = std::fs::read_dir(sandbox.cache().join("venv"))?.flatten().map(|e| e.path());
    let mut folders = entries.filter(|path| path.is_dir());
    Ok(folders.any(|path| path.join("bin").is_dir() && !path.join(".complete").exists()))
}

fn disks() -> Vec<FaultCase> {
    let full =
        |name, what, within| case(name, what, 3).own_cache().needs(Need::Mounts).within(within);
    vec![
        full(
            "environment/cache-of-64-kb",
            "The disk is full when the environment is created.",
            r#"exec unshare -m sh -c 'mkdir -p "$SANDBOX/cache" && mount -t tmpfs -o size=64k none "$SANDBOX/cache" && exec "$@"' sh "$@""#,
        )
        .stage("environment")
        .says("free some, or set PORTCULLIS_CACHE to another folder")
        .quick(),
        full(
            "environment/cache-of-16-mb",
            "The disk becomes full while the environment is created.",
            r#"exec unshare -m sh -c 'mkdir -p "$SANDBOX/cache" && mount -t tmpfs -o size=16m none "$SANDBOX/cache" && exec "$@"' sh "$@""#,
        )
        .stage("environment")
        .says("free some, or set PORTCULLIS_CACHE to another folder"),
        full(
            "environment/cache-of-32-mb",
            "The disk becomes full while requirements are installed.",
            r#"exec unshare -m sh -c 'mkdir -p "$SANDBOX/cache" && mount -t tmpfs -o size=32m none "$SANDBOX/cache" && exec "$@"' sh "$@""#,
        )
        .stage("install")
        .says("free some, or set PORTCULLIS_CACHE to another folder"),
        case("environment/cache-read-only", "The cache folder is mounted read-only.", 3)
            .own_cache()
            .needs(Need::Mounts)
            .within(
                r#"exec unshare -m sh -c 'mkdir -p "$SANDBOX/cache" && mount --bind "$SANDBOX/cache" "$SANDBOX/cache" && mount -o remount,ro,bind "$SANDBOX/cache" && exec "$@"' sh "$@""#,
            )
            .stage("environment")
            .says("cannot be written to: Read-only file system")
            .says("set PORTCULLIS_CACHE to another folder")
            .quick(),
        case("environment/checkout-read-only", "The checkout is mounted read-only.", 0)
            .needs(Need::Mounts)
            .flags(&["-t", "3s", "--out", "../out"])
            .within(
                r#"exec unshare -m sh -c 'for it in service project; do mount --bind "$SANDBOX/$it" "$SANDBOX/$it" && mount -o remount,ro,bind "$SANDBOX/$it" || exit 99; done; cd "$PWD" && exec "$@"' sh "$@""#,
            )
            .without_results()
            .then(|sandbox, _| {
                let results = sandbox.folder.join("out/perf_results.json");
                ensure!(results.is_file(), "there are no results in the folder of --out");
                Ok(())
            })
            .quick(),
        case(
            "environment/artifacts-read-only",
            "The folder of artifacts is not writable: refused before anything is started.",
            2,
        )
        .needs(Need::Mounts)
        .within(
            r#"exec unshare -m sh -c 'mount --bind "$SANDBOX/project" "$SANDBOX/project" && mount -o remount,ro,bind "$SANDBOX/project" && cd "$PWD" && exec "$@"' sh "$@""#,
        )
        .without_results()
        .says("cannot be written to: Read-only file system")
        .says("nothing was started (exit 2)")
        .quick(),
    ]
}

fn names() -> Vec<FaultCase> {
    // `pwd -P`, because the shell itself would keep the plain name.
    let moved = r#"export TMPDIR="$(cd "$SANDBOX/tmp" && pwd -P)"; export PORTCULLIS_CACHE="$TMPDIR/../cache"; exec "$@""#;
    vec![
        case(
            "environment/no-home",
            "`HOME` is not set: the cache is placed beside the configuration.",
            0,
        )
        .variable("HOME", "")
        .variable("XDG_CACHE_HOME", "")
        .variable("PORTCULLIS_CACHE", "")
        .before(|sandbox| {
            let folder = sandbox.folder.join("project/target/portcullis");
            std::fs::create_dir_all(&folder)?;
            Ok(std::os::unix::fs::symlink(sandbox.cache(), folder.join("cache"))?)
        })
        .quick(),
        case(
            "environment/spaces-and-quotes",
            "Folders have spaces, quotes and `$` in their names.",
            0,
        )
        .before(|sandbox| actions::move_into(sandbox, "a 'b' \"c\" $d é;#".as_bytes()))
        .within(moved)
        .then(mentions_no_plain_name)
        .quick(),
        case("environment/not-utf-8", "Folders have names that are not UTF-8.", 0)
            .before(|sandbox| actions::move_into(sandbox, b"n\xe9 \xff"))
            .within(moved)
            .then(mentions_no_plain_name),
    ]
}

/// Checks that the run was really in the moved folder.
fn mentions_no_plain_name(sandbox: &Sandbox, outcome: &Outcome) -> Result<()> {
    let plain = sandbox.artifacts().display().to_string();
    if outcome.text.contains(&plain) {
        bail!("the run was in {plain}, not in the folder with the odd name");
    }
    Ok(())
}
