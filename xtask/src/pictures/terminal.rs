//! Runs a command in a new terminal, and records all its output and the screen at two
//! moments, during the load and at the end.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Columns of every terminal here.
pub const COLUMNS: u16 = 100;
/// Enough rows that nothing scrolls out.
const ROWS: u16 = 200;
/// After this time a run is considered as hanging, even on a slow machine.
const HANG: Duration = Duration::from_secs(300);

/// The recording of a command.
pub struct Played {
    raw: Vec<u8>,
    /// The number of bytes when the awaited text was last on the screen.
    frame: usize,
    /// The exit code.
    pub code: Option<i32>,
}

impl Played {
    /// The screen at the end, with one text replaced: the folder of the run.
    pub fn end(&self, written_as: (&Path, &str)) -> vt100::Parser {
        screen(&self.raw, written_as)
    }

    /// The screen at the moment when the awaited text was last on it.
    pub fn frame(&self, written_as: (&Path, &str)) -> vt100::Parser {
        screen(self.raw.get(..self.frame).unwrap_or_default(), written_as)
    }
}

fn screen(raw: &[u8], (from, to): (&Path, &str)) -> vt100::Parser {
    let text = String::from_utf8_lossy(raw).replace(&from.display().to_string(), to);
    let mut parser = vt100::Parser::new(ROWS, COLUMNS, 0);
    parser.process(text.as_bytes());
    parser
}

/// Runs a command; once `awaited` is on the screen, calls `act` with its process id.
///
/// # Errors
/// There is no terminal, the command cannot be started or hangs, or `act` fails.
pub fn play(
    mut command: Command,
    awaited: &str,
    act: impl FnOnce(u32) -> Result<()>,
) -> Result<Played> {
    for name in ["CI", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "NO_COLOR"] {
        command.env_remove(name);
    }
    let (keyboard, theirs) = terminal()?;
    let [input, output] = [theirs.try_clone()?, theirs.try_clone()?].map(Stdio::from);
    command.env("TERM", "xterm-256color").stdin(input).stdout(output).stderr(Stdio::from(theirs));
    let mut child = command.spawn().context("starting the run")?;
    // Closes our copies of the command's side; the output ends when the last one is closed.
    drop(command);
    let bytes = reader(keyboard);
    let mut screen = vt100::Parser::new(ROWS, COLUMNS, 0);
    let mut played = Played { raw: Vec::new(), frame: 0, code: None };
    let (start, mut act) = (Instant::now(), Some(act));
    loop {
        match bytes.recv_timeout(HANG) {
            Ok(bytes) => {
                screen.process(&bytes);
                played.raw.extend(bytes);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if start.elapsed() > HANG {
            child.kill()?;
            bail!("the command hangs:\n{}", screen.screen().contents());
        }
        if screen.screen().contents().contains(awaited) {
            played.frame = played.raw.len();
            act.take().map_or(Ok(()), |act| act(child.id()))?;
        }
    }
    played.code = child.wait()?.code();
    Ok(played)
}

/// Opens both sides of a pseudo-terminal.
fn terminal() -> Result<(File, File)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    // A usual height, so that the output is as on a real screen.
    let size = Winsize { ws_row: 40, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&ours, size)?;
    let name = ptsname(&ours, Vec::new())?;
    let theirs = File::options().read(true).write(true).open(name.to_str()?)?;
    Ok((File::from(ours), theirs))
}

fn reader(ours: File) -> mpsc::Receiver<Vec<u8>> {
    let (sender, bytes) = mpsc::channel();
    let mut ours = File::from(OwnedFd::from(ours));
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // An error means that the last process with the terminal open has ended.
        while let Ok(count @ 1..) = ours.read(&mut buffer) {
            let bytes = buffer.get(..count).unwrap_or_default().to_vec();
            if sender.send(bytes).is_err() {
                break;
            }
        }
    });
    bytes
}
