//! The terminal for real: a pseudo-terminal with the binary in it, and what
//! stands on the screen while it runs, at the end, and after a Ctrl-C. And the
//! formats for machines.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tempfile::TempDir;

use crate::harness::{HANG, expect_valid};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A server that answers everything with 200; it ends with the test.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let converse = |mut stream: TcpStream| {
        let mut request = [0; 4096];
        while stream.read(&mut request).is_ok_and(|count| count > 0) {
            if stream.write_all(ANSWER).is_err() {
                break;
            }
        }
    };
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            std::thread::spawn(move || converse(stream));
        }
    });
    url
}

/// A folder with a small configuration against such a server.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let url = serve();
    let config = format!(
        "[load]\nhost = \"{url}\"\nusers = 2\nspawn_rate = \"2/s\"\nduration = \"3s\"\n\
         [scenario]\nwait = {{ constant = \"60ms\" }}\n\
         [[scenario.task]]\nname = \"list\"\npath = \"/list/\"\nweight = 1\n\
         [thresholds]\nfail = [\"error_rate <= 5%\"]\n"
    );
    std::fs::write(folder.path().join("perf.toml"), config).unwrap();
    folder
}

/// The command in such a folder, in surroundings of the test's own.
fn command(program: &str, folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder.path()).env("TERM", "xterm-256color");
    for name in ["CI", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
}

const PORTCULLIS: &str = env!("CARGO_BIN_EXE_portcullis");
const ROWS: u16 = 40;

/// A run in a terminal of its own.
struct Terminal {
    folder: TempDir,
    child: std::process::Child,
    keyboard: std::fs::File,
    bytes: mpsc::Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// Everything that came, as it came.
    raw: Vec<u8>,
}

impl Terminal {
    fn start(columns: u16, arguments: &[&str]) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let size = Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&ours, size).unwrap();
        let theirs =
            std::path::PathBuf::from(ptsname(&ours, Vec::new()).unwrap().to_str().unwrap());
        let open =
            || Stdio::from(std::fs::File::options().read(true).write(true).open(&theirs).unwrap());
        let folder = folder();
        // A session of its own, whose terminal this is: Ctrl-C comes as a signal.
        let arguments = [&["-c", "-w", PORTCULLIS, "perf"], arguments].concat();
        let mut command = command("setsid", &folder, &arguments);
        let child = command.stdin(open()).stdout(open()).stderr(open()).spawn().unwrap();
        let keyboard = std::fs::File::from(ours);
        let mut reader = std::fs::File::from(OwnedFd::from(keyboard.try_clone().unwrap()));
        let (sender, bytes) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // An error is the end of the last process that had it open.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let screen = vt100::Parser::new(ROWS, columns, 0);
        Self { folder, child, keyboard, bytes, screen, raw: Vec::new() }
    }

    fn shown(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits until a text stands on the screen.
    fn wait_for(&mut self, text: &str) -> String {
        let start = Instant::now();
        while !self.shown().contains(text) {
            assert!(start.elapsed() < HANG, "no {text:?} on:\n{}", self.shown());
            let bytes = self.bytes.recv_timeout(HANG);
            let bytes = bytes.unwrap_or_else(|_| panic!("no {text:?} on:\n{}", self.shown()));
            self.take(&bytes);
        }
        self.shown()
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.raw.extend(bytes);
    }

    /// What stands on the screen once the run is over, and its exit code.
    fn finish(mut self) -> (String, Option<i32>, Vec<u8>) {
        let status = crate::harness::wait(self.child).status;
        while let Ok(bytes) = self.bytes.recv_timeout(Duration::from_millis(300)) {
            self.screen.process(&bytes);
            self.raw.extend(bytes);
        }
        assert!(!self.screen.screen().hide_cursor(), "the cursor is hidden");
        assert!(!self.raw.windows(6).any(|part| part == b"\x1b[?25l"), "it was hidden");
        drop((self.folder, self.keyboard));
        (self.screen.screen().contents(), status.code(), self.raw)
    }
}

/// Lines that only the panel has.
const OF_THE_PANEL: [&str; 5] =
    ["  requests  ", "  thresholds  ", "  generator  ", "  then  ", "  users  "];

/// Green; on a machine that is too busy the generator is late, which is no fault
/// of the terminal's. How the verdict begins.
fn assert_ended(text: &str, code: Option<i32>) -> &'static str {
    let late = "INVALID: the load ";
    if code == Some(5) && text.contains(late) {
        return late;
    }
    assert_eq!(code, Some(0), "{text}");
    "PASSED: "
}

fn assert_clean(screen: &str) {
    for label in OF_THE_PANEL {
        let left = screen.lines().find(|line| line.starts_with(label));
        assert_eq!(left, None, "left of the panel:\n{screen}");
    }
}

