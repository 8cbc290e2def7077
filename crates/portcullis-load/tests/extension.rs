//! What rules ask of the load: to go on while they are in doubt, for whom, for
//! how long; and to end once they are sure.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the servers of the tests listen")]
#![allow(dead_code, reason = "the server of the engine's tests is shared")]

#[path = "engine/observer.rs"]
mod observer;
#[path = "engine/planned.rs"]
mod planned;
#[path = "engine/server.rs"]
mod server;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portcullis_core::engine::{Ended, FirstAnswer, Observer};
use portcullis_core::event::Progress;
use portcullis_core::evidence::State;
use portcullis_core::judge::{Judgement, Verdict, judge};
use portcullis_core::measure::Summary;
use portcullis_load::Trust;

use observer::{run, run_to_the_end};
use planned::ruled;
use server::{ONE, Reply, Server};

const PACE: &str = "wait = { constant = \"50ms\" }";

/// What a load with these rules measures, and the verdict on it.
fn judged(load: &str, rest: &str, server: &Server) -> (Summary, Verdict) {
    let load = format!("users = 4\nspawn_rate = \"100/s\"\n{load}");
    let (plan, target) = ruled(&load, PACE, rest, &server.url());
    let (summary, ended) = run_to_the_end(&plan, &target);
    assert!(matches!(ended, Ended::Complete), "{ended:?}");
    let verdict = judge(&summary, &plan.rules);
    (summary, verdict)
}

fn states(verdict: &Verdict) -> Vec<(Judgement, State)> {
    let state = |judged: &portcullis_core::judge::ThresholdResult| {
        (judged.judgement, judged.evidence.as_ref().unwrap().state)
    };
    verdict.judged.iter().map(state).collect()
}

/// A server whose second task takes so long.
fn rare(ms: u64) -> Server {
    Server::start(move |_, line| match line.ends_with("/b/") {
        true => Reply::After(Duration::from_millis(ms), ONE),
        false => Reply::After(Duration::ZERO, ONE),
    })
}

#[test]
fn a_rare_slow_task_is_asked_again_until_it_is_sure() {
    // One request in the window says too little; a second one makes it sure.
    let rest = "[thresholds]\nfail = [\"p95(b) < 100ms\", \"p95(a) < 5s\"]";
    let load = "duration = \"300ms\"\nmax_duration = \"100x\"\nrequests = 4";
    let (summary, verdict) = judged(load, rest, &rare(200));
    let (a, b) = (&summary.tasks[0], &summary.tasks[1]);
    assert_eq!(states(&verdict)[0], (Judgement::Violated, State::Violated));
    assert_eq!(states(&verdict)[1], (Judgement::Holds, State::Unbroken));
    assert_eq!((a.window.requests, b.window.requests), (3, 1));
    assert!((1..=8).contains(&b.extra_targeted.requests), "{}", b.extra_targeted.requests);
    assert_eq!(a.extra_targeted.requests, 0);
    assert_eq!(summary.aggregate().requests, 4);
}

#[test]
fn a_sound_service_is_not_measured_any_longer() {
    let rest = "[thresholds]\nfail = [\"p95 < 5s per task\", \"error_rate <= 1%\"]";
    let (summary, verdict) =
        judged("duration = \"500ms\"\nmax_duration = \"100x\"", rest, &Server::agreeable());
    assert!(summary.tasks.iter().all(|task| task.requests_after() == 0));
    assert!(states(&verdict).iter().all(|(judgement, _)| *judgement == Judgement::Holds));
    assert!(summary.generator.ran < Duration::from_secs(10));
}

