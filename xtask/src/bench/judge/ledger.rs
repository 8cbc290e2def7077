//! The files of counts, which grow: one line for each live comparison, with date, machine
//! and rule. A changed rule starts from zero; old lines stay.

use std::marker::PhantomData;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::tools;

/// One live comparison.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Line {
    /// Day, as 2026-11-24.
    pub date: String,
    /// Processor and cores.
    pub machine: String,
    /// The rule, as a hash of its description.
    pub rule: String,
    /// `runserver` or `gunicorn`.
    pub server: String,
    /// `quiet`, `bursty` or `steady`.
    pub noise: String,
    /// The task that was slowed down; empty for equal versions.
    pub slowed: String,
    /// Tasks that were called slower although they were not.
    pub wrong: u32,
    /// Whether the slowed task was called slower.
    pub found: bool,
    /// Tasks that were not decided.
    pub undecided: u32,
    /// When the slowed task was called slower, in seconds.
    pub alarm_s: Option<f64>,
    /// When all tasks were decided, in seconds.
    pub took_s: f64,
    /// Pairs that were made.
    pub pairs: u32,
    /// The measured median ratio of the slowed task.
    pub seen: Option<f64>,
    /// When the rarest task was decided, in seconds.
    pub rarest_s: Option<f64>,
    /// When the most frequent task was decided, in seconds.
    pub commonest_s: Option<f64>,
    /// Whether the plain rule "p95 + 20 %" gave an alarm for a task that was not slowed.
    pub p95_rule: bool,
    /// The same for Mann-Whitney at 5 %.
    pub mann_whitney: bool,
    /// The same for the paired mean minus two standard errors.
    pub paired_mean: bool,
    /// The number of the restart: comparisons with the same number shared their servers.
    pub restart: Option<u64>,
    /// The spread of the logarithms of single pairs around the median of their task: 1.4826
    /// times the median distance.
    pub spread: Option<f64>,
    /// For equal versions: the medians of each task ([`Levels`]).
    pub levels: Levels,
    /// Whether veridict gave an alarm for a task that was not slowed.
    pub veridict: Option<bool>,
}

/// The time in which a decision counts as found: the default of `--against-limit`. The
/// measured runs may take longer.
const LIMIT_S: f64 = 60.0;

impl Line {
    /// Whether the slowed task was called slower before a user's limit.
    pub fn is_found_in_time(&self) -> bool {
        self.found && self.alarm_s.is_some_and(|alarm_s| alarm_s <= LIMIT_S)
    }
}

/// One run of the bundled service with the bundled load.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct SeedLoad {
    /// Day, as 2026-11-24.
    pub date: String,
    /// Processor and cores.
    pub machine: String,
    /// The injected faults of the service; empty for a healthy one.
    pub faults: String,
    /// The exit code.
    pub exit: i64,
    /// Extra requests after the window because a rule was in doubt.
    pub more: u64,
}

/// One whole `perf --against HEAD`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Ended {
    /// Day, as 2026-11-24.
    pub date: String,
    /// Processor and cores.
    pub machine: String,
    /// The rule, by a hash of its constants.
    pub rule: String,
    /// `runserver` or `gunicorn`.
    pub server: String,
    /// `quiet` or `bursty`.
    pub noise: String,
    /// The task that was slowed down; empty for equal versions.
    pub slowed: String,
    /// The exit code.
    pub exit: i64,
    /// The tasks that were called slower, joined by `;`.
    pub slower: String,
}

impl Ended {
    /// Whether the result is right: green, or red only for the slowed task.
    pub fn is_right(&self) -> bool {
        self.exit == i64::from(!self.slowed.is_empty()) && self.slower == self.slowed
    }
}

/// The medians of each task, in the order of [`super::sandbox::TASKS`]; in the file
/// as `base/candidate/ratio;…`, milliseconds and a plain ratio.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Levels(pub Vec<Level>);

/// The medians of one task in one comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Of the base's latencies, in milliseconds.
    pub base_ms: f64,
    /// Of the candidate's latencies, in milliseconds.
    pub candidate_ms: f64,
    /// Of the pairs' ratios, candidate over base.
    pub ratio: f64,
}

impl Serialize for Levels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let one = |level: &Level| {
            let Level { base_ms, candidate_ms, ratio } = level;
            format!("{base_ms:.3}/{candidate_ms:.3}/{ratio:.4}")
        };
        let all: Vec<String> = self.0.iter().map(one).collect();
        serializer.serialize_str(&all.join(";"))
    }
}

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let one = |words: &str| -> Option<Level> {
            let mut numbers = words.split('/').map(str::parse);
            let mut next = || numbers.next()?.ok();
            Some(Level { base_ms: next()?, candidate_ms: next()?, ratio: next()? })
        };
        let all: Option<Vec<Level>> =
            text.split(';').filter(|words| !words.is_empty()).map(one).collect();
        all.map(Self).ok_or_else(|| D::Error::custom(format!("not levels: {text}")))
    }
}

/// A CSV file of counts, to which lines are appended.
pub struct Counted<T> {
    name: &'static str,
    of: PhantomData<T>,
}

/// One line for each live comparison.
pub const COMPARISONS: Counted<Line> = Counted { name: "error-rates.csv", of: PhantomData };
/// One line for each run of the bundled load.
pub const SEED_LOADS: Counted<SeedLoad> = Counted { name: "seed-loads.csv", of: PhantomData };
/// One line for each whole command.
pub const COMMANDS: Counted<Ended> = Counted { name: "whole-commands.csv", of: PhantomData };

impl<T: Serialize + DeserializeOwned> Counted<T> {
    fn path(&self) -> PathBuf {
        tools::root().join("docs/reference").join(self.name)
    }

    /// All lines so far; none if there is no file yet.
    ///
    /// # Errors
    /// The file has another format.
    pub fn read(&self) -> Result<Vec<T>> {
        let path = self.path();
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let mut reader = csv::Reader::from_path(&path)?;
        reader.deserialize().collect::<Result<_, _>>().with_context(|| path.display().to_string())
    }

    /// Adds lines to the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn append(&self, lines: Vec<T>) -> Result<()> {
        let mut all = self.read()?;
        all.extend(lines);
        let path = self.path();
        let mut writer = csv::Writer::from_path(&path)?;
        all.iter().try_for_each(|line| writer.serialize(line))?;
        writer.flush().with_context(|| path.display().to_string())
    }
}
