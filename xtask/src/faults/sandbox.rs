//! The sandbox of a case: a copy of the bundled service, a configuration, private
//! folders, and the run itself.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::case::FaultCase;
use super::leaks::{self, Tree};
use crate::tools;

/// After this time a run is considered as hanging, even on a slow machine.
const HANG: Duration = Duration::from_secs(240);

/// The sandbox of one case; dropping it removes its folder.
pub struct Sandbox {
    /// The folder with `service`, `project`, `tmp`, and the run's own cache if it has one.
    pub folder: PathBuf,
    /// The project's files before the run.
    pub service: Tree,
    /// Processes that existed before the run.
    pub processes: Vec<u32>,
    cache: PathBuf,
    companions: Mutex<Vec<Child>>,
}

/// The outcome of a run: its output and its artifacts.
pub struct Outcome {
    /// The exit code; the negative number of the signal if one ended the run.
    pub code: Option<i32>,
    /// Standard output and standard error together.
    pub text: String,
    /// The artifacts by name.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Sandbox {
    /// Makes a case's sandbox.
    ///
    /// # Errors
    /// The disk refuses, or the configuration has no place for an edit.
    pub fn new(case: &FaultCase) -> Result<Self> {
        let name = case.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let folder = std::env::temp_dir().join(format!("faults-{}-{name}", std::process::id()));
        for part in ["project", "tmp", "home"] {
            std::fs::create_dir_all(folder.join(part))?;
        }
        let service = folder.join("service");
        copy_tree(&tools::root().join("fixtures/upstream"), &service)?;
        let config = configuration(case, &service)?;
        std::fs::write(folder.join("project/perf.toml"), config)?;
        let shared = tools::root().join("target/tmp/faults-cache");
        let cache = if case.own_cache { folder.join("cache") } else { shared };
        let mut sandbox = Self {
            folder,
            service: Tree::default(),
            processes: Vec::new(),
            cache,
            companions: Mutex::default(),
        };
        for before in &case.before {
            before(&sandbox).context("preparing")?;
        }
        sandbox.service = leaks::tree(&sandbox.folder.join("service"))?;
        sandbox.processes = leaks::processes();
        Ok(sandbox)
    }

    /// The folder of the caches.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The folder with the private folders of runs.
    pub fn tmp(&self) -> PathBuf {
        self.folder.join("tmp")
    }

    /// The folder of artifacts.
    pub fn artifacts(&self) -> PathBuf {
        self.folder.join("project/.portcullis")
    }

    /// Starts another program of `fixtures/faults`, which runs until the sandbox ends.
    ///
    /// # Errors
    /// Python is missing.
    pub fn accompany(&self, file: &str, argument: &str) -> Result<()> {
        let path = tools::root().join("fixtures/faults").join(file);
        let child = Command::new(tools::python()?)
            .arg("-B")
            .arg(path)
            .arg(argument)
            .current_dir("/")
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {file}"))?;
        self.companions.lock().unwrap_or_else(|e| e.into_inner()).push(child);
        Ok(())
    }

