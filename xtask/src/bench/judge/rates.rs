//! The counts so far as figures and as a page of the documentation.

use anyhow::{Context, Result};
use portcullis::evidence::Counts;
use portcullis::pairs::RULE;

use super::ledger::{self, Line};
use crate::bench::statistics::percentile;
use crate::bench::{Figure, Target};
use crate::tools;

/// The lines of the present rule.
fn present() -> Result<Vec<Line>> {
    let rule = RULE.hash();
    Ok(ledger::read()?.into_iter().filter(|line| line.rule == rule).collect())
}

struct Of<'a>(Vec<&'a Line>);

impl<'a> Of<'a> {
    fn new(lines: &'a [Line], noise: &str, slowed: bool) -> Self {
        Self::by("runserver", lines, noise, slowed)
    }

    fn by(server: &str, lines: &'a [Line], noise: &str, slowed: bool) -> Self {
        let is = |line: &&Line| {
            line.server == server && line.noise == noise && line.slowed.is_empty() != slowed
        };
        Self(lines.iter().filter(is).collect())
    }

    fn quantile(&self, share: f64, pick: impl Fn(&Line) -> Option<f64>) -> f64 {
        let mut values: Vec<f64> = self.0.iter().filter_map(|line| pick(line)).collect();
        values.sort_by(f64::total_cmp);
        percentile(&values, share)
    }

    fn share(&self, is: impl Fn(&Line) -> bool) -> f64 {
        if self.0.is_empty() {
            return f64::NAN;
        }
        self.0.iter().filter(|line| is(line)).count() as f64 / self.0.len() as f64
    }
}

/// The figures of the counts so far.
///
/// # Errors
/// The file is not what we wrote.
pub fn figures() -> Result<Vec<Figure>> {
    let lines = present()?;
    let mut figures = Vec::new();
    alarms(&lines, &mut figures);
    for (noise, hits, median, ninetieth) in
        [("quiet", 0.95, 7.0, 10.0), ("bursty", 0.95, 8.0, 12.0), ("steady", 0.90, 0.0, 0.0)]
    {
        let slowed = Of::new(&lines, noise, true);
        let n = slowed.0.len();
        let what = format!("one task slower by 20 %, {noise}: found ({n} runs)");
        figures.push(Figure::of_ours(
            what,
            slowed.share(|l| l.found),
            "share",
            Target::AtLeast(hits),
        ));
        if median > 0.0 {
            for (share, limit, word) in [(0.5, median, "median"), (0.9, ninetieth, "90th")] {
                let what = format!("the same: time to the alarm, {word}");
                let value = slowed.quantile(share, |line| line.alarm_s);
                figures.push(Figure::of_ours(what, value, "s", Target::AtMost(limit)));
            }
        }
    }
    for (noise, limit) in [("quiet", 6.0), ("bursty", 7.0)] {
        let equal = Of::new(&lines, noise, false);
        let value = equal.quantile(0.5, |line| Some(line.took_s));
        let what = format!("identical code, {noise}: all ten tasks decided, median");
        figures.push(Figure::of_ours(what, value, "s", Target::AtMost(limit)));
    }
    let equal = Of(lines
        .iter()
        .filter(|line| line.slowed.is_empty() && line.server == "runserver")
        .collect());
    let ratio = equal.quantile(0.5, |l| l.rarest_s) / equal.quantile(0.5, |l| l.commonest_s);
    let what = "rarest against most frequent task: ratio of detection times";
    figures.push(Figure::of_ours(what, ratio, "times", Target::AtMost(1.5)));
    type Alarmed = fn(&Line) -> bool;
    let rivals: [(&str, Alarmed); 3] = [
        ("p95 more than 20 % above, any task", |line| line.p95_rule),
        ("Mann-Whitney at 5 %, any task", |line| line.mann_whitney),
        ("paired mean above two standard errors, any task", |line| line.paired_mean),
    ];
    for (name, alarmed) in rivals {
        let what = format!("identical code, other rules on the same pairs: {name}");
        figures.push(Figure::beside(what, equal.share(alarmed), "share"));
    }
    Ok(figures)
}

fn alarms(lines: &[Line], figures: &mut Vec<Figure>) {
    for noise in ["quiet", "bursty"] {
        let equal = Of::new(lines, noise, false);
        let n = equal.0.len();
        let share = equal.share(|line| line.wrong > 0);
        let what = format!("identical code, {noise}: \"slower\" for any task ({n} runs)");
        figures.push(Figure::of_ours(what, share, "share", Target::AtMost(0.01)));
    }
    let wrong = lines.iter().filter(|line| line.wrong > 0).count() as u64;
    let counts = Counts { all: lines.len() as u64, hits: wrong };
    let what =
        format!("a wrong \"slower\" in all {} runs: {wrong}; upper bound (95 %)", lines.len());
    figures.push(Figure::beside(what, counts.upper_bound(0.05), "share"));
}

/// Writes `docs/reference/error-rates.md`.
///
/// # Errors
/// It cannot be written.
pub fn write() -> Result<()> {
    let lines = present()?;
    let mut page = format!(
        "# Error rates\n\nHow often `--against` itself is wrong, counted in live runs whose truth is \
         known: both versions\nfreshly started every five comparisons, the bundled service, its ten \
         tasks. Identical code must not be\ncalled slower; one task that was made slower by a fifth \
         (extra queries, calibrated) must be found.\n\nThis page is written by `cargo xtask bench \
         judge --part pairs` from `error-rates.csv`, in which\neach comparison has a line. A changed \
         rule begins anew. The rule `{}`: {}.\n",
        RULE.hash(),
        RULE.described()
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
    for figure in figures()? {
        let met = figure.met.map_or("", |met| if met { "met" } else { "missed" });
        let Figure { what, value, unit, target, .. } = figure;
        page.push_str(&format!("| {what} | {value:.3} {unit} | {target} | {met} |\n"));
    }
    page.push_str(OUTCOMES);
    for (server, noise) in [
        ("runserver", "quiet"),
        ("runserver", "bursty"),
        ("runserver", "steady"),
        ("gunicorn", "quiet"),
    ] {
        for slowed in [false, true] {
            let of = Of::by(server, &lines, noise, slowed);
            if of.0.is_empty() {
                continue;
            }
            let wrong = of.0.iter().filter(|line| line.wrong > 0).count();
            let found = of.0.iter().filter(|line| line.found).count();
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
    let path = tools::root().join("docs/reference/error-rates.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())
}

const OUTCOMES: &str = "\n## Outcomes\n\n| server, neighbour | truth | runs | with a wrong alarm | slowed \
                        task found | with an undecided task | median s |\n|---|---|---|---|---|---|---|\n";
