//! Results that real runs wrote, read and written again: those that are kept as they are
//! written now have the same bytes, and older ones say the same once more.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use portcullis_report::results::{read, write};

fn kept(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_results = |file: &PathBuf| file.extension().is_some_and(|ending| ending == "json");
    let mut files: Vec<PathBuf> = files.filter(is_results).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// JSON without the white space between its parts.
fn compact(text: &str) -> String {
    let (mut is_text, mut is_escaped) = (false, false);
    let mut is_kept = |c: char| {
        let is_part = is_text || !c.is_ascii_whitespace();
        if c == '"' && !is_escaped {
            is_text = !is_text;
        }
        is_escaped = c == '\\' && !is_escaped;
        is_part
    };
    text.chars().filter(|c| is_kept(*c)).collect()
}

/// Sentences that earlier versions wrote in other words: theirs, and those of now.
const REWORDED: [(&str, &str); 5] = [
    (
        " requests were made after the window, for tasks without one and",
        " extra requests were made after the window, for tasks without a request and",
    ),
    (" of them by the deck", " of them in the ordinary mix"),
    (
        ": they decide thresholds, and are in no rate and no series",
        ": they count for thresholds, not for rates and charts",
    ),
    ("its processor time ", "CPU time "),
    (": it waits for something", ": the extra time is waiting (I/O, locks), not CPU"),
];

/// As they are written now: earlier versions wrote lists that are left out today where they
/// are empty, and whoever took the white space away wrote exponents with two digits.
fn as_now(text: &str) -> String {
    let text = REWORDED.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new));
    let lists = ["changes", "course", "error_samples", "slowest", "against_repeated"];
    let empty = lists.map(|list| format!("\"{list}\":[],"));
    let text = empty.iter().fold(text.replace("e-0", "e-"), |text, list| text.replace(list, ""));
    without_bounds(text)
}

/// Earlier versions did not write the bound that decided "not slower".
fn without_bounds(mut text: String) -> String {
    const BEGIN: &str = " is not slower: at most ";
    const END: &str = " (error 5 %): ";
    while let Some(begin) = text.find(BEGIN) {
        let end = begin + text[begin..].find(END).unwrap() + END.len();
        text.replace_range(begin..end, " is not slower: ");
    }
    text
}

#[test]
fn results_of_real_runs_are_written_again_byte_for_byte() {
    for file in kept("../../fixtures/results") {
        let text = as_now(&std::fs::read_to_string(&file).unwrap());
        let again = as_now(&(compact(&write(&read(text.as_bytes()).unwrap()).unwrap()) + "\n"));
        let same = again.chars().zip(text.chars()).take_while(|(a, b)| a == b).count();
        let rest = |text: &str| text.chars().skip(same).take(80).collect::<String>();
        let name = file.display();
        assert!(again == text, "{name}: {:?} becomes {:?}", rest(&text), rest(&again));
    }
}

#[test]
fn results_of_every_version_say_the_same_once_more() {
    for file in kept("tests/versions") {
        let run = read(&std::fs::read(&file).unwrap()).unwrap();
        let again = read(write(&run).unwrap().as_bytes()).unwrap();
        assert_eq!(again, run, "{}", file.display());
    }
}
