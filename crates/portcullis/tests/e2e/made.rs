//! Projects in folders of their own, made by a public tool and then edited, for `init` and
//! `doctor`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::harness::{is_of_a_busy_machine, open, processes_with, wait};

/// A project in a folder of its own, made by a public tool and then edited.
pub struct Made {
    folder: tempfile::TempDir,
}

/// What a command said.
pub struct Said {
    /// The exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard output and standard error.
    pub text: String,
}

impl Made {
    /// `django-admin startproject` below a folder that may have blanks.
    pub fn start(bin: &Path, below: &str) -> Self {
        Self::empty().django(bin, below)
    }

    /// An empty folder.
    pub fn empty() -> Self {
        let made = Self { folder: tempfile::tempdir().unwrap() };
        // PostgreSQL refuses root: it runs as another account, which must reach `tmp`.
        open(made.folder.path());
        for name in ["tmp", "project"] {
            std::fs::create_dir(made.folder.path().join(name)).unwrap();
        }
        made
    }

    fn django(self, bin: &Path, below: &str) -> Self {
        let made = self;
        let place = made.root().join(below);
        std::fs::create_dir_all(&place).unwrap();
        let mut command = Command::new(bin.join("django-admin"));
        let started = command.args(["startproject", "config", "."]).current_dir(&place).status();
        assert!(started.unwrap().success());
        made
    }

    /// Its folder.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// With a file.
    pub fn write(self, name: &str, text: &str) -> Self {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// With more at the end of a file.
    pub fn append(self, name: &str, text: &str) -> Self {
        let before = std::fs::read_to_string(self.root().join(name)).unwrap();
        self.write(name, &(before + text))
    }

    /// Runs a command to its end, and looks at what is left behind.
    pub fn run(&self, arguments: &[&str]) -> Said {
        self.run_as(arguments, |command| command)
    }

    /// Runs a command that is adapted first.
    pub fn run_as(&self, arguments: &[&str], adapt: impl Fn(Command) -> Command) -> Said {
        let tmp = self.folder.path().join("tmp");
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e-cache");
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.args(arguments).env("PORTCULLIS_CACHE", cache);
        let mut command = adapt(command);
        command
            .current_dir(self.root())
            .env("TMPDIR", &tmp)
            .env_remove("GITHUB_ACTIONS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let output = wait(command.spawn().unwrap());
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let text = out.clone() + &String::from_utf8_lossy(&output.stderr);
        let left: Vec<_> = std::fs::read_dir(&tmp).unwrap().flatten().collect();
        assert!(left.is_empty(), "folders are left: {left:?}\n{text}");
        assert_eq!(processes_with(&tmp), Vec::<String>::new(), "left behind\n{text}");
        Said { code: output.status.code(), out, text }
    }

    /// Every file with its text.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        read(&self.root(), &self.root(), &mut found);
        found
    }

    /// The text of a file.
    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.root().join(name)).unwrap()
    }

    /// The configuration has these texts.
    pub fn expect_parts(&self, parts: &[&str]) {
        let text = self.text("perf.toml");
        for part in parts {
            assert!(text.contains(part), "no {part} in\n{text}");
        }
    }

    /// A configuration is written, and a short run of it passes.
    pub fn expect_verdict(&self, tasks: &[&str]) {
        let before = self.files();
        let said = self.run(&["init", "--yes", "--no-doctor"]);
        assert_eq!(said.code, Some(0), "{}", said.text);
        let announced = |name: &&String| said.text.contains(&format!("wrote         {name}"));
        let mut after = self.files();
        let new: Vec<String> =
            after.keys().filter(|name| !before.contains_key(*name)).cloned().collect();
        assert!(new.iter().all(|name| announced(&name)), "{new:?}\n{}", said.text);
        after.retain(|name, _| before.contains_key(name));
        assert!(after == before, "a file of the project is another one");
        let text = self.text("perf.toml");
        for task in tasks {
            assert!(text.contains(&format!("name = \"{task}\"")), "no {task} in\n{text}");
        }
        let quick = ["-t", "4s", "-u", "2", "-r", "2", "--port", "auto", "--max-duration", "1x"];
        let waits = ["--set", "scenario.wait={ min = \"50ms\", max = \"100ms\" }"];
        // The figures of a debug build on a busy machine are not the point.
        let rules = ["--set", "thresholds.fail=[\"error_rate <= 1%\", \"p95 <= 20s\"]"];
        let arguments: Vec<&str> =
            ["perf"].into_iter().chain(quick).chain(waits).chain(rules).collect();
        let mut said = self.run(&arguments);
        // On a busy machine the generator itself may be late, which is no verdict.
        for _ in 0..3 {
            if is_of_a_busy_machine(said.code, &said.text) {
                said = self.run(&arguments);
            }
        }
        assert_eq!(said.code, Some(0), "{}\n{text}", said.text);
    }
}

fn read(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read(root, &path, found);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
}
