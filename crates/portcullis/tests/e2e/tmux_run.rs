//! Whole runs of the bundled service in tmux: no line is broken by the terminal,
//! none is torn when its width changes in mid-load, and GitHub's log has its groups
//! and a line of the load every ten seconds.

use crate::harness::Project;
use crate::tmux::Tmux;

/// The command of a project as a shell's line, started in tmux.
fn start(project: &Project, columns: u16, flags: &[&str]) -> Option<Tmux> {
    let command = project.command(flags);
    let mut line = String::from("env -u UPSTREAM_FAULTS");
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            line.push_str(&format!(" {}='{}'", name.display(), value.display()));
        }
    }
    line.push_str(&format!(" '{}'", command.get_program().display()));
    command.get_args().for_each(|word| line.push_str(&format!(" '{}'", word.display())));
    Tmux::start(columns, command.get_current_dir().unwrap(), &line, &[])
}

fn has_ended(screen: &str) -> bool {
    // The last line is the verdict, folded where the terminal is narrow.
    let end = screen.trim_end().rsplit("\n\n").next().unwrap_or_default();
    end.starts_with(char::is_uppercase) && end.replace('\n', " ").contains("(exit")
}

/// The second of the load that the panel shows, of less than a minute. A second that
/// was not drawn never comes again: wait for this one or a later one.
fn second(screen: &str) -> Option<u32> {
    let line = screen.lines().find_map(|line| line.strip_prefix("  load         0:"))?;
    line.split_once(" of ")?.0.parse().ok()
}

/// The first word of each line.
fn begins(screen: &str) -> Vec<&str> {
    screen.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

#[test]
fn a_real_run_fits_a_narrow_terminal() {
    let project = Project::quick();
    let Some(tmux) = start(&project, 60, &["--seed", "7"]) else { return };
    let panel = tmux.wait_until("the load", |screen| {
        second(screen) >= Some(2) && screen.contains("judge, collect, stop")
    });
    for label in ["  users ", "  requests ", "  p95 ", "  errors ", "  thresholds ", "  generator "]
    {
        let lines = panel.lines().filter(|line| line.starts_with(label)).count();
        assert_eq!(lines, 1, "{label}:\n{panel}");
    }
    tmux.wait_until("the end", has_ended);
    let shown = tmux.everything();
    assert_eq!(tmux.broken(), Vec::<String>::new(), "{shown}");
    let firsts = begins(&shown);
    for stage in ["environment", "install", "migrate", "seed", "serve", "ready", "load", "judge"] {
        let begin = format!("  {stage} ");
        let lines = shown.lines().filter(|line| line.starts_with(&begin)).count();
        assert_eq!(lines, 1, "{stage}:\n{shown}");
    }
    for line in ["list_claims", "all", "stages:", "artifacts:", "repeat:"] {
        assert!(firsts.contains(&line), "{line}:\n{shown}");
    }
}

#[test]
fn a_width_that_changes_in_mid_load_tears_no_line() {
    let project = Project::quick();
    let Some(tmux) = start(&project, 100, &["-t", "6s"]) else { return };
    // Narrower than this tmux moves rows of the panel out of the window, where nobody
    // can remove them; `screen` tests that rows which wrapped are counted.
    for (from, columns) in [(1, 60), (2, 130), (3, 60), (4, 90)] {
        let seen = tmux.wait_until("the load", |screen| second(screen) >= Some(from));
        tmux.resize(columns);
        let next = second(&seen).map(|seen| seen + 1);
        let shown = tmux.wait_until("the next second", |screen| {
            second(screen) >= next && screen.contains("judge, collect, stop")
        });
        for label in ["  load  ", "  users  ", "  requests  ", "  generator  ", "  then  "] {
            let lines = shown.lines().filter(|line| line.starts_with(label)).count();
            assert_eq!(lines, 1, "{label} at {columns}:\n{shown}");
        }
    }
    tmux.wait_until("the end", has_ended);
    let shown = tmux.everything();
    for label in ["  users  ", "  requests  ", "  generator  ", "  then  "] {
        assert!(!shown.lines().any(|line| line.starts_with(label)), "{label} is left:\n{shown}");
    }
}

#[test]
fn a_log_of_github_has_a_group_and_a_line_every_ten_seconds() {
    let project = Project::quick();
    let mut command = project.command(&["-t", "12s"]);
    let outcome = project.finish(command.env("GITHUB_ACTIONS", "true").spawn().unwrap());
    let lines: Vec<&str> = outcome.text.lines().collect();
    let place = |begin: &str| lines.iter().position(|line| line.starts_with(begin)).unwrap();
    let (open, close) = (place("::group::stages"), place("::endgroup::"));
    let stages = ["environment", "install", "migrate", "seed", "serve", "ready"];
    let places = stages.map(|stage| place(&format!("  {stage} ")));
    assert!(open < places[0] && places.is_sorted() && places[5] < close, "{}", outcome.text);
    assert!(close < place("  judge "), "{}", outcome.text);
    let load: Vec<&str> = lines
        .iter()
        .copied()
        .filter(|line| line.starts_with("  load ") && line.contains("/12 s,"))
        .collect();
    let seconds: Vec<&str> =
        load.iter().filter_map(|line| line.get(7..)?.split('/').next()).collect();
    // A busy machine may be a second late.
    let is_paced = matches!(seconds[..], ["1" | "2", "11" | "12" | "13", ..]);
    assert!(is_paced && seconds.len() < 4, "{seconds:?}: {}", outcome.text);
    assert!(!outcome.text.contains('\x1b'), "{}", outcome.text);
}