/// One in five fails.
fn failing() -> Server {
    let counter = AtomicU64::new(0);
    Server::start(move |_, _| match counter.fetch_add(1, Ordering::SeqCst) % 5 {
        4 => Reply::Close(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
        _ => Reply::After(Duration::ZERO, ONE),
    })
}

#[test]
fn a_run_that_is_surely_red_does_not_go_on_for_another_doubt() {
    let rest = "[thresholds]\nfail = [\"error_rate <= 20%\", \"max < 1us\"]";
    let load = "duration = \"1s\"\nmax_duration = \"20x\"";
    let (summary, verdict) = judged(load, rest, &failing());
    assert_eq!((states(&verdict)[0].1, states(&verdict)[1].1), (State::InDoubt, State::Violated));
    assert!(summary.tasks.iter().all(|task| task.requests_after() == 0));
}

#[test]
fn a_rule_on_all_tasks_goes_on_by_the_deck_to_the_longest_duration() {
    // One in five may fail: never decided.
    let server = failing();
    let rest = "[thresholds]\nfail = [\"error_rate <= 20%\"]";
    let (summary, verdict) = judged("duration = \"1s\"\nmax_duration = \"3x\"", rest, &server);
    assert_eq!(states(&verdict)[0].1, State::InDoubt);
    let after: Vec<u64> = summary.tasks.iter().map(|task| task.extra_mixed.requests).collect();
    assert!(after[0] > 30 && after[1] > 10, "{after:?}");
    assert!(summary.tasks.iter().all(|task| task.extra_targeted.requests == 0));
    let window = summary.aggregate().requests;
    assert_eq!(verdict.judged[0].samples, window + after[0] + after[1]);
    let seconds: u64 = summary.series.iter().map(|second| second.requests).sum();
    assert_eq!(seconds, window, "the series is the window's");
    assert!(summary.measured <= Duration::from_secs(1));
}

/// A server whose second task is slow every other time: in doubt for long.
fn wavering() -> Server {
    let counter = AtomicU64::new(0);
    Server::start(move |_, line| match line.ends_with("/b/") {
        true if counter.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) => {
            Reply::After(Duration::from_millis(40), ONE)
        }
        _ => Reply::After(Duration::ZERO, ONE),
    })
}

#[test]
fn the_services_own_limit_is_kept() {
    let server = wavering();
    let rest = "budget = 7\n[thresholds]\nfail = [\"p50(b) < 20ms\"]";
    let load = "duration = \"300ms\"\nmax_duration = \"10x\"\nrequests = 8";
    let (summary, _) = judged(load, rest, &server);
    let b = &summary.tasks[1];
    assert_eq!(b.window.requests, 2);
    // With the first round's: seven; by the deck or for its own sake.
    assert_eq!(b.requests_after(), 4);
}

#[test]
fn what_the_service_refuses_for_now_is_not_asked_again() {
    let counter = AtomicU64::new(0);
    let server = Server::start(move |_, line| match line.ends_with("/b/") {
        true if counter.fetch_add(1, Ordering::SeqCst) >= 3 => {
            Reply::Close(b"HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n")
        }
        true => Reply::After(Duration::from_millis(60), ONE),
        false => Reply::After(Duration::ZERO, ONE),
    });
    let rest = "[thresholds]\nfail = [\"p50(b) < 20ms\"]";
    let load = "duration = \"300ms\"\nmax_duration = \"20x\"\nrequests = 4";
    let (summary, _) = judged(load, rest, &server);
    // As many as four users had begun before the first refusal was known.
    assert!(summary.tasks[1].judged().failures <= 4, "{}", summary.tasks[1].judged().failures);
}

#[test]
fn a_rule_that_is_surely_violated_ends_the_window_once_each_task_has_answered() {
    let rest = "[thresholds]\nfail = [{ rule = \"p95 < 1ms\", abort = true, after = \"2s\" }]";
    let server = Server::start(|_, _| Reply::After(Duration::from_millis(20), ONE));
    let (slow, verdict) = judged("duration = \"60s\"", rest, &server);
    assert_eq!(states(&verdict)[0].1, State::Violated);
    assert!(slow.measured >= Duration::from_secs(2) && slow.measured < Duration::from_secs(20));
    assert!(slow.ended_early.unwrap().contains("p95 < 1ms"));
    assert!(slow.tasks.iter().all(|task| task.window.requests > 0));
}

#[test]
fn until_sure_ends_once_every_rule_is_proven() {
    let rest = "[thresholds]\nfail = [\"p90(a) < 5s\", \"error_rate <= 50%\"]";
    let load = "duration = \"60s\"\nuntil_sure = true";
    let (summary, verdict) = judged(load, rest, &Server::agreeable());
    assert!(states(&verdict).iter().all(|(_, state)| *state == State::Proven), "{verdict:?}");
    assert!(summary.measured < Duration::from_secs(30), "{:?}", summary.measured);
    assert_eq!(summary.ended_early.as_deref(), Some("every threshold is decided"));
}

