//! Tests of the terminal in tmux at 60, 80 and 200 columns: a scripted run, so that every
//! figure is fixed, compared with snapshots of the screen. To write the snapshots again,
//! run `PORTCULLIS_SNAPSHOTS=write cargo test -p portcullis tmux`.
#![allow(clippy::disallowed_methods, reason = "tmux is a program of its own")]
#![allow(clippy::print_stderr, reason = "tests say what they skip")]

use std::path::Path;

use super::columns::width;
use super::scene;

#[path = "../../tests/e2e/tmux.rs"]
mod tmux;

use tmux::Tmux;

const NAME: &str = "PORTCULLIS_SCENE";
const DONE: &str = "PORTCULLIS_SCENE_DONE";

/// Plays the script in a terminal: this test program itself, started in tmux. Otherwise it
/// does nothing.
#[test]
fn played_in_tmux() {
    let (Ok(name), Ok(done)) = (std::env::var(NAME), std::env::var(DONE)) else { return };
    // Clears what the test harness has printed before.
    super::print_plain("\x1b[2J\x1b[3J\x1b[H");
    let console = scene::play(&name);
    std::fs::write(done, "").unwrap();
    // Ends before the harness prints more, and before the panel is removed.
    std::mem::forget(console);
    std::process::exit(0);
}

/// Plays a scene to its end in a terminal with this many columns.
fn play(name: &str, columns: u16, with: &[(&str, &str)]) -> Option<Tmux> {
    let folder = tempfile::tempdir().unwrap();
    let done = folder.path().join("done");
    let program = std::env::current_exe().unwrap();
    let test = "console::tmux_tests::played_in_tmux";
    // tmux sets the terminal type, so another value must be set after it.
    let with: String = with.iter().map(|(name, value)| format!("{name}={value} ")).collect();
    let line = format!("env {with}'{}' --exact --nocapture {test}", program.display());
    let scene = [(NAME, name), (DONE, done.to_str().unwrap())];
    let tmux = Tmux::start(columns, folder.path(), &line, &scene)?;
    tmux.wait_until("the end of the scene", |_| done.exists());
    tmux.settled();
    Some(tmux)
}

/// Compares with the stored snapshot of this name.
fn compare(name: &str, shown: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/snapshots").join(name);
    let shown = format!("{shown}\n");
    if std::env::var_os("PORTCULLIS_SNAPSHOTS").is_some_and(|value| value == "write") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &shown).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == shown, "{} is:\n{kept}\nand now:\n{shown}", file.display());
}

const WIDTHS: [u16; 3] = [60, 80, 200];

#[test]
fn the_panel_and_the_end_of_a_run_look_as_they_are_kept() {
    for columns in WIDTHS {
        for name in ["panel", "end", "against"] {
            let Some(tmux) = play(name, columns, &[]) else { return };
            let shown = tmux.everything();
            assert_eq!(tmux.broken(), Vec::<String>::new(), "{name} at {columns}:\n{shown}");
            let widest = shown.lines().map(width).max();
            assert!(widest < Some(columns.into()), "{name} at {columns}: {widest:?}");
            compare(&format!("{name}-{columns}.txt"), &shown);
        }
    }
}

#[test]
fn colours_are_left_out_where_they_are_not_wanted_and_nothing_else_is() {
    let Some(coloured) = play("end", 80, &[]) else { return };
    let Some(plain) = play("end", 80, &[("NO_COLOR", "1")]) else { return };
    assert!(
        coloured.painted().contains("\x1b[1;31m") || coloured.painted().contains("\x1b[1m\x1b[31m")
    );
    assert!(!plain.painted().contains('\x1b'), "{}", plain.painted());
    assert_eq!(coloured.everything(), plain.everything());
}

#[test]
fn a_dumb_terminal_and_ci_get_lines_and_no_panel() {
    for (columns, name, with) in [
        (80, "dumb-80.txt", &[("TERM", "dumb")]),
        (80, "github-80.txt", &[("GITHUB_ACTIONS", "true")]),
    ] {
        let with: &[(&str, &str)] = with;
        let Some(tmux) = play("load", columns, with) else { return };
        assert!(!tmux.painted().contains('\x1b'), "{}", tmux.painted());
        compare(name, &tmux.everything());
    }
}
