//! Tools of development: commands with their failures told, a Python
//! environment, Debian packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The repository's root: xtask is built inside it.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// Whether nothing may be skipped.
pub fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}

/// Runs a command, telling it first; on standard error, as `bench` prints its
/// table on standard output.
///
/// # Errors
/// It cannot be started, or does not end well.
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

/// Whether a command answers to `--version`.
pub fn is_there(program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).output();
    output.is_ok_and(|output| output.status.success())
}

/// The first Python of at least 3.11 that can make virtual environments; as
/// root on Debian a missing `venv` is installed.
///
/// # Errors
/// There is none.
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

/// Installs a Debian package, and says so.
///
/// # Errors
/// This is not Debian, we are not root, or the package cannot be installed.
pub fn install_debian(package: &str) -> Result<()> {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout == b"0\n");
    if !is_root || !is_there("apt-get", &["--version"]) {
        bail!("{package} is missing; install it (only root on Debian has it done by xtask)");
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

/// Builds a program of crates.io once, and again for another version; it is kept
/// in `target/bench-tools`.
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

/// A virtual environment in `target/` with these arguments to `pip install`;
/// rebuilt when `content` differs from what it was made of.
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

/// What the programs that tests want are made of: a change rebuilds the environment.
const REQUIREMENTS: [&str; 2] = ["requirements-dev.txt", "requirements.lock"];

/// The folder of the programs that tests want: Locust, and readers of reports.
///
/// # Errors
/// There is no Python, or pip failed.
pub fn development_environment() -> Result<PathBuf> {
    let fixture = root().join("fixtures/upstream");
    let mut content = String::new();
    for name in REQUIREMENTS {
        let path = fixture.join(name);
        content.push_str(&std::fs::read_to_string(&path).context(path.display().to_string())?);
    }
    venv("test-venv", &["-r", "fixtures/upstream/requirements-dev.txt"], &content)
}
