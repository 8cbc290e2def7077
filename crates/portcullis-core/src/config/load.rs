//! The `[load]` section: how much load, with which model, and on which server.

use std::time::Duration;

use super::reader::{Problems, Reader, list, note, text};
use super::tree::{Node, Place};
use crate::scenario::{Arrivals, Model, RateStage, UserStage};
use crate::target::{self, Target};
use crate::text::nearest;
use crate::units;

/// How much load, for how long, and on which server.
#[derive(Clone, Debug)]
pub struct LoadSection {
    /// Virtual users; in the open model their maximum.
    pub users: u32,
    /// Users started per second.
    pub spawn_rate: f64,
    /// The planned window; with stages, their sum without the warm-up.
    pub duration: Duration,
    /// How long the load may continue for rules in doubt.
    pub max_duration: MaxDuration,
    /// Whether the window ends once every rule is decided.
    pub until_sure: bool,
    /// The model of the load, including the warm-up.
    pub model: Model,
    /// Whether the model was written as stages.
    pub staged: bool,
    /// Load before the window, which is not judged.
    pub warm_up: Duration,
    /// How often each task is called before the load starts.
    pub warm_up_rounds: u32,
    /// The number of requests after which the window ends, if configured.
    pub requests: Option<u64>,
    /// From the request to the last byte of its answer.
    pub request_timeout: Duration,
    /// How long requests under way may take after the load has ended.
    pub grace: Duration,
    /// Threads that send requests.
    pub workers: u32,
    /// Whether answers in several pieces are acknowledged at once.
    pub acknowledge_at_once: bool,
    /// A running server; `None` starts one.
    pub host: Option<Target>,
    /// A file of certificates to verify `host` with, instead of the system's.
    pub ca: Option<String>,
    /// Whether any certificate is accepted.
    pub insecure: bool,
    /// Hosts other than loopback that may be loaded.
    pub allow_hosts: Vec<String>,
    /// The seed of all random choices, if configured.
    pub seed: Option<u64>,
}

/// The maximum duration of a load, from the start of its window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxDuration {
    /// A multiple of the planned window.
    Times(f64),
    /// A fixed duration.
    Span(Duration),
}

impl MaxDuration {
    /// The maximum for a planned window; never shorter than the window.
    pub fn of(self, window: Duration) -> Duration {
        match self {
            Self::Times(times) => window.mul_f64(times.max(1.0)),
            Self::Span(span) => span.max(window),
        }
    }
}

impl Default for LoadSection {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self {
            users: 1,
            spawn_rate: 1.0,
            duration: second,
            max_duration: MaxDuration::Times(1.0),
            until_sure: false,
            model: Model::Closed(vec![UserStage { users: 1, over: second }]),
            staged: false,
            warm_up: Duration::ZERO,
            warm_up_rounds: 1,
            requests: None,
            request_timeout: second,
            grace: second,
            workers: 1,
            acknowledge_at_once: true,
            host: None,
            ca: None,
            insecure: false,
            allow_hosts: Vec::new(),
            seed: None,
        }
    }
}

/// Decodes the section; the defaults if there is none.
pub fn decode(section: Option<Reader<'_>>, problems: &mut Problems) -> LoadSection {
    let Some(mut section) = section else { return LoadSection::default() };
    let mut load = LoadSection {
        users: whole(&mut section, "users", 1_000_000, problems).max(1),
        spawn_rate: section.rate("spawn_rate", problems),
        duration: section.duration("duration", problems),
        max_duration: longest(&mut section, problems),
        until_sure: section.flag("until_sure", problems),
        warm_up: section.wait("warm_up", problems).unwrap_or_default(),
        warm_up_rounds: whole(&mut section, "warm_up_rounds", 10_000, problems).max(1),
        request_timeout: section.duration("request_timeout", problems),
        workers: whole(&mut section, "workers", 64, problems).max(1),
        acknowledge_at_once: section.flag("quick_ack", problems),
        allow_hosts: section.texts("allow_hosts", problems),
        ca: section.optional_text("ca", problems),
        insecure: section.flag("insecure", problems),
        ..LoadSection::default()
    };
    load.grace = match section.optional("grace") {
        Some(_) => section.wait("grace", problems).unwrap_or_default(),
        None => load.request_timeout,
    };
    load.requests = number(&mut section, "requests", 1, problems);
    load.seed = number(&mut section, "seed", 0, problems);
    load.host = host(&mut section, &load.allow_hosts, problems);
    model(&mut section, &mut load, problems);
    section.finish(problems);
    load
}

/// `"4x"` or `"2m"`.
fn longest(section: &mut Reader<'_>, problems: &mut Problems) -> MaxDuration {
    let at = section.optional("max_duration").map_or(section.at(), |node| node.at);
    let written = section.text("max_duration", problems);
    let times = written.strip_suffix('x').and_then(|times| times.trim().parse::<f64>().ok());
    match (times, crate::units::duration(&written)) {
        (Some(times), _) if (1.0..=1000.0).contains(&times) => return MaxDuration::Times(times),
        (None, Ok(span)) => return MaxDuration::Span(span),
        _ if written.is_empty() => {}
        _ => note(
            problems,
            at,
            format!(
                "load.max_duration = \"{written}\": write \"4x\" (times the duration, 1 to 1000) \
                 or a duration such as \"2m\""
            ),
        ),
    }
    MaxDuration::Times(1.0)
}

