//! A terminal that people use: tmux with a socket of its own, a command in it, and
//! what stands on its screen. Also for the unit tests of the console, by its path.
#![allow(dead_code, reason = "each of the two uses another part")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Lines of the screen: the end of a run has room.
pub const ROWS: u16 = 60;
/// No wait is longer: a hang, not a slow machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server of tmux with one window. It ends with the test.
pub struct Tmux {
    folder: TempDir,
}

impl Tmux {
    /// Runs a shell command in a window of so many columns, with more variables. What
    /// stands on the screen stays there once the command has ended.
    ///
    /// `None` where there is no tmux, which is said; in CI that fails.
    pub fn start(columns: u16, folder: &Path, line: &str, with: &[(&str, &str)]) -> Option<Self> {
        if !Command::new("tmux").arg("-V").output().is_ok_and(|output| output.status.success()) {
            assert!(std::env::var_os("CI").is_none(), "tmux is missing: `cargo xtask test`");
            eprintln!("skipped: there is no tmux (`cargo xtask test` installs it)");
            return None;
        }
        let tmux = Self { folder: tempfile::tempdir().unwrap() };
        let mut command = tmux.command();
        let (columns, rows) = (columns.to_string(), ROWS.to_string());
        command.args(["-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &rows]);
        command.arg("-c").arg(folder).arg(format!("{line}; sleep 600"));
        for name in ["CI", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "NO_COLOR"] {
            command.env_remove(name);
        }
        command.envs(with.iter().copied()).env_remove("TMUX");
        let status = command.status().unwrap();
        assert!(status.success(), "tmux: {status}");
        Some(tmux)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        // UTF-8 whatever the locale is.
        command.arg("-u").arg("-S").arg(self.folder.path().join("socket"));
        command
    }

    fn told(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "tmux {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What stands on the screen, without blanks at the ends.
    pub fn screen(&self) -> String {
        trimmed(&self.told(&["capture-pane", "-p"]))
    }

    /// The same with its colours, as escapes.
    pub fn painted(&self) -> String {
        trimmed(&self.told(&["capture-pane", "-p", "-e"]))
    }

    /// Everything that scrolled by and what stands on the screen.
    pub fn everything(&self) -> String {
        trimmed(&self.told(&["capture-pane", "-p", "-S", "-"]))
    }

    /// Lines that did not fit and that the terminal broke itself.
    pub fn broken(&self) -> Vec<String> {
        let joined = trimmed(&self.told(&["capture-pane", "-p", "-J", "-S", "-"]));
        let everything = self.everything();
        let is_whole = |line: &&str| everything.lines().any(|known| known == *line);
        joined.lines().filter(|line| !is_whole(line)).map(str::to_owned).collect()
    }

    /// Gives the window another width.
    pub fn resize(&self, columns: u16) {
        let (columns, rows) = (columns.to_string(), ROWS.to_string());
        self.told(&["resize-window", "-x", &columns, "-y", &rows]);
    }

    /// The screen once two looks at it are alike.
    pub fn settled(&self) -> String {
        let (mut last, start) = (self.screen(), Instant::now());
        loop {
            std::thread::sleep(Duration::from_millis(150));
            let screen = self.screen();
            if screen == last && !screen.is_empty() {
                return screen;
            }
            assert!(start.elapsed() < PATIENCE, "the screen does not rest:\n{screen}");
            last = screen;
        }
    }

    /// Waits until the screen is as it should be.
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if is_so(&screen) {
                return screen;
            }
            assert!(start.elapsed() < PATIENCE, "{what} does not come:\n{screen}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}

fn trimmed(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    lines.join("\n")
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.command().arg("kill-server").output();
    }
}