#[test]
fn a_panel_lives_while_the_load_runs_and_leaves_nothing() {
    for columns in [60, 100] {
        let mut terminal = Terminal::start(columns, &[]);
        terminal.wait_for("  load         0:02 of 0:03");
        // The last line of the panel: what came before it is whole.
        let shown = terminal.wait_for("  then         judge, collect, stop");
        assert!(OF_THE_PANEL.iter().all(|label| shown.contains(label)), "{shown}");
        assert!(shown.contains("2 of 2 active") && shown.contains("1 passed"), "{shown}");
        assert!(shown.contains("errors       none"), "{shown}");
        let (screen, code, raw) = terminal.finish();
        let verdict = assert_ended(&screen, code);
        assert_clean(&screen);
        let begins = |line: &&str| line.starts_with(verdict);
        assert_eq!(screen.lines().filter(begins).count(), 2, "{screen}");
        let stages = ["  ready  ", "  load  ", "  judge  ", "  collect  ", "  stop  "];
        for stage in stages {
            let lines = screen.lines().filter(|line| line.starts_with(stage)).count();
            assert_eq!(lines, 1, "{stage}:\n{screen}");
        }
        assert!(raw.windows(4).any(|part| part == b"\x1b[1;"), "no colours");
    }
}

#[test]
fn ctrl_c_leaves_a_clean_screen_and_the_cursor() {
    let mut terminal = Terminal::start(80, &["-t", "60s"]);
    terminal.wait_for("  load         0:01 of 1:00");
    terminal.keyboard.write_all(b"\x03").unwrap();
    let (screen, code, _) = terminal.finish();
    assert_eq!(code, Some(130), "{screen}");
    assert_clean(&screen);
    let last = screen.trim_end().lines().last().unwrap();
    assert!(last.starts_with("INTERRUPTED: ") && last.ends_with("(exit 130)"), "{screen}");
}

#[test]
fn a_terminal_that_grows_narrow_keeps_no_remains() {
    let mut terminal = Terminal::start(100, &["-t", "4s"]);
    terminal.wait_for("  load         0:01 of 0:04");
    let size = Winsize { ws_row: ROWS, ws_col: 60, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal.keyboard, size).unwrap();
    terminal.screen.screen_mut().set_size(ROWS, 60);
    terminal.wait_for("  load         0:03 of 0:04");
    let (screen, code, _) = terminal.finish();
    assert_ended(&screen, code);
    assert_clean(&screen);
}

#[test]
fn a_dumb_terminal_and_no_color_get_what_they_ask_for() {
    let folder = folder();
    let output = command(PORTCULLIS, &folder, &["perf", "-t", "2s"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\n  load 1/2 s, 2/2 users") && !text.contains('\x1b'), "{text}");
    let mut terminal = Terminal::start(80, &["-q", "-t", "2s"]);
    terminal.wait_for("(exit ");
    let (screen, code, _) = terminal.finish();
    assert_ended(&screen, code);
    // A finding, if there is one, and the verdict.
    let label = OF_THE_PANEL.iter().find(|label| screen.contains(*label));
    assert!(label.is_none() && !screen.contains("portcullis:"), "{screen}");
}

#[test]
fn a_ci_log_is_folded_and_ends_with_the_verdict() {
    let folder = folder();
    let mut command = command(PORTCULLIS, &folder, &["perf", "-t", "2s"]);
    let output = command.env("GITHUB_ACTIONS", "true").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let place = |line: &str| lines.iter().position(|known| *known == line);
    let (begin, end) = (place("::group::stages").unwrap(), place("::endgroup::").unwrap());
    let ready = lines.iter().position(|line| line.starts_with("  ready")).unwrap();
    let judge = lines.iter().position(|line| line.starts_with("  judge")).unwrap();
    assert!(begin < ready && ready < end && end < judge, "{text}");
    let verdict = assert_ended(&text, output.status.code());
    assert!(lines.last().unwrap().starts_with(verdict), "{text}");
}

#[test]
fn json_is_the_file_and_everything_else_is_on_standard_error() {
    let folder = folder();
    let arguments = ["perf", "-t", "2s", "--format", "json", "--out", "out"];
    let output = command(PORTCULLIS, &folder, &arguments).output().unwrap();
    let file = std::fs::read(folder.path().join("out/perf_results.json")).unwrap();
    assert!(output.stdout == file, "{}", String::from_utf8_lossy(&output.stdout));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("  load 1/2 s") && said.trim_end().ends_with(')'), "{said}");
    assert_ended(&said, output.status.code());

    let refused = ["perf", "--format", "jsonl", "-t", "2"];
    let output = command(PORTCULLIS, &folder, &refused).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [begin, end] = &lines[..] else { panic!("{text}") };
    assert_eq!((&begin["kind"], &begin["schema_version"]), (&"run".into(), &1.into()), "{begin}");
    assert_eq!((&end["kind"], &end["exit_code"]), (&"end".into(), &2.into()), "{end}");
}

#[test]
fn jsonl_is_an_object_for_each_event() {
    let folder = folder();
    let arguments = ["perf", "-t", "2s", "--format", "jsonl"];
    let output = command(PORTCULLIS, &folder, &arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let events: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let stream = folder.path().join("stream.jsonl");
    std::fs::write(&stream, &text).unwrap();
    expect_valid("events", &stream);
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[..2], ["run", "stage_started"], "{text}");
    assert_eq!(kinds.last(), Some(&"end"), "{text}");
    let load = events.iter().rfind(|event| event["kind"] == "progress").unwrap();
    assert_eq!(load["rules"][0]["rule"], "error_rate <= 5.00 %", "{load}");
    assert!(load["requests"].as_u64().unwrap() > 10, "{load}");
    let end = events.last().unwrap();
    assert_eq!(end["exit_code"], output.status.code().unwrap());
    assert!(std::path::Path::new(end["results"].as_str().unwrap()).is_file(), "{end}");
}
