//! Names and phrases that were given up, so that they do not come back. A name is looked
//! for among the identifiers of Rust files, a module among their files, a phrase in all
//! text that somebody reads.

use std::path::Path;

use crate::paths;
use crate::sources::{File, files, rust};

/// A word that is no longer used.
pub struct Old {
    /// The word or phrase, whole.
    word: &'static str,
    /// What is said instead.
    now: &'static str,
    /// Below which folder or file; empty for everywhere.
    within: &'static str,
}

const fn old(word: &'static str, now: &'static str) -> Old {
    Old { word, now, within: "" }
}

const fn old_in(within: &'static str, word: &'static str, now: &'static str) -> Old {
    Old { word, now, within }
}

/// Identifiers, as they are written in code.
const NAMES: &[Old] = &[
    old("Person", "VirtualUser"),
    old_in("crates/portcullis-load", "User", "Session"),
    old("Life", "ActiveSpan"),
    old("Goes", "Next"),
    old("Pump", "WorkerDriver"),
    old("Crowd", "TaskSet"),
    old("Whose", "Phase and TaskId"),
    old("continued", "extra_mixed"),
    old_in("crates/portcullis-load/src", "extension", "extra_targeted"),
    old("take_counts", "delta"),
    old_in("crates", "Told", "Snapshot"),
    old("Kept", "Exemplars"),
    old_in("crates/portcullis-core", "Samples", "Exemplars"),
    old("Course", "Timeline"),
    old("TaskStep", "TimeBucket"),
    old("UsageCourse", "UsageTimeline"),
    old("SinceTick", "IntervalCounts"),
    old_in("crates/portcullis-load", "Second", "SeriesPoint"),
    old("SHOWN", "REPORTED_PERCENTILES"),
    old("Beyond", "OverLimit"),
    old("Standing", "ThresholdStatus"),
    old("Judged", "ThresholdResult"),
    old("Doubts", "RuleStatus"),
    old("Present", "RuleStatus"),
    old("Outlook", "StopController"),
    old_in("crates", "Watch", "StopController"),
    old("block_factor", "design_effect"),
    old_in("crates/portcullis-core", "Case", "ProportionTest"),
    old("Contest", "SequentialTest"),
    old_in("crates/portcullis/src", "Done", "StageOutput"),
    old("Places", "SourceLocations"),
    old("budget", "max_calls"),
    old_in("crates/portcullis/src", "Failure", "StageFailure"),
    old_in("crates/portcullis/src", "Stopped", "Aborted"),
    old("RunReport", "RunRecord"),
    old("Ending", "FinalOutput"),
    old("Surroundings", "PlanInputs"),
    old("Laying", "MergeMode"),
    old("Beside", "ThresholdOptions"),
    old("Longest", "MaxDuration"),
    old("ReadIn", "LoadedConfig"),
    old("Keeping", "BaselineFile"),
    old_in("xtask", "Came", "CaseResult"),
    old_in("xtask", "Scene", "Sandbox"),
];

/// Modules, by the names of their files.
const MODULES: &[Old] = &[
    old("cell", "row_recorder"),
    old("course", "timeline"),
    old("courses", "timelines"),
    old("kept", "exemplars"),
    old("life", "active_span"),
    old("outlook", "stop_controller"),
    old("told", "record"),
    old("feed", "log_lines"),
    old("fold", "wrap"),
    old("complaints", "annotations"),
    old("inert", "sanitize"),
    old("words", "wording"),
    old("remarks", "caveats"),
    old("chance", "random"),
    old("room", "disk_space"),
    old("twin", "guard"),
    old("finite", "step"),
    old("places", "source_locations"),
    old("key", "cache_key"),
    old_in("xtask", "acts", "actions"),
    old_in("xtask", "scene", "sandbox"),
    old_in("xtask", "rows", "cases"),
];

