//! A run in a terminal of its own: everything that it wrote, and what stood on the
//! screen at two moments, in mid-load and at the end.

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
/// So tall that nothing is scrolled out.
const ROWS: u16 = 200;
/// No run here takes longer: a hang, not a slow machine.
const HANG: Duration = Duration::from_secs(300);

/// What was played.
pub struct Played {
    raw: Vec<u8>,
    /// So many bytes had come when the awaited text was last on the screen.
    frame: usize,
    /// The exit code.
    pub code: Option<i32>,
}

impl Played {
    /// The screen at the end, with one text written as another, of equal use to a
    /// reader: the folder that it ran in.
    pub fn end(&self, written_as: (&Path, &str)) -> vt100::Parser {
        screen(&self.raw, written_as)
    }

    /// The screen when the awaited text was last on it.
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

/// Plays a command; once `awaited` is on the screen, `act` is done to its process.
///
/// # Errors
/// There is no terminal, the command cannot be started or hangs, or the act fails.
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
    // Our ends of their side: the last of them closed is the end of the output.
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
            bail!("it hangs:\n{}", screen.screen().contents());
        }
        if screen.screen().contents().contains(awaited) {
            played.frame = played.raw.len();
            act.take().map_or(Ok(()), |act| act(child.id()))?;
        }
    }
    played.code = child.wait()?.code();
    Ok(played)
}

/// Both sides of a pseudo-terminal of our size.
fn terminal() -> Result<(File, File)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    // What is printed is to be the same as on a screen of common height.
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
        // An error is the end of the last process that had it open.
        while let Ok(count @ 1..) = ours.read(&mut buffer) {
            let bytes = buffer.get(..count).unwrap_or_default().to_vec();
            if sender.send(bytes).is_err() {
                break;
            }
        }
    });
    bytes
}
