//! A project of its own for each test: the bundled configuration, quickened,
//! with private folders, and a look at what a run leaves behind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// No wait of a test is longer than this: a hang, not a slow machine.
pub const HANG: Duration = Duration::from_secs(180);
/// How often a run is tried on a busy machine.
const TRIES: u32 = 3;
/// The texts with which a run says that the machine was too busy.
const BUSY: [&str; 3] = [
    "the load generator was late by",
    "the load generator stalled for",
    "because waits of users ended late",
];

/// A configuration in a folder of its own.
pub struct Project {
    folder: TempDir,
    config: String,
}

/// What a run said and left.
pub struct Outcome {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output and standard error.
    pub text: String,
    /// The artifacts by name, as they were right after the run.
    files: BTreeMap<String, String>,
}

impl Project {
    /// The bundled project with short waits: a run takes seconds, not minutes.
    pub fn quick() -> Self {
        Self::bundled()
            .with_service(&root().join("fixtures/upstream"))
            .with(
                "wait = { min = \"1s\", max = \"3s\" }",
                "wait = { min = \"100ms\", max = \"300ms\" }",
            )
            .with(
                "users = 5\nspawn_rate = \"1/s\"\nduration = \"30s\"",
                "users = 3\nspawn_rate = \"3/s\"\nduration = \"4s\"",
            )
            .with("port = 8000", "port = \"auto\"")
    }

