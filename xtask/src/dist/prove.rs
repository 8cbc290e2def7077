//! Installs each package into a clean environment without Rust, and runs the bundled job
//! in a fresh clone with it: once cold, and once from the cache.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::{Packages, version};
use crate::tools;

/// Proves every package.
///
/// # Errors
/// One does not install, or does not pass the bundled job.
pub fn all(packages: &Packages) -> Result<()> {
    for (what, install) in [
        ("wheel", wheel as fn(&Packages, &Path) -> Result<PathBuf>),
        ("deb", deb),
        ("archive", archive),
    ] {
        let folder = tempfile::tempdir()?;
        let start = Instant::now();
        let bin = install(packages, folder.path()).with_context(|| what.to_owned())?;
        let place = Place::make(folder.path(), bin)?;
        for run in ["cold", "from the cache"] {
            place.perf(run).with_context(|| format!("{what}, {run}"))?;
            println!(
                "{what}: passed, {run}, {:.1} s since its install",
                start.elapsed().as_secs_f64()
            );
        }
    }
    Ok(())
}

fn wheel(packages: &Packages, folder: &Path) -> Result<PathBuf> {
    let tool = folder.join("tool");
    tools::run(Command::new(tools::python()?).args(["-m", "venv"]).arg(&tool))?;
    let bin = tool.join("bin");
    let mut pip = Command::new(bin.join("python"));
    pip.args(["-m", "pip", "install", "-q", "--no-index"]).arg(&packages.wheel);
    tools::run(pip.current_dir(folder))?;
    // The second command starts the first, through a link too.
    let link = folder.join("portcullis-perf");
    std::os::unix::fs::symlink(bin.join("portcullis-perf"), &link)?;
    let said = Command::new(&link).arg("--version").output()?.stdout;
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(said.contains(version()), "portcullis-perf --version says {said:?}");
    Ok(bin)
}

fn deb(packages: &Packages, folder: &Path) -> Result<PathBuf> {
    let root = folder.join("root");
    tools::run(Command::new("dpkg-deb").arg("--extract").arg(&packages.deb).arg(&root))?;
    Ok(root.join("usr/bin"))
}

fn archive(packages: &Packages, folder: &Path) -> Result<PathBuf> {
    let mut tar = Command::new("tar");
    tools::run(tar.arg("-xzf").arg(&packages.archive).arg("-C").arg(folder))?;
    Ok(folder.join(format!("portcullis-{}/bin", version())))
}

/// A fresh clone, an empty home, and a search path without Rust.
struct Place {
    clone: PathBuf,
    home: PathBuf,
    path: OsString,
}

impl Place {
    fn make(folder: &Path, bin: PathBuf) -> Result<Self> {
        let (clone, home) = (folder.join("clone"), folder.join("home"));
        std::fs::create_dir_all(&home)?;
        let mut git = Command::new("git");
        tools::run(git.args(["clone", "-q"]).arg(tools::root()).arg(&clone))?;
        let system = ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from);
        let path = std::env::join_paths(std::iter::once(bin).chain(system))?;
        Ok(Self { clone, home, path })
    }

    /// Runs the bundled job; it must pass, and leave the clone as it was.
    fn perf(&self, run: &str) -> Result<()> {
        let mut command = Command::new("portcullis");
        command.args(["perf", "-t", "10s"]).current_dir(&self.clone).env_clear();
        command.env("PATH", &self.path).env("HOME", &self.home).env("LANG", "C.UTF-8");
        // How this machine reaches packages.
        let kept = std::env::vars_os().filter(|(name, _)| {
            let name = name.to_string_lossy();
            name.starts_with("PIP_") || name.starts_with("SSL_CERT") || name.ends_with("_PROXY")
        });
        tools::run(command.envs(kept))?;
        let mut git = Command::new("git");
        let status = git.args(["status", "--porcelain"]).current_dir(&self.clone).output()?;
        ensure!(status.stdout.is_empty(), "the run changed its checkout: {status:?}");
        let results = std::fs::read_to_string(self.clone.join("target/perf/perf_results.json"))?;
        let results: serde_json::Value = serde_json::from_str(&results)?;
        let cached = |stage: &&serde_json::Value| stage["cached"] == true;
        let cached =
            results["stages"].as_array().map_or(0, |all| all.iter().filter(cached).count());
        ensure!(
            run == "cold" || cached > 0,
            "the second run restored nothing: {}",
            results["stages"]
        );
        Ok(())
    }
}
