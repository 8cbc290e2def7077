//! The pauses of users: `wait`.

use std::time::Duration;

use super::super::reader::{Problems, Reader, note};
use super::super::tree::{self, Node, Place, Value};
use crate::scenario::{NormalWait, Wait};

/// The kinds of waits other than the default one, which has `min` and `max`.
const WAITS: [&str; 5] = ["constant", "exponential_mean", "pacing", "throughput", "normal"];

/// The wait of the scenario.
pub fn wait(section: Option<Reader<'_>>, problems: &mut Problems) -> Wait {
    match section {
        None => Wait::Constant(Duration::ZERO),
        Some(section) => wait_of(section, problems),
    }
}

/// The wait that a table describes.
pub fn wait_of(mut section: Reader<'_>, problems: &mut Problems) -> Wait {
    let is_other = WAITS.iter().any(|key| section.optional(key).is_some());
    let (min, max) = match is_other && section.optional("min").is_none() {
        true => (Duration::ZERO, Duration::ZERO),
        false => {
            let min = section.wait("min", problems).unwrap_or_default();
            (min, section.wait("max", problems).unwrap_or_default())
        }
    };
    if min > max {
        let title = section.path_of("min");
        note(problems, section.at(), format!("{title}: min is longer than max"));
    }
    // The defaults set `min` and `max`; another kind in the user's file overrides them.
    let mut chosen: Vec<Wait> = Vec::new();
    for key in WAITS {
        if section.optional(key).is_none() {
            continue;
        }
        let kind = match key {
            "constant" => Wait::Constant,
            "exponential_mean" => Wait::Exponential,
            "pacing" => Wait::Pacing,
            "throughput" => {
                let rate = section.rate("throughput", problems);
                chosen.extend(Duration::try_from_secs_f64(1.0 / rate).map(Wait::Pacing));
                continue;
            }
            _ => {
                let table = section.table("normal", problems);
                chosen.extend(table.and_then(|table| normal(table, problems)));
                continue;
            }
        };
        chosen.extend(section.wait(key, problems).map(kind));
    }
    let written = ["min", "max"].iter().filter_map(|key| section.optional(key));
    let is_uniform = written.into_iter().any(|node| node.at != Place::Default);
    if chosen.len() + usize::from(is_uniform) > 1 {
        let title = section.path_of("constant").replace(".constant", "");
        let message = format!("{title} needs one of: min and max, {}", WAITS.join(", "));
        note(problems, section.at(), message);
    }
    section.finish(problems);
    chosen.first().copied().unwrap_or(Wait::Uniform(min, max.max(min)))
}

/// A normally distributed wait; without bounds it is within three deviations.
fn normal(mut section: Reader<'_>, problems: &mut Problems) -> Option<Wait> {
    let mean = section.wait("mean", problems);
    let deviation = section.wait("deviation", problems);
    let bound = |section: &mut Reader<'_>, key: &'static str, problems: &mut Problems| {
        section.optional(key).and_then(|_| section.wait(key, problems))
    };
    let (min, max) = (bound(&mut section, "min", problems), bound(&mut section, "max", problems));
    let (at, title) = (section.at(), section.path_of("mean"));
    section.finish(problems);
    let (mean, deviation) = (mean?, deviation?);
    let min = min.unwrap_or_else(|| mean.saturating_sub(deviation * 3));
    let max = max.unwrap_or(mean + deviation * 3);
    if !(min..=max).contains(&mean) {
        note(problems, at, format!("{title} must be between min and max"));
        return None;
    }
    Some(Wait::Normal(NormalWait { mean, deviation, min, max }))
}

/// Removes the default wait from a merged tree that has another kind of wait. It has no
/// effect, and would be a contradiction in the effective configuration.
pub fn drop_default_wait(tree: &mut Node) {
    let scenario = tree::find(tree, "scenario");
    let Some(wait) = scenario.and_then(|scenario| tree::find(scenario, "wait")) else { return };
    if let Value::Table(entries) = &mut wait.value
        && entries.iter().any(|entry| WAITS.contains(&entry.key.as_str()))
    {
        entries.retain(|entry| entry.at != Place::Default);
    }
}
