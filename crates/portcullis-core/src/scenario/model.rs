//! Models of load as functions of time: which users are active (closed), and when requests
//! arrive (open). Pure: no code here reads a clock.

use std::time::Duration;

use crate::rng::{Domain, Rng};

/// The model of a load.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    /// Users that wait for their answers: a slow service gets fewer requests.
    Closed(Vec<UserStage>),
    /// Requests that arrive by a schedule, whatever the service does.
    Open(Vec<RateStage>, Arrivals),
}

/// A stage of a closed load: changes evenly from the number of users before it (0 at first)
/// to this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserStage {
    /// Users at its end.
    pub users: u32,
    /// Its length; with zero the number changes at once.
    pub over: Duration,
}

/// A stage of an open load: changes evenly from the rate before it (0 at first) to this
/// one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateStage {
    /// Requests per second at its end.
    pub rate: f64,
    /// Its length; with zero the rate changes at once.
    pub over: Duration,
}

/// How arrivals are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// As evenly as the rate allows.
    Even,
    /// A Poisson process: independent visitors.
    Poisson,
}

/// A time in which a user is active, from start to end.
pub type ActiveSpan = (Duration, Duration);

impl Model {
    /// The changes between stages, with the new target in words. Times count from the start of
    /// the first stage.
    pub fn changes(&self) -> Vec<(Duration, String)> {
        let stages: Vec<(Duration, String)> = match self {
            Self::Closed(stages) => {
                let toward = |stage: &UserStage| (stage.over, format!("to {} users", stage.users));
                stages.iter().map(toward).collect()
            }
            Self::Open(stages, _) => {
                let toward = |stage: &RateStage| (stage.over, format!("to {}/s", stage.rate));
                stages.iter().map(toward).collect()
            }
        };
        let mut at = Duration::ZERO;
        let ends = stages.iter().map(|(over, _)| {
            at += *over;
            at
        });
        let ends: Vec<Duration> = ends.collect();
        ends.into_iter().zip(stages.into_iter().skip(1).map(|(_, toward)| toward)).collect()
    }

    /// The time from the start of the first stage to the end of the last one.
    pub fn total(&self) -> Duration {
        match self {
            Self::Closed(stages) => stages.iter().map(|stage| stage.over).sum(),
            Self::Open(stages, _) => stages.iter().map(|stage| stage.over).sum(),
        }
    }

    /// The times in which the user with this number (from 0) is active; in the open model
    /// always, because arrivals decide what it does.
    pub fn active_spans(&self, user: u32) -> Vec<ActiveSpan> {
        match self {
            Self::Closed(stages) => active_spans(stages, user),
            Self::Open(..) => vec![(Duration::ZERO, self.total())],
        }
    }

    /// The rate at the end of an open load, per second; `None` in the closed model.
    pub fn last_rate(&self) -> Option<f64> {
        match self {
            Self::Closed(_) => None,
            Self::Open(stages, _) => stages.last().map(|stage| stage.rate),
        }
    }

    /// The number of requests due between two times; `None` in the closed model, where the
    /// service decides.
    pub fn due_between(&self, from: Duration, to: Duration) -> Option<f64> {
        let Self::Open(stages, _) = self else { return None };
        let schedule = Schedule::new(stages);
        Some(schedule.due_by(to) - schedule.due_by(from))
    }

    /// The intended starts of all requests of an open load, ascending; they depend only on the
    /// seed. None in the closed model.
    pub fn arrivals(&self, seed: u64) -> ArrivalTimes {
        let (stages, arrivals) = match self {
            Self::Closed(_) => (&[][..], Arrivals::Even),
            Self::Open(stages, arrivals) => (stages.as_slice(), *arrivals),
        };
        let rng = Rng::stream(seed, Domain::Arrival, 0);
        ArrivalTimes { schedule: Schedule::new(stages), arrivals, rng, count: 0, due: 0.0 }
    }
}

/// A user is active while the number of users is above its own number.
fn active_spans(stages: &[UserStage], user: u32) -> Vec<ActiveSpan> {
    let mut lives = Vec::new();
    let (mut from, mut at) = (0u32, Duration::ZERO);
    let mut born: Option<Duration> = None;
    for stage in stages {
        let (low, high) = (from.min(stage.users), from.max(stage.users));
        if (low..high).contains(&user) {
            // Of n users that start, the first starts at once; of n that stop, the last stops at
            // the end.
            let steps = if stage.users > from { user - low } else { high - user };
            let offset = stage.over.mul_f64(f64::from(steps) / f64::from(high - low));
            match born.take() {
                None => born = Some(at + offset),
                Some(born) => lives.push((born, at + offset)),
            }
        }
        (from, at) = (stage.users, at + stage.over);
    }
    lives.extend(born.map(|born| (born, at)));
    lives
}

/// A rate over time, piecewise linear.
#[derive(Clone, Debug)]
struct Schedule {
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    start_s: f64,
    span_s: f64,
    from: f64,
    to: f64,
    /// The number of requests due before it.
    before: f64,
}

impl Piece {
    /// The number of requests due in its first `t` seconds.
    fn due_in(&self, t: f64) -> f64 {
        self.from * t + (self.to - self.from) * t * t / (2.0 * self.span_s)
    }
}

impl Schedule {
    fn new(stages: &[RateStage]) -> Self {
        let (mut pieces, mut from, mut start_s, mut before) = (Vec::new(), 0.0, 0.0, 0.0);
        for stage in stages {
            let span_s = stage.over.as_secs_f64();
            if span_s > 0.0 {
                let piece = Piece { start_s, span_s, from, to: stage.rate, before };
                before += piece.due_in(span_s);
                start_s += span_s;
                pieces.push(piece);
            }
            from = stage.rate;
        }
        Self { pieces }
    }

    /// The number of requests due until `time`.
    fn due_by(&self, time: Duration) -> f64 {
        let time = time.as_secs_f64();
        let begun = self.pieces.iter().rev().find(|piece| piece.start_s <= time);
        begun.map_or(0.0, |piece| {
            piece.before + piece.due_in((time - piece.start_s).min(piece.span_s))
        })
    }

    /// The time at which `due` requests were due; `None` if there are never so many.
    fn time_of(&self, due: f64) -> Option<Duration> {
        let ends = |piece: &&Piece| due < piece.before + piece.due_in(piece.span_s);
        let piece = self.pieces.iter().find(ends)?;
        let area = (due - piece.before).max(0.0);
        let slope = (piece.to - piece.from) / piece.span_s;
        // Solves from·t + slope·t²/2 = area in a form that is exact for a slope of 0.
        let root = (piece.from * piece.from + 2.0 * slope * area).max(0.0).sqrt();
        let t = if area > 0.0 { 2.0 * area / (piece.from + root) } else { 0.0 };
        Duration::try_from_secs_f64(piece.start_s + t.min(piece.span_s)).ok()
    }
}

/// The intended starts of an open load's requests.
#[derive(Clone, Debug)]
pub struct ArrivalTimes {
    schedule: Schedule,
    arrivals: Arrivals,
    rng: Rng,
    count: u64,
    due: f64,
}

impl Iterator for ArrivalTimes {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        match self.arrivals {
            // Counted, not summed, so that an hour's schedule does not drift.
            Arrivals::Even => self.due = self.count as f64,
            // The gaps of a Poisson process are exponential. A changing rate is a constant one with
            // a transformed clock (Çinlar 1975, "time transformation" of the cumulative rate).
            Arrivals::Poisson => self.due -= (1.0 - self.rng.unit()).ln(),
        }
        self.count += 1;
        self.schedule.time_of(self.due)
    }
}
