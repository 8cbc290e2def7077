//! A case of the matrix as data: what is done, and what is expected.

use std::path::Path;

use anyhow::{Result, bail};

use super::sandbox::{Outcome, Sandbox};
use crate::tools;

/// Does something to a sandbox; what is to be disturbed has this process id.
pub type Disturb = fn(&Sandbox, u32) -> Result<()>;

/// One fault.
#[derive(Clone)]
pub struct FaultCase {
    /// `group/what-happens`.
    pub name: &'static str,
    /// What happens, in a sentence for the documentation.
    pub what: &'static str,
    /// Whether it belongs to the half for continuous integration.
    pub quick: bool,
    /// What the machine must give.
    pub need: Option<Need>,
    /// Changes to the configuration: what stands there, and what is to.
    pub edits: Vec<(&'static str, String)>,
    /// Faults of the bundled service.
    pub faults: &'static str,
    /// Flags of `perf`.
    pub flags: Vec<&'static str>,
    /// Variables of the run; an empty value unsets.
    pub variables: Vec<(&'static str, String)>,
    /// Whether the run has a cache of its own, empty at first.
    pub own_cache: bool,
    /// A shell command that runs the rest, such as `unshare -m sh -c '… exec "$@"'`.
    pub within: Option<&'static str>,
    /// What is prepared, once the sandbox is there.
    pub before: Vec<fn(&Sandbox) -> Result<()>>,
    /// What is done once the output holds a line with this text.
    pub during: Option<(&'static str, Disturb)>,
    /// The expected exit code; -9 for a run that was killed.
    pub code: i32,
    /// The stage that fails, as the results say.
    pub stage: Option<&'static str>,
    /// What the output must say.
    pub says: Vec<&'static str>,
    /// What must not stand in the output or in any artifact.
    pub never: Vec<&'static str>,
    /// Whether `perf_results.json` must be there, with the exit code.
    pub results: bool,
    /// What is looked at afterwards.
    pub then: Option<fn(&Sandbox, &Outcome) -> Result<()>>,
}

/// What not every machine gives.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// To mount file systems in a namespace of our own.
    Mounts,
}

impl Need {
    /// Why the machine does not give it, if it does not.
    pub fn missing(self) -> Option<String> {
        let (program, arguments): (&str, &[&str]) = match self {
            Self::Mounts => ("unshare", &["-m", "mount", "-t", "tmpfs", "none", "/mnt"]),
        };
        let is_given = tools::is_there(program, arguments);
        (!is_given).then(|| format!("`{program} {}` is refused here", arguments.join(" ")))
    }
}

/// A case that is expected to end with this code.
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
    /// Also for continuous integration.
    pub fn quick(mut self) -> Self {
        self.quick = true;
        self
    }

    /// Only where the machine gives this.
    pub fn needs(mut self, need: Need) -> Self {
        self.need = Some(need);
        self
    }

    /// With a piece of the configuration replaced.
    pub fn edit(mut self, from: &'static str, to: impl Into<String>) -> Self {
        self.edits.push((from, to.into()));
        self
    }

    /// With another server than the bundled one: a file of `fixtures/faults`,
    /// with the arguments that follow its port.
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

    /// With faults of the bundled service.
    pub fn faults(mut self, faults: &'static str) -> Self {
        self.faults = faults;
        self
    }

    /// With these flags instead of `-t 3s`.
    pub fn flags(mut self, flags: &[&'static str]) -> Self {
        self.flags = flags.to_vec();
        self
    }

    /// With a variable of the run's environment; an empty value unsets it.
    pub fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// With an empty cache of its own.
    pub fn own_cache(mut self) -> Self {
        self.own_cache = true;
        self
    }

    /// Run by a shell command that ends in `exec "$@"`; `$SANDBOX` is its folder.
    pub fn within(mut self, script: &'static str) -> Self {
        self.within = Some(script);
        self
    }

    /// Prepared by this.
    pub fn before(mut self, prepare: fn(&Sandbox) -> Result<()>) -> Self {
        self.before.push(prepare);
        self
    }

    /// Disturbed by this, once the output holds a line with a text.
    pub fn during(mut self, text: &'static str, act: Disturb) -> Self {
        self.during = Some((text, act));
        self
    }

    /// The stage that fails.
    pub fn stage(mut self, stage: &'static str) -> Self {
        self.stage = Some(stage);
        self
    }

    /// Says this.
    pub fn says(mut self, text: &'static str) -> Self {
        self.says.push(text);
        self
    }

    /// Never says this, nor writes it.
    pub fn never(mut self, text: &'static str) -> Self {
        self.never.push(text);
        self
    }

    /// Leaves no results: it could not.
    pub fn without_results(mut self) -> Self {
        self.results = false;
        self
    }

    /// Looked at by this afterwards.
    pub fn then(mut self, look: fn(&Sandbox, &Outcome) -> Result<()>) -> Self {
        self.then = Some(look);
        self
    }

    /// Whether a run came out as expected.
    ///
    /// # Errors
    /// What is different.
    pub fn judge(&self, outcome: &Outcome) -> Result<()> {
        if outcome.code != Some(self.code) {
            bail!("exit {:?} instead of {}:\n{}", outcome.code, self.code, outcome.text);
        }
        for text in &self.says {
            if !outcome.text.contains(text) {
                bail!("it does not say {text:?}:\n{}", outcome.text);
            }
        }
        for text in &self.never {
            if let Some(place) = outcome.place_of(text) {
                bail!("{place} holds {text:?}");
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
