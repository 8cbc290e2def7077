//! Runs a client on the first core, with a time limit, and measures its CPU time.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

/// The client's core; servers have the last one.
const CORE: &str = "0";

/// In addition to its duration, a client has this time to start and to end.
const GRACE_S: u64 = 30;

/// The output of a client, and its CPU time.
pub struct Ran {
    /// Its standard output.
    pub text: String,
    /// Its user and system time, in seconds.
    pub cpu_s: f64,
    /// Its exit code.
    pub code: i32,
}

/// Runs a client for `seconds`.
///
/// # Errors
/// It cannot be started, or did not end by itself.
pub fn run(client: &Command, seconds: u64) -> Result<Ran> {
    finish(start(client, seconds)?)
}

/// Starts a client in a shell, which prints the client's CPU time.
///
/// # Errors
/// It cannot be started.
pub fn start(client: &Command, seconds: u64) -> Result<Child> {
    // In the foreground, so that an interrupt at the terminal reaches it too.
    let script = r#"timeout --foreground -k 5 "$0" taskset -c "$@"; echo "ended $?"; times"#;
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg((seconds + GRACE_S).to_string()).arg(CORE);
    shell.arg(client.get_program()).args(client.get_args());
    shell.envs(client.get_envs().filter_map(|(key, value)| Some((key, value?))));
    if let Some(folder) = client.get_current_dir() {
        shell.current_dir(folder);
    }
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    shell.spawn().with_context(|| format!("starting {}", client.get_program().display()))
}

/// Waits for a client.
///
/// # Errors
/// It did not end by itself, or the shell printed no times.
pub fn finish(shell: Child) -> Result<Ran> {
    let output = shell.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (text, end) = text.rsplit_once("ended ").context("the shell did not print the end")?;
    let (code, times) = end.split_once('\n').context("the shell printed no times")?;
    let code: i32 = code.parse().context("the shell printed no exit code")?;
    // These codes come from `timeout`: it stopped the client, or could not start it.
    if [124, 126, 127, 137].contains(&code) {
        bail!("a client could not be started, or did not end in time ({code})");
    }
    Ok(Ran { text: text.to_owned(), cpu_s: children_cpu_s(times).context("no times")?, code })
}

/// `times` prints two lines: the shell's own, then its children's, each user
/// and system as `0m1.234s`.
fn children_cpu_s(times: &str) -> Option<f64> {
    let mut cpu_s = 0.0;
    for word in times.lines().nth(1)?.split_whitespace() {
        let (minutes, rest) = word.split_once('m')?;
        cpu_s += minutes.parse::<f64>().ok()? * 60.0;
        cpu_s += rest.trim_end_matches('s').parse::<f64>().ok()?;
    }
    Some(cpu_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_children_s_times_are_added_up() {
        let dash = "0m0.000000s 0m0.010000s\n1m2.500000s 0m3.250000s\n";
        assert_eq!(children_cpu_s(dash), Some(65.75));
        assert_eq!(children_cpu_s("0m0.00s 0m0.00s\n"), None);
    }
}
