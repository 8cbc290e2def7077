//! Figures from the counts so far.

use std::collections::BTreeMap;

use anyhow::Result;
use portcullis::comparison::POLICY;
use portcullis::evidence::Counts;

use super::ledger::{COMMANDS, COMPARISONS, Ended, Line};
use super::neighbour::Noise;
use super::separate;
use crate::bench::statistics::percentile;
use crate::bench::{Figure, Target};

/// The comparisons with the present rule.
///
/// # Errors
/// The file has another format.
pub fn present() -> Result<Vec<Line>> {
    let rule = POLICY.hash();
    Ok(COMPARISONS.read()?.into_iter().filter(|line| line.rule == rule).collect())
}

/// Comparisons of one kind.
pub struct Of<'a>(pub Vec<&'a Line>);

impl<'a> Of<'a> {
    fn new(lines: &'a [Line], noise: &str, slowed: bool) -> Self {
        Self::by("runserver", lines, noise, slowed)
    }

    /// Comparisons with this server and neighbour, with or without a slowed task.
    pub fn by(server: &str, lines: &'a [Line], noise: &str, slowed: bool) -> Self {
        let is = |line: &&Line| {
            line.server == server && line.noise == noise && line.slowed.is_empty() != slowed
        };
        Self(lines.iter().filter(is).collect())
    }