    /// Ends the other programs, if they were started during the run: afterwards nothing may be
    /// left.
    pub fn dismiss(&self) {
        for mut child in self.companions.lock().unwrap_or_else(|e| e.into_inner()).drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The command of a run in this sandbox, not started yet.
    ///
    /// # Errors
    /// Our own binary cannot be found.
    pub fn command(&self, case: &FaultCase) -> Result<Command> {
        let this = std::env::current_exe()?;
        let mut command = match case.within {
            None => Command::new(&this),
            Some(script) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", script, "sh"]).arg(&this);
                shell
            }
        };
        command
            .arg("perf")
            .args(&case.flags)
            .current_dir(self.folder.join("project"))
            .env("TMPDIR", self.tmp())
            .env("PORTCULLIS_CACHE", &self.cache)
            .env("SANDBOX", &self.folder)
            .env("UPSTREAM_FAULTS", case.faults)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if case.faults.is_empty() {
            command.env_remove("UPSTREAM_FAULTS");
        }
        // In CI, these runs must not write results of the surrounding job.
        for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"] {
            command.env_remove(name);
        }
        for (name, value) in &case.variables {
            match value.is_empty() {
                true => command.env_remove(name),
                false => command.env(name, value),
            };
        }
        Ok(command)
    }

    /// Runs a case to its end, with its action during the run.
    ///
    /// # Errors
    /// It cannot be started, hangs, or ends before the action.
    pub fn play(&self, case: &FaultCase) -> Result<Outcome> {
        let mut child = self.command(case)?.spawn().context("starting the run")?;
        let pid = child.id();
        let said = Said::of(&mut child);
        if let Some((text, act)) = case.during {
            said.wait_for(text, &mut child)?;
            if let Err(error) = act(self, pid) {
                child.kill()?;
                let outcome = self.finish(child, &said)?;
                return Err(error.context(format!("disturbing:\n{}", outcome.text)));
            }
        }
        self.finish(child, &said)
    }

    /// Runs a case and kills it after a while, if it has not ended by then.
    ///
    /// # Errors
    /// It cannot be started or killed.
    pub fn kill_after(&self, case: &FaultCase, moment: Duration) -> Result<Outcome> {
        let mut child = self.command(case)?.spawn().context("starting the run")?;
        let said = Said::of(&mut child);
        std::thread::sleep(moment);
        child.kill()?;
        self.finish(child, &said)
    }

    /// Makes the same run once more, and expects this exit code.
    ///
    /// # Errors
    /// The exit code is another one.
    pub fn again(&self, case: &FaultCase, code: i32) -> Result<Outcome> {
        let quiet = FaultCase { during: None, ..case.clone() };
        let outcome = self.play(&quiet)?;
        if outcome.code != Some(code) {
            bail!("the next run: exit {:?}, not {code}:\n{}", outcome.code, outcome.text);
        }
        Ok(outcome)
    }

    fn finish(&self, mut child: Child, said: &Said) -> Result<Outcome> {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if start.elapsed() > HANG {
                child.kill()?;
                bail!("the run hangs:\n{}", said.text());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        // The last output is read shortly after the end of the process.
        std::thread::sleep(Duration::from_millis(100));
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        let mut files = BTreeMap::new();
        read_tree(&self.artifacts(), &self.artifacts(), &mut files);
        let code = status.code().or(signal.map(|signal| -signal));
        Ok(Outcome { code, text: said.text(), files })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let companions = self.companions.get_mut().unwrap_or_else(|e| e.into_inner());
        for child in companions {
            let _ = child.kill();
            let _ = child.wait();
        }
        // Python mirrors the folder in the cache that all sandboxes share.
        if let Ok(path) = self.folder.strip_prefix("/") {
            let _ = std::fs::remove_dir_all(self.cache.join("bytecode").join(path));
        }
        // With FAULTS_KEEP the folder stays, to examine a failed case by hand.
        if std::env::var_os("FAULTS_KEEP").is_none() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

impl Outcome {
    /// The last line: the verdict.
    pub fn verdict(&self) -> String {
        self.text.trim_end().lines().last().unwrap_or_default().to_owned()
    }

    /// The results.
    ///
    /// # Errors
    /// They are missing or incomplete.
    pub fn results(&self) -> Result<serde_json::Value> {
        let bytes = self.files.get("perf_results.json").with_context(|| {
            format!("no perf_results.json in {:?}:\n{}", self.files.keys(), self.text)
        })?;
        Ok(serde_json::from_slice(bytes)?)
    }

    /// Logs that the page links but that do not exist.
    pub fn dead_links(&self) -> Vec<String> {
        let page = self.files.get("perf_results.html").map(|bytes| String::from_utf8_lossy(bytes));
        let page = page.unwrap_or_default();
        let linked = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let logs = linked.filter(|link| link.starts_with("logs/"));
        logs.filter(|log| !self.files.contains_key(*log)).map(str::to_owned).collect()
    }

    /// The place that contains a text: the output, or an artifact.
    pub fn place_of(&self, text: &str) -> Option<String> {
        if self.text.contains(text) {
            return Some("the output".to_owned());
        }
        let holds =
            |bytes: &&Vec<u8>| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        let found = self.files.iter().find(|(_, bytes)| holds(bytes));
        found.map(|(name, _)| name.clone())
    }
}

/// The output of a run while it goes on.
struct Said(Arc<Mutex<String>>);

impl Said {
    fn of(child: &mut Child) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let streams: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|stream| Box::new(stream) as _),
            child.stderr.take().map(|stream| Box::new(stream) as _),
        ];
        for stream in streams.into_iter().flatten() {
            let text = Arc::clone(&text);
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream);
                let mut line = Vec::new();
                while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                    let mut text = text.lock().unwrap_or_else(|e| e.into_inner());
                    text.push_str(&String::from_utf8_lossy(&line));
                    line.clear();
                }
            });
        }
        Self(text)
    }

    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    fn wait_for(&self, text: &str, child: &mut Child) -> Result<()> {
        let start = Instant::now();
        while !self.text().contains(text) {
            if child.try_wait()?.is_some() || start.elapsed() > HANG {
                bail!("the run never printed {text:?}:\n{}", self.text());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

/// The bundled configuration for the copy of the service, with short waits as in the
/// end-to-end tests, and with the edits of the case.
fn configuration(case: &FaultCase, service: &Path) -> Result<String> {
    let bundled = std::fs::read_to_string(tools::root().join("perf.toml"))?;
    let mut config = bundled.replace("\"fixtures/upstream", &format!("\"{}", service.display()));
    let quickened = [
        ("wait = { min = \"1s\", max = \"3s\" }", "wait = { min = \"100ms\", max = \"200ms\" }"),
        (
            "users = 5\nspawn_rate = \"1/s\"\nduration = \"30s\"",
            "users = 2\nspawn_rate = \"2/s\"\nduration = \"3s\"",
        ),
        ("port = 8000", "port = \"auto\""),
    ];
    let edits = case.edits.iter().map(|(from, to)| (*from, to.as_str()));
    for (from, to) in quickened.into_iter().chain(edits) {
        if !config.contains(from) {
            bail!("perf.toml has no {from:?}");
        }
        config = config.replacen(from, to, 1);
    }
    Ok(config)
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)?.flatten() {
        let name = entry.file_name();
        let ignored = ["__pycache__", "logs", ".env", "db.sqlite3", ".pytest_cache"];
        if ignored.iter().any(|other| name == *other) {
            continue;
        }
        let (source, target) = (entry.path(), to.join(&name));
        if source.is_dir() {
            copy_tree(&source, &target)?;
        } else {
            std::fs::copy(source, target)?;
        }
    }
    Ok(())
}

fn read_tree(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_tree(root, &path, files);
        } else if let (Ok(name), Ok(bytes)) = (path.strip_prefix(root), std::fs::read(&path)) {
            files.insert(name.display().to_string(), bytes);
        }
    }
}
