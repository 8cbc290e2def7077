//! Writes the counts so far as a page of the documentation, and as the sentence that
//! the help and the README quote.

use anyhow::{Context, Result};
use portcullis::comparison::POLICY;

use super::ledger::Line;
use super::rates::{self, Of};
use crate::bench::Figure;
use crate::tools;

/// Writes `docs/reference/error-rates.md` and the quoted sentence.
///
/// # Errors
/// It cannot be written.
pub fn write() -> Result<()> {
    let lines = rates::present()?;
    let mut page = format!(
        "# Error rates\n\nHow often `--against` gives a wrong result, counted in live runs with a \
         known truth: the ten tasks of the\nbundled service, with both versions started again \
         every five comparisons. Identical code must not be\ncalled slower. One task that was \
         made slower by a fifth (extra queries, calibrated) must be found.\n\n`cargo xtask bench \
         judge --part pairs` writes this page from `error-rates.csv`, which has a line for \
         each\ncomparison. After a change of the rule, counting starts from zero. The neighbour \
         process keeps a randomly\nchosen CPU busy for 50 to 150 ms at a time; \"elsewhere\" \
         means that the kernel placed it, away from the\nservers' CPU. The bound over all runs \
         assumes that comparisons are independent. The five comparisons of\none start share their \
         servers, which moves a ratio by 0.3 % (measured), compared with a margin of 5 %. \
         The\nbound over starts does not need this assumption.\n\nThe rule `{}`: {}.\n",
        POLICY.hash(),
        POLICY.described()
    );
    let mut dates: Vec<&str> = lines.iter().map(|line| line.date.as_str()).collect();
    dates.dedup();
    let mut machines: Vec<&str> = lines.iter().map(|line| line.machine.as_str()).collect();
    machines.sort_unstable();
    machines.dedup();
    if let (Some(first), Some(last)) = (dates.first(), dates.last()) {
        let machines = machines.join("; ");
        page.push_str(&format!("\nFrom {first} to {last}, on: {machines}.\n"));
    }
    page.push_str("\n| what | value | target | |\n|---|---|---|---|\n");
    for figure in rates::figures()? {
        let met = figure.met.map_or("", |met| if met { "met" } else { "missed" });
        let Figure { what, value, unit, target, .. } = figure;
        if value.is_nan() {
            page.push_str(&format!("| {what} | not measured yet | {target} | |\n"));
        } else {
            page.push_str(&format!("| {what} | {value:.3} {unit} | {target} | {met} |\n"));
        }
    }
    page.push_str(&outcomes(&lines));
    put("docs/reference/error-rates.md", &page)?;
    put("crates/portcullis/src/commands/error_rates.txt", &sentence(&lines))
}

/// The table of outcomes: a row for each kind of comparison.
fn outcomes(lines: &[Line]) -> String {
    let mut page = OUTCOMES.to_owned();
    for (server, noise) in [
        ("runserver", "quiet"),
        ("runserver", "bursty"),
        ("runserver", "steady"),
        ("runserver", "bursty elsewhere"),
        ("runserver", "steady elsewhere"),
        ("gunicorn", "quiet"),
    ] {
        for slowed in [false, true] {
            let of = Of::by(server, lines, noise, slowed);
            if of.0.is_empty() {
                continue;
            }
            let wrong = of.0.iter().filter(|line| line.wrong > 0).count();
            let found = of.0.iter().filter(|line| line.is_found_in_time()).count();
            let open = of.0.iter().filter(|line| line.undecided > 0).count();
            let found = if slowed { found.to_string() } else { "".to_owned() };
            let truth = if slowed { "one task +20 %" } else { "identical" };
            let took = of.quantile(0.5, |line| Some(line.took_s));
            page.push_str(&format!(
                "| {server}, {noise} | {truth} | {} | {wrong} | {found} | {open} | {took:.1} |\n",
                of.0.len()
            ));
        }
    }
    page
}

fn put(path: &str, text: &str) -> Result<()> {
    let path = tools::root().join(path);
    std::fs::write(&path, text).with_context(|| path.display().to_string())
}

/// The sentence that `--help` and the README quote.
fn sentence(lines: &[Line]) -> String {
    let (wrong, all, bound) = rates::wrong(lines);
    // Only calibrated comparisons, and only neighbours on the servers' CPU.
    let slowed: Vec<&Line> = lines
        .iter()
        .filter(|line| !line.slowed.is_empty() && line.restart.is_some())
        .filter(|line| !line.noise.ends_with("elsewhere"))
        .collect();
    let found = slowed.iter().filter(|line| line.is_found_in_time()).count();
    format!(
        "Counted live: {wrong} of {all} comparisons called a task slower that was not (below {:.1} % with \
         95 % confidence);\na task slower by a fifth was found in {found} of {}.\n",
        // Rounded up, so that the quoted bound is true.
        (bound * 1000.0).ceil() / 10.0,
        slowed.len()
    )
}

const OUTCOMES: &str = "\n## Outcomes\n\n| server, neighbour | truth | runs | runs with a false alarm | \
                        slower task found | runs with an undecided task | median time, s \
                        |\n|---|---|---|---|---|---|---|\n";