/// A whole number from 1 to `most`.
fn whole(section: &mut Reader<'_>, key: &'static str, most: u32, problems: &mut Problems) -> u32 {
    let number = section.integer(key, 1..=i64::from(most), problems);
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or(1)
}

/// An optional whole number of at least `least`.
fn number(
    section: &mut Reader<'_>,
    key: &'static str,
    least: i64,
    problems: &mut Problems,
) -> Option<u64> {
    let path = section.path_of(key);
    let node = section.optional(key)?;
    let number = super::reader::integer(node, &path, least..=i64::MAX, problems)?;
    u64::try_from(number).ok()
}

fn host(section: &mut Reader<'_>, allowed: &[String], problems: &mut Problems) -> Option<Target> {
    let node = section.optional("host")?;
    let written = text(node, "load.host", problems)?;
    let named_in_file = matches!(node.at, Place::File(..));
    match target::parse(&written) {
        Ok(target) if named_in_file || target.is_allowed(allowed) => return Some(target),
        Ok(target) => note(problems, node.at, target.refusal()),
        Err(error) => note(problems, node.at, error.to_string()),
    }
    None
}

fn model(section: &mut Reader<'_>, load: &mut LoadSection, problems: &mut Problems) {
    let arrivals = arrivals(section, problems);
    let rate = section
        .optional("arrival_rate")
        .map(|node| (node.at, section.rate("arrival_rate", problems)));
    let total = load.warm_up + load.duration;
    match (section.optional("stages"), rate) {
        (Some(node), rate) => {
            if let Some((at, _)) = rate {
                note(problems, at, "use either load.stages or load.arrival_rate, not both");
            }
            stages(section, node, load, arrivals, problems);
        }
        (None, Some((_, rate))) => {
            let jump = RateStage { rate, over: Duration::ZERO };
            load.model = Model::Open(vec![jump, RateStage { rate, over: total }], arrivals);
        }
        (None, None) => {
            let users = load.users;
            let ramp = ramp(users, load.spawn_rate);
            let rest = total.saturating_sub(ramp);
            let stages = [(users, ramp), (users, rest)];
            let stage = |(users, over)| UserStage { users, over };
            load.model = Model::Closed(stages.map(stage).to_vec());
        }
    }
}

/// The time until the last of some users has started.
pub fn ramp(users: u32, spawn_rate: f64) -> Duration {
    Duration::try_from_secs_f64(f64::from(users) / spawn_rate).unwrap_or(Duration::MAX)
}

fn arrivals(section: &mut Reader<'_>, problems: &mut Problems) -> Arrivals {
    let at = section.optional("arrivals").map_or(section.at(), |node| node.at);
    match section.text("arrivals", problems).as_str() {
        "even" | "" => Arrivals::Even,
        "poisson" => Arrivals::Poisson,
        other => {
            let near = nearest(other, ["even", "poisson"]);
            let message = format!("load.arrivals = \"{other}\": expected even or poisson{near}");
            note(problems, at, message);
            Arrivals::Even
        }
    }
}

/// Decodes stages. They replace users, spawn rate and duration. If these are set by flags,
/// they are refused, because they would be ignored silently.
fn stages(
    section: &mut Reader<'_>,
    node: &Node,
    load: &mut LoadSection,
    arrivals: Arrivals,
    problems: &mut Problems,
) {
    load.staged = true;
    let (mut users, mut rates) = (Vec::new(), Vec::new());
    for item in list(node, "load.stages", problems) {
        let mut stage = Reader::new(item, "load.stages", problems);
        let over = stage.wait("over", problems).unwrap_or_default();
        if stage.optional("rate").is_some() == stage.optional("users").is_some() {
            note(problems, item.at, "a stage needs over, and either users or rate");
        } else if let Some(rate) = stage.optional("rate") {
            rates.extend(stage_rate(rate, problems).map(|rate| RateStage { rate, over }));
        } else {
            let count = stage.integer("users", 0..=1_000_000, problems);
            let count = count.and_then(|count| u32::try_from(count).ok()).unwrap_or_default();
            users.push(UserStage { users: count, over });
        }
        stage.finish(problems);
    }
    for key in ["users", "spawn_rate", "duration"] {
        // In the open model `users` is the maximum, which stages do not set.
        let replaced = key == "duration" || rates.is_empty();
        if let Some(at) = section.optional(key).map(|node| node.at)
            && at.is_given()
            && replaced
        {
            let message = "load.stages already sets this: remove the flag or load.stages";
            note(problems, at, message);
        }
    }
    if !users.is_empty() && !rates.is_empty() {
        note(problems, node.at, "load.stages must all have users or all have rate");
    }
    if rates.is_empty() {
        load.users = users.iter().map(|stage| stage.users).max().unwrap_or(0);
        load.model = Model::Closed(users);
    } else {
        load.model = Model::Open(rates, arrivals);
    }
    load.duration = load.model.total().saturating_sub(load.warm_up);
    let nothing = match &load.model {
        Model::Closed(_) => load.users == 0,
        Model::Open(rates, _) => rates.iter().all(|stage| stage.rate == 0.0),
    };
    if nothing || load.duration.is_zero() {
        note(problems, node.at, "load.stages has nothing to measure after the warm-up");
        load.users = load.users.max(1);
    }
}

/// A rate per second; zero is a pause.
fn stage_rate(node: &Node, problems: &mut Problems) -> Option<f64> {
    let written = text(node, "load.stages.rate", problems)?;
    let read = units::rate(&written);
    read.map_err(|error| note(problems, node.at, format!("load.stages.rate = {error}"))).ok()
}
