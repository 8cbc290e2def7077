//! Pairs against servers that behave as a test says: order, values, decisions,
//! failures, and what the caller is asked.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the servers of the tests listen")]
#![allow(dead_code, reason = "the server of the engine's tests is shared")]

#[path = "engine/planned.rs"]
mod planned;
#[path = "engine/server.rs"]
mod server;

use std::time::Duration;

use portcullis_core::compare::{Decision, Judge, POLICY, Side, Sides};
use portcullis_load::{Hooks, PairPlan, PairsError, PairsOutcome, Trust, pairs};

use planned::planned;
use server::{ONE, Reply, Server};

#[derive(Default)]
struct Asked {
    placed: u32,
    cpu: u32,
    stop_at: Option<usize>,
    secrets: Vec<String>,
}

impl Hooks for Asked {
    fn place(&mut self) {
        self.placed += 1;
    }

    fn cpu(&mut self, side: Side) -> Option<Duration> {
        self.cpu += 1;
        let each = if side == Side::Base { 1 } else { 2 };
        Some(Duration::from_millis(u64::from(self.cpu) * each))
    }

    fn secret(&mut self, token: &str) {
        self.secrets.push(token.to_owned());
    }

    fn goes_on(&mut self, pairs: usize, _: Duration) -> bool {
        self.stop_at.is_none_or(|stop| pairs < stop)
    }
}

fn compare(
    base: &Server,
    candidate: &Server,
    hooks: &mut Asked,
) -> Result<PairsOutcome, PairsError> {
    let (load, base_target) = planned("users = 1", "", &base.url());
    let (_, candidate_target) = planned("users = 1", "", &candidate.url());
    let targets = Sides { base: base_target, candidate: candidate_target };
    let plan = PairPlan {
        load: &load,
        limit: Duration::from_secs(20),
        warm_up: Duration::ZERO,
        repetition: 0,
    };
    let judge = Judge::new(load.scenario.tasks.len(), POLICY);
    pairs(plan, &targets, &Trust::Nobody, judge, hooks)
}

fn sleepy(ms: u64) -> Server {
    Server::start(move |_, _| Reply::After(Duration::from_millis(ms), ONE))
}

#[test]
fn a_candidate_that_takes_twice_as_long_is_slower_and_an_equal_one_is_not() {
    let (base, equal, slow) = (sleepy(4), sleepy(4), sleepy(8));
    let mut hooks = Asked::default();
    let outcome = compare(&base, &slow, &mut hooks).unwrap();
    let decisions = |judge: &Judge| [0, 1].map(|task| judge.decision(task));
    assert_eq!(decisions(&outcome.judge), [Decision::Slower; 2]);
    assert!(outcome.pairs.len() >= 2 * POLICY.fewest_pairs && outcome.pairs.len() < 60);
    assert_eq!(hooks.placed, 1);
    assert_eq!(hooks.cpu as usize, 4 * (outcome.pairs.len() + 2), "and the warm-up's round");
    let outcome = compare(&base, &equal, &mut Asked::default()).unwrap();
    assert_eq!(decisions(&outcome.judge), [Decision::NotSlower; 2]);
    let outcome = compare(&slow, &base, &mut Asked::default()).unwrap();
    assert_eq!(decisions(&outcome.judge), [Decision::Faster; 2]);
}

#[test]
fn both_get_the_same_requests_in_an_order_that_is_drawn() {
    let (base, candidate) = (sleepy(1), sleepy(1));
    let outcome = compare(&base, &candidate, &mut Asked::default()).unwrap();
    let lines = |server: &Server| -> Vec<String> {
        server.seen().into_iter().map(|seen| seen.line).collect()
    };
    assert_eq!(lines(&base), lines(&candidate));
    let firsts = outcome.pairs.iter().filter(|pair| pair.first == Side::Candidate).count();
    assert!(firsts > 0 && firsts < outcome.pairs.len(), "{firsts}");
}

#[test]
fn a_pair_with_a_failure_has_no_ratio_and_a_hopeless_task_is_given_up() {
    let base = sleepy(1);
    let candidate = Server::start(|_, line| match line.contains("/b/") {
        true => Reply::Close(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
        false => Reply::After(Duration::from_millis(1), ONE),
    });
    let outcome = compare(&base, &candidate, &mut Asked::default()).unwrap();
    let failed: Vec<_> =
        outcome.pairs.iter().filter(|pair| pair.latency.candidate.is_none()).collect();
    assert_eq!(failed.len(), 10);
    assert!(failed.iter().all(|pair| pair.task == 1 && pair.latency.base.is_some()));
    assert_eq!(outcome.judge.decision(1), Decision::Undecided);
}

#[test]
fn a_task_that_the_base_does_not_have_is_known_with_its_status() {
    let base = Server::start(|_, line| match line.contains("/b/") {
        true => Reply::Close(b"HTTP/1.1 404 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        false => Reply::After(Duration::from_millis(1), ONE),
    });
    let candidate = sleepy(1);
    let outcome = compare(&base, &candidate, &mut Asked::default()).unwrap();
    assert_eq!(outcome.base_lacks, [None, Some(404)]);
    assert_ne!(outcome.judge.decision(0), Decision::Undecided);
    // A candidate without it is not new, and a server error is the base's own.
    let outcome = compare(&candidate, &base, &mut Asked::default()).unwrap();
    assert_eq!(outcome.base_lacks, [None, None]);
    let broken = Server::start(|_, line| match line.contains("/b/") {
        true => Reply::Close(b"HTTP/1.1 500 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        false => Reply::After(Duration::from_millis(1), ONE),
    });
    let outcome = compare(&broken, &candidate, &mut Asked::default()).unwrap();
    assert_eq!(outcome.base_lacks, [None, None]);
}

#[test]
fn the_caller_can_stop_at_any_moment() {
    let (base, candidate) = (sleepy(1), sleepy(300));
    let mut hooks = Asked { stop_at: Some(2), ..Asked::default() };
    let outcome = compare(&base, &candidate, &mut hooks).unwrap();
    assert!((2..4).contains(&outcome.pairs.len()), "{}", outcome.pairs.len());
    let mut hooks = Asked { stop_at: Some(0), ..Asked::default() };
    assert!(matches!(compare(&base, &candidate, &mut hooks), Err(PairsError::Aborted)));
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let base = sleepy(1);
    let (load, target) = planned("users = 1", "", &base.url());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut gone = target.clone();
    gone.port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let targets = Sides { base: gone, candidate: target };
    let plan = PairPlan {
        load: &load,
        limit: Duration::from_secs(5),
        warm_up: Duration::ZERO,
        repetition: 0,
    };
    let error = pairs(plan, &targets, &Trust::Nobody, Judge::new(2, POLICY), &mut Asked::default());
    assert!(matches!(error, Err(PairsError::Connect(_))), "{error:?}");
}
