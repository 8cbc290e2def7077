//! Tests of the results page in a real browser: Debian's Chromium, driven from Node. The
//! tests open the pages of the real runs in `fixtures/results`, and of two runs that the
//! tests of `portcullis-report` make: a hostile one, and one of an hour.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::tools;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// The files that `npm ci` reads.
const PROJECT: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];
/// Pages that the tests of `portcullis-report` make.
const MADE: [&str; 2] = ["hostile", "hour"];

/// A browser, and the Node packages that drive it.
pub struct Browser {
    chromium: PathBuf,
    modules: PathBuf,
}

impl Browser {
    /// Finds a browser, Node and the packages. As root on Debian, missing ones are
    /// installed.
    ///
    /// # Errors
    /// Something is missing and cannot be installed.
    pub fn ready() -> Result<Self> {
        let chromium = match chromium() {
            Some(path) => path,
            None => {
                tools::install_debian("chromium")?;
                chromium().context("no Chromium was found")?
            }
        };
        for (program, package) in [("node", "nodejs"), ("npm", "npm")] {
            if !tools::is_there(program, &["--version"]) {
                tools::install_debian(package)?;
            }
        }
        Ok(Self { chromium, modules: modules()? })
    }

    /// A command that runs a script of `xtask/browser` with these arguments.
    pub fn node(&self, arguments: &[&str]) -> Command {
        let mut node = Command::new("node");
        node.args(arguments)
            .current_dir(source())
            .env("NODE_PATH", &self.modules)
            .env("CHROMIUM", &self.chromium);
        node
    }

    /// Makes a PNG picture of the upper part of a page, as in a window of this size in pixels.
    ///
    /// # Errors
    /// The browser fails.
    pub fn picture(&self, page: &Path, picture: &Path, size: [u32; 2]) -> Result<()> {
        let [width, height] = size.map(|pixels| pixels.to_string());
        let mut node = self.node(&["picture.cjs"]);
        tools::run(node.arg(page).arg(picture).args([width, height]))
    }
}

/// The first browser on the path.
fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let places = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    { places }.find(|place| place.is_file())
}

/// Opens every page and tests it.
///
/// # Errors
/// A test failed, or something that the tests need is missing.
pub fn test() -> Result<()> {
    let browser = Browser::ready()?;
    let folder = tools::root().join("target/browser");
    let pages = folder.join("pages");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("removing old pages and screenshots")?;
    }
    std::fs::create_dir_all(&pages)?;
    of_real_runs(&pages)?;
    of_tests(&folder.join("made"), &pages)?;
    let mut node = browser.node(&["--test", "pages.test.cjs"]);
    tools::run(node.env("PAGES", &pages).env("PICTURES", &folder))
}

/// Renders a page for each results file of `fixtures/results`, under its name.
fn of_real_runs(pages: &Path) -> Result<()> {
    let results = tools::root().join("fixtures/results");
    for entry in std::fs::read_dir(&results).context(results.display().to_string())? {
        let file = entry?.path();
        let Some(name) = file.file_stem().filter(|_| file.extension().is_some_and(|e| e == "json"))
        else {
            continue;
        };
        let out = tempfile::tempdir()?;
        let folder = out.path().join("made");
        let mut report = Command::new(std::env::current_exe()?);
        report.arg("report").arg(&file).args(["--html", "--out"]).arg(&folder);
        tools::run(report.stdout(std::io::stderr()))?;
        let page = pages.join(name).with_extension("html");
        std::fs::copy(folder.join("perf_results.html"), page)?;
    }
    Ok(())
}

fn of_tests(made: &Path, pages: &Path) -> Result<()> {
    std::fs::create_dir_all(made)?;
    let mut cargo = Command::new("cargo");
    // The same features as those of all tests, so that nothing is built twice.
    cargo.args(["test", "--locked", "-q", "--workspace", "--test", "reports", "html"]);
    tools::run(cargo.current_dir(tools::root()).env("PORTCULLIS_PAGES", made))?;
    for name in MADE {
        let file = format!("{name}.html");
        std::fs::copy(made.join(&file), pages.join(&file)).context(file)?;
    }
    Ok(())
}

fn source() -> PathBuf {
    tools::root().join("xtask/browser")
}

/// Installs the packages of the lock file into `target`.
fn modules() -> Result<PathBuf> {
    let folder = tools::root().join("target/browser-npm");
    let read = |folder: &Path| -> Result<Vec<String>> {
        let texts = PROJECT.iter().map(|name| std::fs::read_to_string(folder.join(name)));
        Ok(texts.collect::<Result<_, _>>()?)
    };
    let wanted = read(&source())?;
    let modules = folder.join("node_modules");
    if modules.is_dir() && read(&folder).is_ok_and(|present| present == wanted) {
        return Ok(modules);
    }
    std::fs::create_dir_all(&folder)?;
    let _ = std::fs::remove_dir_all(&modules);
    for (name, text) in PROJECT.iter().zip(wanted) {
        std::fs::write(folder.join(name), text)?;
    }
    let ended = tools::run(
        Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder),
    );
    if ended.is_err() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    ended.map(|()| modules)
}
