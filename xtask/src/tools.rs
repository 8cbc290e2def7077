//! Tools for development: running commands with error messages, a Python
//! environment, Debian packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The root of the repository, in which xtask was built.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// Whether this is a CI run, in which nothing may be skipped.
pub fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}

/// Prints a command and runs it. It is printed on standard error, because `bench` prints
/// its table on standard output.
///
/// # Errors
/// It cannot be started, or fails.
pub fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", told(command));
    let status = command.status().with_context(|| format!("starting {}", told(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", told(command));
    }
    Ok(())
}

fn told(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Whether a command can be run with these arguments and succeeds.
pub fn is_there(program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).output();
    output.is_ok_and(|output| output.status.success())
}

/// The first Python of at least 3.11 that can create virtual environments. As
/// root on Debian a missing `venv` is installed.
///
/// # Errors
/// No such Python was found.
pub fn python() -> Result<String> {
    let names = ["python3", "python3.13", "python3.12", "python3.11"];
    let probe = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";
    let find = || names.iter().find(|name| is_there(name, &["-c", probe]));
    if let Some(name) = find() {
        return Ok((*name).to_owned());
    }
    install_debian("python3-venv")?;
    find().map(|name| (*name).to_owned()).context("no Python 3.11 or newer with venv was found")
}

/// Installs a Debian package, with a message.
///
/// # Errors
/// This is not Debian, the user is not root, or the package cannot be installed.
pub fn install_debian(package: &str) -> Result<()> {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout == b"0\n");
    if !is_root || !is_there("apt-get", &["--version"]) {
        bail!("{package} is missing; install it (xtask can do this only as root on Debian)");
    }
    eprintln!("xtask: installing the Debian package {package}");
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").stdout(std::io::stderr());
        apt
    };
    run(apt().args(["update", "-qq"]))?;
    run(apt().args(["install", "-y", "-qq", package]))
}

/// Builds a program from crates.io into `target/bench-tools`, unless this version exists
/// already.
///
/// # Errors
/// It cannot be built.
pub fn cargo_install(program: &str, version: &str) -> Result<PathBuf> {
    let kept = root().join("target/bench-tools");
    let binary = kept.join("bin").join(program);
    let told = Command::new(&binary).arg("--version").output();
    let is_built = told.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).trim() == format!("{program} {version}")
    });
    if !is_built {
        let mut cargo = Command::new("cargo");
        cargo.args(["install", program, "--version", version, "--locked", "--force", "--root"]);
        run(cargo.arg(kept).current_dir(root()).stdout(std::io::stderr()))?;
    }
    Ok(binary)
}

/// A virtual environment in `target/`, made with these arguments to `pip install`. It is
/// rebuilt when `content` changes.
///
/// # Errors
/// Python is missing or pip failed.
pub fn venv(name: &str, arguments: &[&str], content: &str) -> Result<PathBuf> {
    let python = python()?;
    let folder = root().join("target").join(name);
    let marker = folder.join("made-of");
    let made_of = format!("{python}\n{arguments:?}\n{content}");
    if std::fs::read_to_string(&marker).is_ok_and(|text| text == made_of) {
        return Ok(folder.join("bin"));
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("removing an old environment")?;
    }
    run(Command::new(&python).args(["-m", "venv"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check"];
    let mut python = Command::new(folder.join("bin/python"));
    python.args(pip).args(arguments).current_dir(root()).stdout(std::io::stderr());
    run(&mut python)?;
    std::fs::write(&marker, made_of).context("marking the environment")?;
    Ok(folder.join("bin"))
}

/// The requirements of the programs that tests use: a change rebuilds the environment.
const REQUIREMENTS: [&str; 2] = ["requirements-dev.txt", "requirements.lock"];

/// The folder with the programs that tests use: Locust, and readers of reports.
///
/// # Errors
/// Python is missing, or pip failed.
pub fn development_environment() -> Result<PathBuf> {
    let fixture = root().join("fixtures/upstream");
    let mut content = String::new();
    for name in REQUIREMENTS {
        let path = fixture.join(name);
        content.push_str(&std::fs::read_to_string(&path).context(path.display().to_string())?);
    }
    venv("test-venv", &["-r", "fixtures/upstream/requirements-dev.txt"], &content)
}