#[test]
fn a_rule_that_must_be_proven_goes_on_and_fails_if_it_is_not() {
    let rest = "[thresholds]\nfail = [{ rule = \"p90(b) < 5s\", policy = \"prove\" }]";
    let load = "duration = \"300ms\"\nrequests = 4\nmax_duration = \"100x\"";
    let (summary, verdict) = judged(load, rest, &Server::agreeable());
    assert_eq!(states(&verdict)[0], (Judgement::Holds, State::Proven));
    let own = summary.tasks[1].extra_targeted.requests;
    assert!(own > 5, "{own}");
    // Beside it the load goes on as it was: alone, a task would be measured under another.
    let deck: u64 = summary.tasks.iter().map(|task| task.extra_mixed.requests).sum();
    assert!(deck >= 2 * own, "{deck} and {own}");
    let load = "duration = \"300ms\"\nrequests = 4\nmax_duration = \"1x\"";
    let (_, verdict) = judged(load, rest, &Server::agreeable());
    assert_eq!(states(&verdict)[0], (Judgement::Violated, State::Unbroken));
    assert_eq!(verdict.judged[0].reason.as_deref(), Some("not proven to hold"));
}

/// An observer that keeps what it is told.
#[derive(Default)]
struct Watching(Vec<Progress>);

impl Observer for Watching {
    fn secret(&mut self, _: &str) {}

    fn goes_on(&mut self) -> bool {
        true
    }

    fn first_round(&mut self, _: &[FirstAnswer]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn progress(&mut self, progress: Progress) {
        self.0.push(progress);
    }
}

#[test]
fn who_watches_is_told_what_fails_and_how_each_rule_stands() {
    let server = Server::start(|_, line| match line.ends_with("/b/") {
        true => Reply::Close(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        false => Reply::After(Duration::ZERO, ONE),
    });
    // Looked at before the end for its own sake or not: nothing is lost for those
    // who watch. The rule that ends a run early is never broken.
    for abort in ["", " abort"] {
        let rest = format!(
            "[thresholds]\nfail = [\"error_rate(b) <= 1%\", \"p95(a) < 5s{abort}\"]\n\
             warn = [\"rps > 1/s\"]"
        );
        let load = "users = 4\nspawn_rate = \"100/s\"\nworkers = 2\nduration = \"3s\"";
        let (plan, target) = ruled(load, PACE, &rest, &server.url());
        let mut watching = Watching::default();
        run(&plan, &target, &Trust::Nobody, &mut watching).unwrap();
        let told = watching.0;
        let last = told.last().unwrap();
        let failures = last.requests.1;
        assert!(failures > 20, "{last:?}");
        assert_eq!(last.failures, [(portcullis_core::measure::FailureKind::Status, failures)]);
        let rules: Vec<_> =
            last.rules.iter().map(|rule| (rule.rule.as_str(), rule.state)).collect();
        let expected = [
            ("error_rate(b) <= 1.00 %", Some(State::Violated)),
            ("p95(a) < 5000 ms", Some(State::Proven)),
            ("rps > 1", None),
        ];
        assert_eq!(rules, expected);
        assert!(told.iter().any(|progress| !progress.late.is_zero()), "{told:?}");
    }
}

#[test]
fn the_window_ends_with_its_last_request() {
    let server = wavering();
    let rest = "[thresholds]\nfail = [\"p50(b) < 20ms\"]";
    let (summary, _) =
        judged("duration = \"2s\"\nmax_duration = \"2x\"\nrequests = 8", rest, &server);
    assert_eq!(summary.aggregate().requests, 8);
    assert!(summary.tasks[1].requests_after() > 2, "it went on");
    assert!(summary.measured < Duration::from_secs(2), "{:?}", summary.measured);
}

#[test]
fn what_would_arrive_after_an_early_end_is_not_missed() {
    let rest = "[thresholds]\nfail = [\"p90(a) < 5s\", \"error_rate <= 50%\"]";
    let load = "users = 4\narrival_rate = \"50/s\"\nduration = \"60s\"\nuntil_sure = true";
    let (late, rare) = (Duration::from_millis(1_500), AtomicU64::new(0));
    let server = Server::start(move |_, line| match line.ends_with("/b/") {
        // Somebody is still under way when every rule is decided.
        true if rare.fetch_add(1, Ordering::SeqCst) % 4 == 3 => Reply::After(late, ONE),
        _ => Reply::After(Duration::ZERO, ONE),
    });
    let (plan, target) = ruled(load, "", rest, &server.url());
    let (summary, ended) = run_to_the_end(&plan, &target);
    assert!(matches!(ended, Ended::Complete), "{ended:?}");
    assert_eq!(summary.ended_early.as_deref(), Some("every threshold is decided"));
    let arrivals = summary.arrivals.unwrap();
    let planned = summary.measured.as_secs_f64() * 50.0;
    assert!(arrivals.scheduled as f64 <= planned + 5.0, "{arrivals:?} in {planned}");
}
