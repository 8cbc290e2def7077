//! A fault case as data: the actions, and the expected outcome.

use std::path::Path;

use anyhow::{Result, bail};

use super::sandbox::{Outcome, Sandbox};
use crate::tools;

/// Does something to a sandbox; the number is the process id of the run.
pub type Disturb = fn(&Sandbox, u32) -> Result<()>;

/// One fault.
#[derive(Clone)]
pub struct FaultCase {
    /// `group/what-happens`.
    pub name: &'static str,
    /// The fault in a sentence for the documentation.
    pub what: &'static str,
    /// Whether it belongs to the quick part, which CI runs.
    pub quick: bool,
    /// What the machine must allow.
    pub need: Option<Need>,
    /// Replacements in the configuration: the old and the new text.
    pub edits: Vec<(&'static str, String)>,
    /// Faults of the bundled service (`UPSTREAM_FAULTS`).
    pub faults: &'static str,
    /// Flags of `perf`.
    pub flags: Vec<&'static str>,
    /// Environment variables of the run; an empty value unsets the variable.
    pub variables: Vec<(&'static str, String)>,
    /// Whether the run has its own cache, empty at first.
    pub own_cache: bool,
    /// A shell command that wraps the run, such as `unshare -m sh -c '… exec "$@"'`.
    pub within: Option<&'static str>,
    /// Prepares the sandbox before the run.
    pub before: Vec<fn(&Sandbox) -> Result<()>>,
    /// An action during the run, once the output has a line with this text.
    pub during: Option<(&'static str, Disturb)>,
    /// The expected exit code; -9 for a run that was killed.
    pub code: i32,
    /// The stage that fails, as the results say.
    pub stage: Option<&'static str>,
    /// Texts that the output must contain.
    pub says: Vec<&'static str>,
    /// Texts that neither the output nor any artifact may contain.
    pub never: Vec<&'static str>,
    /// Whether `perf_results.json` must exist, with the exit code.
    pub results: bool,
    /// More checks after the run.
    pub then: Option<fn(&Sandbox, &Outcome) -> Result<()>>,
}

/// Something that not every machine allows.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// Mounting file systems in a separate namespace.
    Mounts,
}

impl Need {
    /// The reason why the machine does not allow it, if so.
    pub fn missing(self) -> Option<String> {
        let (program, arguments): (&str, &[&str]) = match self {
            Self::Mounts => ("unshare", &["-m", "mount", "-t", "tmpfs", "none", "/mnt"]),
        };
        let is_given = tools::is_there(program, arguments);
        (!is_given).then(|| format!("`{program} {}` is refused here", arguments.join(" ")))
    }
}

/// A new case with this expected exit code.
pub fn case(name: &'static str, what: &'static str, code: i32) -> FaultCase {
    FaultCase {
        name,
        what,
        quick: false,
        need: None,
        edits: Vec::new(),
        faults: "",
        flags: vec!["-t", "3s"],
        variables: Vec::new(),
        own_cache: false,
        within: None,
        before: Vec::new(),
        during: None,
        code,
        stage: None,
        says: Vec::new(),
        never: Vec::new(),
        results: true,
        then: None,
    }
}

impl FaultCase {
    /// Adds it to the quick part.
    pub fn quick(mut self) -> Self {
        self.quick = true;
        self
    }

    /// Runs it only if the machine allows this.
    pub fn needs(mut self, need: Need) -> Self {
        self.need = Some(need);
        self
    }

    /// Replaces a text in the configuration.
    pub fn edit(mut self, from: &'static str, to: impl Into<String>) -> Self {
        self.edits.push((from, to.into()));
        self
    }

    /// Replaces the bundled server by a file of `fixtures/faults`, with these
    /// arguments after its port.
    pub fn server(self, file: &str, arguments: &[&str]) -> Self {
        let path = tools::root().join("fixtures/faults").join(file);
        let words: Vec<String> = std::iter::once(quoted(&path))
            .chain(["\"{port}\"".to_owned()])
            .chain(arguments.iter().map(|word| format!("{word:?}")))
            .collect();
        self.edit(
            "\"{manage}\", \"runserver\", \"--noreload\", \"127.0.0.1:{port}\"",
            words.join(", "),
        )
    }

    /// Sets faults of the bundled service.
    pub fn faults(mut self, faults: &'static str) -> Self {
        self.faults = faults;
        self
    }

    /// Uses these flags instead of `-t 3s`.
    pub fn flags(mut self, flags: &[&'static str]) -> Self {
        self.flags = flags.to_vec();
        self
    }

    /// Sets an environment variable of the run; an empty value unsets it.
    pub fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Gives the run its own, empty cache.
    pub fn own_cache(mut self) -> Self {
        self.own_cache = true;
        self
    }

    /// Wraps the run in a shell command that ends in `exec "$@"`; `$SANDBOX` is its folder.
    pub fn within(mut self, script: &'static str) -> Self {
        self.within = Some(script);
        self
    }

    /// Adds a preparation.
    pub fn before(mut self, prepare: fn(&Sandbox) -> Result<()>) -> Self {
        self.before.push(prepare);
        self
    }

    /// Adds an action during the run, once the output has a line with this text.
    pub fn during(mut self, text: &'static str, act: Disturb) -> Self {
        self.during = Some((text, act));
        self
    }

    /// Expects this stage to fail.
    pub fn stage(mut self, stage: &'static str) -> Self {
        self.stage = Some(stage);
        self
    }

    /// Expects this text in the output.
    pub fn says(mut self, text: &'static str) -> Self {
        self.says.push(text);
        self
    }

    /// Forbids this text in the output and in artifacts.
    pub fn never(mut self, text: &'static str) -> Self {
        self.never.push(text);
        self
    }

    /// Expects no results, because the run could not write them.
    pub fn without_results(mut self) -> Self {
        self.results = false;
        self
    }

    /// Adds a check after the run.
    pub fn then(mut self, look: fn(&Sandbox, &Outcome) -> Result<()>) -> Self {
        self.then = Some(look);
        self
    }

    /// Checks the outcome of a run.
    ///
    /// # Errors
    /// The outcome is not as expected.
    pub fn judge(&self, outcome: &Outcome) -> Result<()> {
        if outcome.code != Some(self.code) {
            bail!("exit {:?} instead of {}:\n{}", outcome.code, self.code, outcome.text);
        }
        for text in &self.says {
            if !outcome.text.contains(text) {
                bail!("the output lacks {text:?}:\n{}", outcome.text);
            }
        }
        for text in &self.never {
            if let Some(place) = outcome.place_of(text) {
                bail!("{place} contains {text:?}");
            }
        }
        if self.results {
            self.judge_results(outcome)?;
        }
        Ok(())
    }

    fn judge_results(&self, outcome: &Outcome) -> Result<()> {
        let results = outcome.results()?;
        if results["exit_code"] != self.code {
            bail!("the results say exit {}, not {}", results["exit_code"], self.code);
        }
        let Some(stage) = self.stage else { return Ok(()) };
        let stages = results["stages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let failed = stages.iter().any(|s| s["stage"] == stage && s["end"] == "failed");
        if !failed {
            bail!("the stage {stage} did not fail:\n{}", outcome.text);
        }
        Ok(())
    }
}

/// A path as a TOML text.
fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}
