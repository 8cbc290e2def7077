//! What must be true of the reading of a configuration, whatever text it is
//! given. The fuzzer calls this, and so does the test that replays the corpus.

use portcullis_core::config::{Loaded, Problem, load, to_redacted_toml, written_output};

/// What stands in the place of a secret in the effective configuration.
const HIDDEN: &str = "\"***\"";
/// How many profiles are tried.
const PROFILES: usize = 3;

/// The bytes are a configuration file.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    written_output(text);
    let profiles = profiles(text).into_iter().map(Some);
    for profile in std::iter::once(None).chain(profiles) {
        match load(text, profile, &[]) {
            Ok(loaded) => readable_again(&loaded),
            Err(problems) => told(&problems),
        }
    }
}

/// Words that stand where a profile's name does; not all need be profiles.
fn profiles(text: &str) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for rest in text.split("profile.").skip(1) {
        let in_name = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        let name = &rest[..rest.find(|c| !in_name(c)).unwrap_or(rest.len())];
        if !names.contains(&name) && names.len() < PROFILES {
            names.push(name);
        }
    }
    names
}

/// A refusal says why: each problem once, with words, on one line.
fn told(problems: &[Problem]) {
    assert!(!problems.is_empty(), "refused without a reason");
    for (index, problem) in problems.iter().enumerate() {
        assert!(!problem.message.is_empty(), "a problem without words: {problem:?}");
        let shown = problem.show("perf.toml");
        assert!(!shown.contains(char::is_control), "not one plain line: {shown:?}");
        assert!(!problems[..index].contains(problem), "told twice: {shown}");
    }
}

/// The effective configuration is a configuration: it is read without a
/// problem, means the same but for its secrets, and is written the same.
fn readable_again(loaded: &Loaded) {
    assert!(!loaded.config.scenario.tasks.is_empty(), "a scenario without a task");
    let written = to_redacted_toml(&loaded.tree);
    let again = match load(&written, None, &[]) {
        Ok(again) => again,
        Err(problems) => {
            // A hundred levels, nested by headers and dots, are more than the
            // reader takes of nested braces.
            let too_deep = |problem: &Problem| problem.message.contains("max recursion depth");
            assert!(problems.iter().all(too_deep), "{problems:#?}\nin\n{written}");
            return;
        }
    };
    assert_eq!(to_redacted_toml(&again.tree), written, "written otherwise");
    if !written.contains(HIDDEN) {
        let (before, after) = (format!("{:#?}", loaded.config), format!("{:#?}", again.config));
        assert_eq!(before, after, "it means something else:\n{written}");
    }
    let rules = |loaded: &Loaded| loaded.config.thresholds.clone();
    assert_eq!(rules(loaded), rules(&again));
}
