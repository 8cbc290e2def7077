//! Merging and judging recorders with 6 million samples: an example of the engine's crate
//! does this and prints the time.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Figure, Target};
use crate::tools;

/// Makes one run; no figures and a message if the example fails.
pub fn measure() -> Vec<Figure> {
    match run() {
        Ok(figures) => figures,
        Err(error) => {
            eprintln!("xtask: the merging of recorders is left out: {error:#}");
            Vec::new()
        }
    }
}

fn run() -> Result<Vec<Figure>> {
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--release", "--locked", "--quiet", "-p", "portcullis-load"]);
    let output = cargo.args(["--example", "merge"]).current_dir(tools::root()).output()?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        bail!("{}", told.lines().next().unwrap_or("the example failed"));
    }
    read(&String::from_utf8_lossy(&output.stdout)).context("the example printed no figures")
}

fn read(text: &str) -> Option<Vec<Figure>> {
    let line = text.lines().find(|line| line.starts_with('{'))?;
    let figures: Value = serde_json::from_str(line).ok()?;
    let what = |what: &str| format!("merging and judging 6 million samples: {what}");
    let milliseconds = figures["milliseconds"].as_f64()?;
    Some(vec![
        Figure::of_ours(what("time"), milliseconds, "ms", Target::AtMost(200.0)),
        Figure::beside(what("memory"), figures["kilobytes"].as_f64()?, "KB"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_s_line_is_read() {
        let line = "{\"samples\":6000000,\"milliseconds\":12.5,\"kilobytes\":2048}\n";
        let figures = read(line).unwrap();
        assert_eq!((figures[0].value, figures[0].met), (12.5, Some(true)));
        assert_eq!(figures[1].value, 2048.0);
        assert!(read("").is_none());
    }
}