    /// The nearest-rank percentile of the picked values; NaN without values.
    pub fn quantile(&self, share: f64, pick: impl Fn(&Line) -> Option<f64>) -> f64 {
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
/// The file has another format.
pub fn figures() -> Result<Vec<Figure>> {
    let lines = present()?;
    let mut figures = Vec::new();
    alarms(&lines, &mut figures);
    slowdowns(&lines, &mut figures);
    decisions(&lines, &mut figures);
    noise(&lines, &mut figures);
    rivals(&lines, &mut figures);
    let commands = COMMANDS.read()?;
    whole_commands(&commands, &mut figures);
    Ok(figures)
}

fn slowdowns(lines: &[Line], figures: &mut Vec<Figure>) {
    for (noise, hits, median, ninetieth) in
        [("quiet", 0.95, 7.0, 10.0), ("bursty", 0.95, 8.0, 12.0), ("steady", 0.90, 0.0, 0.0)]
    {
        let slowed = Of::new(lines, noise, true);
        let n = slowed.0.len();
        let what = format!("one task slower by 20 %, {noise}: found ({n} runs)");
        let found = slowed.share(Line::is_found_in_time);
        figures.push(Figure::of_ours(what, found, "share", Target::AtLeast(hits)));
        if median > 0.0 {
            for (share, limit, word) in [(0.5, median, "median"), (0.9, ninetieth, "p90")] {
                let what = format!("the same: time to the decision, {word}");
                // A task that was never found counts as later than all others.
                let value = slowed.quantile(share, |line| line.alarm_s.or(Some(f64::INFINITY)));
                figures.push(Figure::of_ours(what, value, "s", Target::AtMost(limit)));
            }
        }
    }
    let calibrated = |line: &&Line| !line.slowed.is_empty() && line.restart.is_some();
    let seen = Of(lines.iter().filter(calibrated).collect()).quantile(0.5, |line| line.seen);
    let what = "measured ratio of the slower task, median";
    figures.push(Figure::of_ours(what, seen, "times", Target::Within(1.18, 1.22)));
}

fn decisions(lines: &[Line], figures: &mut Vec<Figure>) {
    for (noise, limit) in [("quiet", 6.0), ("bursty", 7.0)] {
        let value = Of::new(lines, noise, false).quantile(0.5, |line| Some(line.took_s));
        let what = format!("identical code, {noise}: all ten tasks decided, median");
        figures.push(Figure::of_ours(what, value, "s", Target::AtMost(limit)));
    }
    let equal = equal(lines);
    let ratio = equal.quantile(0.5, |l| l.rarest_s) / equal.quantile(0.5, |l| l.commonest_s);
    let what = "rarest and most frequent task: ratio of decision times";
    figures.push(Figure::of_ours(what, ratio, "times", Target::AtMost(1.5)));
    for noise in ["quiet", "bursty"] {
        // Lines of one kind of noise only, because a difference between two kinds is not an
        // error of separate runs.
        let more = separate::times_more_requests(Of::new(lines, noise, false).0.into_iter());
        let what =
            format!("two separate runs instead of pairs, {noise}: requests needed, as a multiple");
        figures.push(Figure::of_ours(what, more, "times", Target::AtLeast(5.0)));
    }
}

/// Comparisons of identical versions, served by `runserver`.
fn equal(lines: &[Line]) -> Of<'_> {
    let is = |line: &&Line| line.slowed.is_empty() && line.server == "runserver";
    Of(lines.iter().filter(is).collect())
}

/// How much the neighbour process spreads single pairs.
fn noise(lines: &[Line], figures: &mut Vec<Figure>) {
    for noise in [Noise::Quiet, Noise::Bursty, Noise::Steady].map(Noise::name) {
        let of = lines.iter().filter(|line| line.noise == noise && line.server == "runserver");
        let spread = Of(of.collect()).quantile(0.5, |line| line.spread);
        let what = format!("spread of the logarithm of the ratio of a pair, {noise}");
        figures.push(Figure::beside(what, spread, "sd"));
    }
}

fn rivals(lines: &[Line], figures: &mut Vec<Figure>) {
    type Alarmed = fn(&Line) -> Option<bool>;
    let rivals: [(&str, Alarmed); 4] = [
        ("p95 more than 20 % above, any task", |line| Some(line.p95_rule)),
        ("Mann-Whitney at 5 %, any task", |line| Some(line.mann_whitney)),
        ("paired mean above two standard errors, any task", |line| Some(line.paired_mean)),
        ("veridict, relative difference beyond 5 %, any task", |line| line.veridict),
    ];
    let equal = equal(lines);
    for (name, alarmed) in rivals {
        let judged = Of(equal.0.iter().filter(|line| alarmed(line).is_some()).copied().collect());
        let what = format!("false alarms of other rules on the same pairs, identical code: {name}");
        let share = judged.share(|line| alarmed(line) == Some(true));
        figures.push(Figure::beside(what, share, "share"));
    }
}

/// The share of whole commands with the right result, with the present rule.
fn whole_commands(ended: &[Ended], figures: &mut Vec<Figure>) {
    let rule = POLICY.hash();
    for (what, server, noise, is_slowed, target) in [
        ("green on identical code, quiet", "runserver", "quiet", false, 1.0),
        ("green on identical code, bursty", "runserver", "bursty", false, 1.0),
        ("red for the slower task alone", "runserver", "quiet", true, 0.95),
        ("the same with gunicorn", "gunicorn", "quiet", true, 0.9),
    ] {
        let is = |one: &&Ended| {
            (one.rule.as_str(), one.server.as_str(), one.noise.as_str())
                == (rule.as_str(), server, noise)
                && one.slowed.is_empty() != is_slowed
        };
        let of: Vec<&Ended> = ended.iter().filter(is).collect();
        let right = of.iter().filter(|one| one.is_right()).count();
        let share = right as f64 / of.len() as f64;
        let what = format!("whole command, {what} ({right} of {})", of.len());
        figures.push(Figure::of_ours(what, share, "share", Target::AtLeast(target)));
    }
}

/// Comparisons with a wrong "slower": their number, the number of all comparisons, and
/// the upper bound of the share with 95 % confidence.
pub fn wrong(lines: &[Line]) -> (u64, usize, f64) {
    let wrong = lines.iter().filter(|line| line.wrong > 0).count() as u64;
    let counts = Counts { all: lines.len() as u64, hits: wrong };
    (wrong, lines.len(), counts.upper_bound(0.05))
}

fn alarms(lines: &[Line], figures: &mut Vec<Figure>) {
    for noise in ["quiet", "bursty"] {
        let equal = Of::new(lines, noise, false);
        let n = equal.0.len();
        let share = equal.share(|line| line.wrong > 0);
        let what = format!("identical code, {noise}: \"slower\" for any task ({n} runs)");
        figures.push(Figure::of_ours(what, share, "share", Target::AtMost(0.01)));
    }
    let (wrong, all, bound) = wrong(lines);
    let what = format!("a wrong \"slower\", all {all} runs: {wrong}; upper bound (95 %)");
    figures.push(Figure::beside(what, bound, "share"));
    let starts = wrong_starts(lines);
    let Counts { all, hits } = starts;
    let what = format!("starts with a wrong \"slower\": {hits} of {all}; upper bound (95 %)");
    figures.push(Figure::beside(what, starts.upper_bound(0.05), "share"));
}

/// The number of starts of both servers, and of starts with a wrong "slower" in any of
/// their comparisons. This does not assume that the comparisons of one start are
/// independent. Lines without the number of their start are left out.
fn wrong_starts(lines: &[Line]) -> Counts {
    let mut starts: BTreeMap<u64, bool> = BTreeMap::new();
    for (start, line) in lines.iter().filter_map(|line| Some((line.restart?, line))) {
        *starts.entry(start).or_default() |= line.wrong > 0;
    }
    let hits = starts.values().filter(|is_wrong| **is_wrong).count() as u64;
    Counts { all: starts.len() as u64, hits }
}
