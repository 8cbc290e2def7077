//! `cargo xtask bench`: compares figures with those of other tools, in one run on one
//! machine. Nothing here passes or fails: a missed target is shown as missed in the
//! table.

mod engine;

mod clock;
mod cost;
mod many_users;
mod merging;
mod stall;

mod clients;
pub mod judge;
mod pinned;
mod scenario;
mod statistics;

pub mod clock_server;
mod nginx;
mod server_process;

use anyhow::Result;
use clap::{Args, ValueEnum};

/// Flags of `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Measure this part
    #[arg(value_enum)]
    part: Part,
    /// Make fewer and shorter rounds
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Make as many comparisons as the error rates need: more than an hour
    #[arg(long)]
    full: bool,
    /// Measure only this part of the judge [default: all]
    #[arg(long = "part", value_enum, id = "judge-part")]
    part_of_judge: Option<judge::Part>,
    /// Make only comparisons and commands with this neighbour process
    #[arg(long, value_enum)]
    noise: Option<judge::neighbour::Noise>,
    /// Set the output format of the table
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    /// Measure cost, throughput, memory, punctuality and accuracy of the load engine
    Engine,
    /// Measure how often the verdict is wrong
    Judge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// One measured figure.
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// Its value.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The target, in words; empty for the figure of another tool.
    pub target: String,
    /// Whether it was met; `None` for the figure of another tool.
    pub met: Option<bool>,
}

/// The target of a figure of Portcullis.
#[derive(Clone, Copy)]
pub enum Target {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
    /// From the first to the second.
    Within(f64, f64),
}

impl Figure {
    /// A figure to compare with, without a target.
    pub fn beside(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { what: what.into(), value, unit, target: String::new(), met: None }
    }

    /// A figure of Portcullis; a value that could not be read (NaN) misses its target.
    pub fn of_ours(
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        target: Target,
    ) -> Self {
        let (target, met) = match target {
            Target::AtMost(limit) => (format!("<= {limit:?}"), value <= limit),
            Target::AtLeast(limit) => (format!(">= {limit:?}"), value >= limit),
            Target::Within(low, high) => {
                (format!("{low:?}..{high:?}"), (low..=high).contains(&value))
            }
        };
        Self { what: what.into(), value, unit, target, met: Some(met) }
    }
}

/// Measures and prints.
///
/// # Errors
/// A tool is missing or a measurement failed.
pub fn run(args: &BenchArgs) -> Result<()> {
    let figures = match args.part {
        Part::Engine => engine::measure(args.quick)?,
        Part::Judge => judged(args)?,
    };
    match args.format {
        Format::Json => print_json(&figures),
        Format::Text => figures.iter().for_each(print_text),
    }
    Ok(())
}

fn judged(args: &BenchArgs) -> Result<Vec<Figure>> {
    let extent = match (args.quick, args.full) {
        (true, _) => judge::Extent::Quick,
        (_, true) => judge::Extent::Full,
        _ => judge::Extent::Medium,
    };
    let parts = match args.part_of_judge {
        Some(part) => vec![part],
        None => judge::Part::value_variants().to_vec(),
    };
    let measured = parts.into_iter().map(|part| judge::measure(part, extent, args.noise));
    Ok(measured.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

fn print_text(figure: &Figure) {
    let met = match figure.met {
        Some(true) => "met",
        Some(false) => "missed",
        None => "",
    };
    let Figure { what, value, unit, target, .. } = figure;
    println!("{what:<72} {value:>10.3} {unit:<14} {target:<10} {met}");
}

fn print_json(figures: &[Figure]) {
    let rows: Vec<serde_json::Value> = figures
        .iter()
        .map(|figure| {
            serde_json::json!({
                "what": figure.what,
                "value": figure.value,
                "unit": figure.unit,
                "target": figure.target,
                "met": figure.met,
            })
        })
        .collect();
    println!("{:#}", serde_json::Value::from(rows));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_is_missing_misses_its_target() {
        let check = |value: f64, target: Target, words: &str, met: bool| {
            let figure = Figure::of_ours("it", value, "ms", target);
            assert_eq!((figure.target.as_str(), figure.met), (words, Some(met)));
        };
        check(0.2, Target::AtMost(0.2), "<= 0.2", true);
        check(f64::NAN, Target::AtMost(0.2), "<= 0.2", false);
        check(0.99, Target::AtLeast(1.0), ">= 1.0", false);
        check(f64::NAN, Target::AtLeast(1.0), ">= 1.0", false);
        check(0.96, Target::Within(0.95, 1.05), "0.95..1.05", true);
        check(1.06, Target::Within(0.95, 1.05), "0.95..1.05", false);
    }
}
