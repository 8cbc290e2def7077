//! What the checks of this folder must find, planted in made files, and what they must let
//! pass.

use crate::layers::judging;
use crate::rooms::{Arrow, arrows, circles, undeclared, upward};
use crate::sources::File;
use crate::words::old_words;

const LAYERS: &[&[&str]] = &[&["main"], &["commands"], &["run"], &["cache", "console"]];

fn made(files: &[(&str, &str)]) -> Vec<File> {
    files
        .iter()
        .map(|(name, text)| (format!("crates/made/src/{name}"), (*text).to_owned()))
        .collect()
}

fn of(files: &[(&str, &str)]) -> Vec<Arrow> {
    arrows(&made(files))
}

fn shown(arrows: &[Arrow]) -> Vec<String> {
    arrows.iter().map(|a| format!("{} {} {}", a.from, a.to, a.path)).collect()
}

#[test]
fn an_upward_path_is_found_with_its_place() {
    let found = of(&[
        ("commands/perf.rs", "use crate::run::Journal;"),
        ("run/journal.rs", "//! x\n\nfn f() {\n    super::super::commands::perf::tell();\n}\n"),
    ]);
    let wrong = upward(&found, LAYERS);
    let place = "upward: run → commands  crates/made/src/run/journal.rs:4  commands::perf::tell";
    assert_eq!(wrong, [place]);
}

#[test]
fn a_circle_by_an_inline_path_is_found() {
    let found = of(&[
        ("cache.rs", "fn f() -> crate::console::Line { todo!() }"),
        ("console/mod.rs", "mod line;"),
        ("console/line.rs", "fn f() { println!(\"{}\", crate::cache::size()); }"),
    ]);
    let wrong = circles(&found);
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(wrong[0].starts_with("a circle between cache, console\n"), "{wrong:?}");
    assert!(wrong[0].contains("console → cache  crates/made/src/console/line.rs:1"), "{wrong:?}");
}

#[test]
fn a_circle_by_use_is_found() {
    let found = of(&[
        ("a.rs", "use crate::{b::{self, c::X}, d::*};"),
        ("b.rs", "use super::d::{Y, Z};"),
        ("d/mod.rs", "mod inner;"),
        ("d/inner.rs", "use super::{super::a as other};"),
    ]);
    let wrong = circles(&found);
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(wrong[0].starts_with("a circle between a, b, d\n"), "{wrong:?}");
}

#[test]
fn an_old_word_is_found() {
    let rust = made(&[
        ("twin.rs", "//! Two.\npub struct Person;\n"),
        ("a.rs", "// A Person\nlet s = \"Person\"; let personal = 0;"),
    ]);
    let texts =
        vec![("docs/a.md".to_owned(), "so\nthere the machine's\nmoods are. manew".to_owned())];
    assert_eq!(
        old_words(&rust, &texts),
        [
            "crates/made/src/twin.rs:1: \"twin\" is now guard",
            "crates/made/src/twin.rs:2: \"Person\" is now VirtualUser",
            "docs/a.md:2: \"the machine's moods\" is now machine noise",
        ]
    );
}

#[test]
fn tests_comments_and_texts_do_not_count() {
    let found = of(&[
        ("lib.rs", "pub mod a; pub mod b; #[cfg(test)] mod b_tests;"),
        ("a.rs", "use crate::b;"),
        ("b_tests.rs", "use crate::a;"),
        (
            "b.rs",
            "//! crate::a\n/// [`crate::a`]\nfn f<A, B>() -> &'static str { \"crate::a\" }\n\
             #[cfg(test)]\nfn g<A, B>() { crate::a::x() }\n\
             #[cfg(all(test, target_os = \"linux\"))]\nmod tests { use crate::a; }\n\
             #[cfg(test)]\n#[path = \"other_tests.rs\"]\nmod more;\n\
             #[cfg(test)]\nmod deep;\n",
        ),
        ("other_tests.rs", "use crate::a;"),
        ("b/deep/mod.rs", "mod deeper;"),
        ("b/deep/deeper.rs", "use crate::a;"),
    ]);
    assert_eq!(shown(&found), ["a b b"]);
}

#[test]
fn what_is_not_only_for_tests_counts() {
    let found = of(&[
        (
            "a.rs",
            "#[cfg(any(test, unix))] use crate::b;\n#[cfg(not(test))] fn f() { crate::b::g() }",
        ),
        ("b.rs", ""),
    ]);
    assert_eq!(shown(&found), ["a b b", "a b b::g"]);
}

#[test]
fn names_of_the_root_lead_to_their_rooms() {
    let found = of(&[
        (
            "lib.rs",
            "pub use portcullis_core::event; pub use a::inner::{X, Y as Z}; pub struct Own;",
        ),
        ("a.rs", ""),
        ("b.rs", "use crate::{X, event}; fn f(z: crate::Z, own: crate::Own) {}"),
    ]);
    assert_eq!(shown(&found), ["b a X", "b a Z", "b (root) Own"]);
    assert_eq!(upward(&found, &[&["b"], &["a"]]).len(), 1);
}

#[test]
fn a_program_reaches_its_library_by_name() {
    let found = of(&[
        ("lib.rs", "pub mod commands;"),
        ("main.rs", "fn main() { made::commands::perf(); ::portcullis_core::x(); }"),
        ("commands.rs", "use portcullis_core::plan;"),
    ]);
    assert_eq!(shown(&found), Vec::<String>::new(), "only crates of ours are looked at");
    let renamed: Vec<File> = made(&[
        ("lib.rs", "pub mod commands;"),
        ("main.rs", "fn main() { portcullis::commands::perf(); }"),
        ("commands.rs", ""),
    ])
    .into_iter()
    .map(|(name, text)| (name.replace("/made/", "/portcullis/"), text))
    .collect();
    assert_eq!(shown(&arrows(&renamed)), ["main commands commands::perf"]);
}

#[test]
fn modules_inside_of_a_file_have_their_own_super() {
    let found = of(&[
        ("a.rs", "mod system { use super::Own; use super::super::b; fn f() { self::x() } }"),
        ("b.rs", ""),
    ]);
    assert_eq!(shown(&found), ["a b b"]);
}

#[test]
fn a_room_without_a_place_and_a_place_without_a_room_are_found() {
    let files = made(&[
        ("main.rs", ""),
        ("lib.rs", ""),
        ("commands/mod.rs", ""),
        ("run.rs", ""),
        ("cache.rs", ""),
        ("attic.rs", ""),
    ]);
    assert_eq!(
        undeclared(&files, LAYERS),
        ["attic has no place in the layers", "the layers name console: no such room"]
    );
}

#[test]
fn a_load_engine_that_judges_is_found() {
    let files = made(&[(
        "a.rs",
        "use portcullis_core::{plan, judge::Verdict};\nfn f() { portcullis_core::evidence::x(); }",
    )]);
    let wrong = judging(&files);
    assert_eq!(wrong.len(), 2, "{wrong:?}");
}
