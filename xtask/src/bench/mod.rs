//! `cargo xtask bench`: figures beside those of peers, side by side in one run
//! on one machine. Nothing here passes or fails: a missed target stays in the
//! table as missed.

mod engine;
mod nginx;
mod scenario;

use anyhow::Result;
use clap::{Args, ValueEnum};

/// Flags of `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to measure
    #[arg(value_enum)]
    part: Part,
    /// Fewer and shorter rounds
    #[arg(long)]
    quick: bool,
    /// How the table is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    /// The load engine: its cost, throughput, memory and punctuality
    Engine,
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
    /// The target, in words; empty for a peer's figure.
    pub target: &'static str,
    /// Whether it was met; `None` for a peer's figure.
    pub met: Option<bool>,
}

/// Measures and prints.
///
/// # Errors
/// A tool is missing or a measurement failed.
pub fn run(args: &BenchArgs) -> Result<()> {
    let figures = match args.part {
        Part::Engine => engine::measure(args.quick)?,
    };
    match args.format {
        Format::Json => print_json(&figures),
        Format::Text => figures.iter().for_each(print_text),
    }
    Ok(())
}

fn print_text(figure: &Figure) {
    let met = match figure.met {
        Some(true) => "met",
        Some(false) => "missed",
        None => "",
    };
    let Figure { what, value, unit, target, .. } = figure;
    println!("{what:<64} {value:>10.3} {unit:<14} {target:<10} {met}");
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