/// What people read.
const PHRASES: &[Old] = &[
    old("Tell results again", "Render a run's artifacts again"),
    old("Look after the stored baseline", "Manage the stored baseline"),
    old("Who reads standard output", "Output format"),
    old("Judge results that exist", "Check existing results"),
    old("is laid over", "default configuration"),
    old("Lay [profile", "Apply profile NAME"),
    old("a number insists on it", "a number fails if the port is taken"),
    old("anew", "rebuild …, again"),
    old("a server that is up", "a running server"),
    old("is not there", "does not exist"),
    old("is no metric", "unknown metric"),
    old_in("crates/portcullis-load", "there is no \"", "the answer has no key …"),
    old("no data to hold against", "no samples for the limit"),
    old("never answered with a 2xx", "no successful answer"),
    old("however often one looks", "valid at any stopping time"),
    old("could have gone unseen", "could be undetected"),
    old("it waits for something", "the extra time is waiting (I/O, locks), not CPU"),
    old("processor time", "CPU time"),
    old("login (apart)", "login (not in the totals)"),
    old("in no rate and no series", "extra requests, not in rates and charts"),
    old("How well it was measured", "Measurement quality"),
    old("Show rows with", "Filter"),
    old("Switches because its time was up", "involuntary context switches"),
    old("Taken by the host", "CPU steal"),
    old("only warns", "warning"),
    old("copy of the template", "restored from cache"),
    old("is healthy and ours", "healthy, verified as our process"),
    old("the machine's moods", "machine noise"),
    old("cries wolf", "false alarms"),
    old("Added are", "normal word order"),
    old("Written are", "normal word order"),
];

/// Where an old word stays: the word, the file or folder, and why.
const STAYS: &[(&str, &str, &str)] = &[
    ("", "xtask/tests/architecture/", "the list itself, and what is planted for it"),
    ("", "docs/reference/schema/", "names of results version 1 are public for good"),
    ("continued", "crates/portcullis-report/src/results/v1", "a key of results version 1"),
    ("Places", "crates/portcullis-report/src/results/v1", "a name in the schema of version 1"),
    ("places", "crates/portcullis-report/src/results/v1", "a key of results version 1"),
    ("block_factor", "crates/portcullis-report/src/results/v1", "a key of results version 1"),
    ("anew", "crates/portcullis-report/src/artifacts.rs", "earlier versions marked folders so"),
    ("", "crates/portcullis-report/tests/kept_results.rs", "sentences of stored results"),
    ("anew", "crates/portcullis-core/src/compare/judge.rs", "its words name the counted rule"),
    ("anew", "docs/reference/error-rates.md", "the words of the counted rule"),
    ("budget", "crates/portcullis-core/src/config", "a key that is still read, with a warning"),
];

#[test]
fn old_words_do_not_come_back() {
    let texts = files(&["crates", "xtask", "docs", "README.md"], &["rs", "md", "toml"]);
    let found = old_words(&rust(), &texts);
    assert!(found.is_empty(), "{} old words:\n{}", found.len(), found.join("\n"));
}

/// The old words in Rust files and in texts, each with its place and what is said now.
pub fn old_words(rust: &[File], texts: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    let mut tell = |old: &Old, name: &str, line: usize| {
        let stays = STAYS.iter().any(|(word, place, _)| {
            (word.is_empty() || *word == old.word) && name.starts_with(place)
        });
        if !stays && name.starts_with(old.within) {
            found.push(format!("{name}:{line}: {:?} is now {}", old.word, old.now));
        }
    };
    for (name, text) in rust {
        let path = Path::new(name);
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let folder = path.parent().and_then(|folder| folder.file_name()?.to_str());
        let module = if stem == "mod" { folder.unwrap_or_default() } else { stem };
        MODULES.iter().filter(|old| old.word == module).for_each(|old| tell(old, name, 1));
        for (word, line) in paths::read(text, &[]).identifiers {
            NAMES.iter().filter(|old| old.word == word).for_each(|old| tell(old, name, line));
        }
    }
    for (name, text) in texts {
        for old in PHRASES {
            for at in places_of(text, old.word) {
                tell(old, name, 1 + text[..at].matches('\n').count());
            }
        }
    }
    found
}

/// Where a phrase stands as whole words; it may go on in the next line of a comment or of
/// a string.
fn places_of(text: &str, phrase: &str) -> Vec<usize> {
    let mut words = phrase.split(' ');
    let first = words.next().unwrap_or_default();
    let goes_on = |at: &usize| {
        let mut rest = &text[at + first.len()..];
        for word in words.clone() {
            let next = rest.trim_start_matches([' ', '\n', '/', '!', '\\']);
            match next.strip_prefix(word) {
                Some(after) if next.len() < rest.len() => rest = after,
                _ => return false,
            }
        }
        is_whole(text, *at, text.len() - rest.len())
    };
    text.match_indices(first).map(|(at, _)| at).filter(goes_on).collect()
}

/// Whether no letter or digit goes on beside the letters and digits from `start` to `end`.
fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let (before, inside, after) = (&text[..start], &text[start..end], &text[end..]);
    let runs_in = is_word(before.chars().next_back()) && is_word(inside.chars().next());
    let runs_out = is_word(inside.chars().next_back()) && is_word(after.chars().next());
    !runs_in && !runs_out
}