    /// The bundled configuration as it is.
    pub fn bundled() -> Self {
        let config = std::fs::read_to_string(root().join("perf.toml")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        // PostgreSQL refuses root: it runs as another account, which must reach `tmp`.
        open(folder.path());
        for name in ["tmp", "project"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder, config }
    }

    /// A configuration of the test's own.
    pub fn of(config: String) -> Self {
        Self::bundled().reconfigured(config)
    }

    /// The same folder with a configuration of the test's own.
    pub fn reconfigured(self, config: String) -> Self {
        Self { config, ..self }
    }

    /// With the first occurrence of a piece of the configuration replaced.
    pub fn with(mut self, from: &str, to: &str) -> Self {
        assert!(self.config.contains(from), "perf.toml has no {from:?}");
        self.config = self.config.replacen(from, to, 1);
        self
    }

    /// With the service of another folder.
    pub fn with_service(mut self, folder: &Path) -> Self {
        let path = folder.to_str().unwrap();
        self.config = self.config.replace("\"fixtures/upstream", &format!("\"{path}"));
        self
    }

    /// The test's private folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command, with these flags, not started yet.
    pub fn command(&self, flags: &[&str]) -> Command {
        let project = self.folder.path().join("project");
        std::fs::write(project.join("perf.toml"), &self.config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command
            .arg("perf")
            .args(flags)
            .current_dir(&project)
            .env("TMPDIR", self.tmp())
            .env("PORTCULLIS_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e-cache"))
            .env_remove("UPSTREAM_FAULTS")
            // A run of a test is no result of the job that runs the tests.
            .env_remove("GITHUB_ACTIONS")
            .env_remove("GITHUB_STEP_SUMMARY")
            .env_remove("GITHUB_OUTPUT")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Where runs of this project keep their private folders.
    pub fn tmp(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    /// Runs to the end and looks at what is left behind.
    pub fn run(&self, flags: &[&str]) -> Outcome {
        self.run_with(flags, |_| {})
    }

    /// Judges an artifact of the last run again; the exit code and what is said.
    pub fn check(&self, name: &str) -> (Option<i32>, String) {
        let file = self.folder.path().join("project/.portcullis").join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        let output = command.arg("check").arg(file).current_dir(self.folder()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Makes the artifacts of the last run again, elsewhere: the same bytes.
    fn expect_again(&self, outcome: &Outcome) {
        let file = self.folder.path().join("project/.portcullis/perf_results.json");
        let out = self.folder.path().join("again");
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        let done = command.arg("report").arg(file).arg("--out").arg(&out).output().unwrap();
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        let (mut again, mut files) = (BTreeMap::new(), outcome.files.clone());
        read_tree(&out, &out, &mut again);
        files.retain(|name, _| !name.starts_with("logs/"));
        for (name, text) in files {
            let made = again.get(&name);
            assert!(made == Some(&text), "{name} is another one when it is made again");
        }
    }

    /// Runs with faults in the service.
    pub fn run_with_faults(&self, faults: &str, flags: &[&str]) -> Outcome {
        self.run_with(flags, |command| _ = command.env("UPSTREAM_FAULTS", faults))
    }

    /// Runs with an environment of its own. A busy machine makes a run invalid, which says
    /// nothing about what is tested: then it is repeated.
    pub fn run_with(&self, flags: &[&str], adapt: impl Fn(&mut Command)) -> Outcome {
        let once = || {
            let mut command = self.command(flags);
            adapt(&mut command);
            self.finish(command.spawn().unwrap())
        };
        let first = once();
        (1..TRIES).fold(first, |came, _| {
            if is_of_a_busy_machine(came.code, &came.text) { once() } else { came }
        })
    }

    /// Waits for a run and looks at what is left behind.
    pub fn finish(&self, child: Child) -> Outcome {
        let Output { status, stdout, stderr } = wait(child);
        let text =
            format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        let left: Vec<_> = std::fs::read_dir(self.tmp()).unwrap().flatten().collect();
        assert!(left.is_empty(), "private folders are left: {left:?}\n{text}");
        assert_eq!(processes_with(&self.tmp()), Vec::<String>::new(), "left behind\n{text}");
        let artifacts = self.folder.path().join("project/.portcullis");
        let mut files = BTreeMap::new();
        read_tree(&artifacts, &artifacts, &mut files);
        let outcome = Outcome { code: status.code(), text, files };
        if outcome.has("perf_results.json") {
            self.expect_again(&outcome);
            expect_valid("results", &artifacts.join("perf_results.json"));
        }
        outcome
    }
}

/// Lets other accounts pass through a folder.
pub fn open(folder: &Path) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(folder, mode).unwrap();
}

/// What was written is what its published schema says, where there is a validator.
pub fn expect_valid(what: &str, file: &Path) {
    let Some(bin) = std::env::var_os("PORTCULLIS_TEST_BIN").map(PathBuf::from) else { return };
    let schema = root().join(format!("docs/reference/schema/{what}-v1.schema.json"));
    let mut command = Command::new(bin.join("python"));
    command.arg(root().join("crates/portcullis-report/tests/reports/validate.py"));
    let output = command.arg(schema).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn read_tree(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_tree(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            files.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Waits for a child, but not for ever.
pub fn wait(mut child: Child) -> Output {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let read = |stream: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut stream) = stream {
                let _ = stream.read_to_end(&mut bytes);
            }
            bytes
        })
    };
    let stdout = read(stdout.map(|s| Box::new(s) as _));
    let stderr = read(stderr.map(|s| Box::new(s) as _));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > HANG {
            child.kill().unwrap();
            panic!("the run hangs: {}", String::from_utf8_lossy(&stdout.join().unwrap()));
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// Processes whose environment names a folder: whatever a run has started.
pub fn processes_with(folder: &Path) -> Vec<String> {
    let needle = folder.as_os_str().as_encoded_bytes();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.windows(needle.len()).any(|window| window == needle) {
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            if !command.is_empty() {
                found.push(format!("{} {command}", entry.file_name().to_string_lossy()));
            }
        }
    }
    found
}

/// Whether a run is invalid because the machine was too busy for the load.
pub fn is_of_a_busy_machine(code: Option<i32>, said: &str) -> bool {
    code == Some(5) && BUSY.iter().any(|text| said.contains(text))
}

impl Outcome {
    /// Asserts the exit code and that all of these stand in the output.
    pub fn expect(&self, code: i32, parts: &[&str]) -> &Self {
        assert_eq!(self.code, Some(code), "{}", self.text);
        for part in parts {
            assert!(self.text.contains(part), "no {part:?} in:\n{}", self.text);
        }
        self
    }

    /// An artifact's text.
    pub fn artifact(&self, name: &str) -> &str {
        let names: Vec<_> = self.files.keys().collect();
        self.files.get(name).unwrap_or_else(|| panic!("no {name} in {names:?}\n{}", self.text))
    }

    /// All artifacts by name.
    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// Whether an artifact was written.
    pub fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// The results.
    pub fn results(&self) -> serde_json::Value {
        serde_json::from_str(self.artifact("perf_results.json")).unwrap()
    }
}

/// The folder of development tools that `cargo xtask test` sets up; without it
/// a test is skipped by name, in CI it fails.
pub fn development_bin(test: &str) -> Option<PathBuf> {
    let bin = std::env::var_os("PORTCULLIS_TEST_BIN").map(PathBuf::from);
    if bin.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{test} needs `cargo xtask test`");
        eprintln!("skipped: {test} (run it through `cargo xtask test`)");
    }
    bin
}

/// The fixture in a folder of its own, migrated, seeded and served by hand.
pub struct HandMade {
    folder: TempDir,
    server: Child,
    /// Where it answers.
    pub url: String,
}

impl HandMade {
    /// Starts a server the way a developer would.
    pub fn start(bin: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_tree(&root().join("fixtures/upstream"), folder.path());
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let manage = |arguments: &[&str]| {
            let mut command = Command::new(bin.join("python"));
            command
                .arg("manage.py")
                .args(arguments)
                .current_dir(folder.path())
                .env("SECRET_KEY", "a-key-of-at-least-thirty-two-characters")
                .env("DEBUG", "True")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command
        };
        assert!(manage(&["migrate", "--noinput"]).status().unwrap().success());
        let seed = std::fs::File::open(folder.path().join("perf/seed_user_a.py")).unwrap();
        assert!(manage(&["shell"]).stdin(seed).status().unwrap().success());
        let address = format!("127.0.0.1:{port}");
        let server = manage(&["runserver", "--noreload", &address]).spawn().unwrap();
        let start = Instant::now();
        while std::net::TcpStream::connect(&address).is_err() {
            assert!(start.elapsed() < HANG, "the server does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { folder, server, url: format!("http://{address}") }
    }

    /// The copy of the fixture.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for HandMade {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Copies a folder, without what git ignores by name.
pub fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let name = entry.file_name();
        if ["__pycache__", "logs", ".env", "db.sqlite3"].contains(&name.to_str().unwrap()) {
            continue;
        }
        let (source, target) = (entry.path(), to.join(&name));
        if source.is_dir() {
            copy_tree(&source, &target);
        } else {
            std::fs::copy(source, target).unwrap();
        }
    }
}
