//! The engine against servers that behave as a test says: models of load,
//! warm-up, the end of a run, repeatability, stalls, dropped connections.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the servers of the tests listen")]

#[path = "engine/observer.rs"]
mod observer;
#[path = "engine/planned.rs"]
mod planned;
#[path = "engine/server.rs"]
mod server;

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use portcullis_core::engine::{Ended, FirstAnswer, Observer};
use portcullis_core::event::Progress;
use portcullis_core::judge::{caveats, generator_fault};
use portcullis_core::measure::{Change, FailureKind, Summary};
use portcullis_core::threshold::Percentile;
use portcullis_load::Trust;

use observer::{parts, run, run_to_the_end};
use planned::{planned, ruled};
use server::{ONE, Reply, Server};

fn measured(load: &str, scenario: &str, server: &Server) -> (Summary, Ended) {
    let (plan, target) = planned(load, scenario, &server.url());
    run_to_the_end(&plan, &target)
}

/// The summary of a load that ended as planned.
fn complete(load: &str, scenario: &str, server: &Server) -> Summary {
    let (summary, ended) = measured(load, scenario, server);
    assert!(matches!(ended, Ended::Complete), "{ended:?}");
    summary
}

const NO_WAIT: &str = "wait = { constant = \"0s\" }";

fn p99_ms(summary: &Summary) -> f64 {
    summary.aggregate().latency.percentile_ms(Percentile::P99).unwrap()
}

#[test]
fn a_load_of_so_many_requests_sends_so_many() {
    let server = Server::agreeable();
    let load = "users = 4\nspawn_rate = \"1000/s\"\nduration = \"60s\"\nrequests = 2000";
    let start = Instant::now();
    let summary = complete(load, NO_WAIT, &server);
    assert_eq!(summary.aggregate().requests, 2000);
    // From decks of four: exactly three quarters.
    assert_eq!(summary.tasks[0].window.requests, 1500);
    assert_eq!(server.seen().len(), 2000 + 2, "and the first round");
    assert!(summary.measured < Duration::from_secs(50) && start.elapsed().as_secs() < 50);
    let second: u64 = summary.series.iter().map(|second| second.requests).sum();
    assert_eq!(second, 2000);
}

#[test]
fn the_kth_request_is_the_seeds_whatever_the_number_of_workers() {
    let lines = |workers: u32| {
        let server = Server::agreeable();
        let load = format!(
            "users = 4\nspawn_rate = \"1000/s\"\nduration = \"60s\"\nrequests = 400\nworkers = {workers}"
        );
        let summary = complete(&load, NO_WAIT, &server);
        assert_eq!(summary.aggregate().requests, 400);
        assert_eq!(summary.users_ran, 4);
        let mut lines: Vec<String> = server.seen().into_iter().map(|seen| seen.line).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(1), lines(3));
}

#[test]
fn who_leaves_in_the_warm_up_is_not_missed() {
    let load = r#"warm_up = "2s"
        stages = [{ users = 4, over = "0s" }, { users = 4, over = "2s" },
            { users = 2, over = "0s" }, { users = 2, over = "3s" }]"#;
    let (plan, _) = planned(load, "wait = { constant = \"50ms\" }", "http://127.0.0.1:1");
    assert_eq!((plan.users, plan.users_due(plan.window)), (4, 2));
    let (plan, _) = planned("users = 3\nspawn_rate = \"1/s\"", "", "http://127.0.0.1:1");
    let due = |seconds| plan.users_due(Duration::from_secs_f64(seconds));
    assert_eq!((due(0.5), due(1.5), due(30.0)), (1, 2, 3));
}

#[test]
fn users_come_and_go_as_the_stages_say() {
    let server = Server::agreeable();
    let stages = r#"stages = [
        { users = 8, over = "1s" }, { users = 8, over = "1s" }, { users = 2, over = "1s" },
        { users = 2, over = "1s" },
    ]"#;
    let summary = complete(stages, "wait = { constant = \"50ms\" }", &server);
    assert_eq!((summary.users_asked, summary.users_ran), (8, 8));
    let shortfall = summary.generator.shortfall.unwrap();
    assert!(shortfall > 0.0 && shortfall < 0.5, "{shortfall}");
    let alive: Vec<u32> = summary.series.iter().map(|second| second.users).collect();
    assert_eq!(alive[1], 8, "{alive:?}");
    assert!(alive[3] == 2 && alive[2] <= 3, "{alive:?}");
    let requests: Vec<u64> = summary.series.iter().map(|second| second.requests).collect();
    assert!(requests[3] * 2 < requests[1], "{requests:?}");
    let change = |change: &Change| (change.at.as_secs(), change.what.clone());
    let changes: Vec<(u64, String)> = summary.changes.iter().map(change).collect();
    let [eight, two] = ["to 8 users", "to 2 users"].map(str::to_owned);
    assert_eq!(changes, [(1, eight), (2, two.clone()), (3, two)]);
    // What is drawn over time is what was measured.
    let task = &summary.tasks[0];
    let drawn: u64 = task.timeline.iter().map(|step| step.requests).sum();
    assert_eq!((task.timeline.len(), drawn), (4, task.window.requests));
    assert!(
        task.timeline[1].p50_ms > Some(0.0) && task.timeline[1].p95_ms >= task.timeline[1].p50_ms
    );
}

#[test]
fn an_open_load_is_sent_on_schedule_and_counts_from_it() {
    // 20 ms each, 100/s: two users on average; ten are plenty.
    let server = Server::start(|_, _| Reply::After(Duration::from_millis(20), ONE));
    let load = "users = 20\narrival_rate = \"100/s\"\nduration = \"2s\"";
    let summary = complete(load, "", &server);
    let arrivals = summary.arrivals.unwrap();
    assert_eq!((arrivals.scheduled, arrivals.unstarted), (200, 0));
    assert_eq!(summary.aggregate().requests, 200);
    let all = summary.aggregate();
    assert_eq!((all.latency.count, all.service.count), (200, 200));
    assert!(all.latency.min_ns >= 20_000_000 && all.latency.min_ns >= all.service.min_ns);
    // The gap between two arrivals is the schedule's, on average at least.
    let seen = server.seen();
    let span = seen.last().unwrap().at - seen[2].at;
    assert!((1.9..2.6).contains(&span.as_secs_f64()), "{span:?}");
    assert!(server.connections.load(Ordering::SeqCst) < 20, "idle users open no connection");
}

/// One server thread for all: while it stalls, everything waits. A generator
/// that waits with it would see a single slow request.
#[test]
fn a_stalled_server_is_seen_by_all_that_were_due() {
    let begun = Instant::now();
    let (from, to) = (Duration::from_millis(1500), Duration::from_millis(2500));
    let server = Server::start(move |_, _| {
        let now = begun.elapsed();
        let is_stalled = (from..to).contains(&now);
        Reply::After(if is_stalled { to - now } else { Duration::ZERO }, ONE)
    });
    let load = "users = 10\narrival_rate = \"200/s\"\nduration = \"4s\"";
    let summary = complete(load, "", &server);
    // A quarter of the requests was due in the stall: of 800 the slowest 8 waited
    // for 0.96 s or more, and half of the quarter for half a second.
    let all = summary.aggregate();
    assert_eq!(all.requests, 800);
    assert!((930.0..1200.0).contains(&p99_ms(&summary)), "{}", p99_ms(&summary));
    let p88 = all.latency.percentile_ms(Percentile(88_000)).unwrap();
    assert!((400.0..700.0).contains(&p88), "{p88}");
    // What ten users would have seen without the schedule.
    let service = all.service.percentile_ms(Percentile(95_000)).unwrap();
    assert!(service < 400.0, "{service}");
    assert!(summary.arrivals.unwrap().queued > 100);
    assert!(caveats(&summary).iter().any(|said| said.contains("waited because all")));
}

#[test]
fn what_could_not_be_started_makes_a_run_invalid() {
    let server = Server::start(|_, _| Reply::After(Duration::from_millis(400), ONE));
    let load = "users = 2\narrival_rate = \"50/s\"\nduration = \"2s\"\ngrace = \"500ms\"";
    let summary = complete(load, "", &server);
    let arrivals = summary.arrivals.unwrap();
    assert_eq!(arrivals.scheduled, 100);
    assert!(arrivals.unstarted > 50, "{arrivals:?}");
    let fault = generator_fault(&summary).unwrap();
    assert!(fault.contains("were never started"), "{fault}");
}

#[test]
fn poisson_arrivals_are_a_function_of_the_seed() {
    let server = Server::agreeable();
    let load = "users = 50\narrival_rate = \"200/s\"\narrivals = \"poisson\"\nduration = \"2s\"";
    let first = complete(load, "", &server).arrivals.unwrap();
    let again = complete(&format!("{load}\nworkers = 2"), "", &server).arrivals.unwrap();
    assert_eq!(first.scheduled, again.scheduled);
    assert!((300..500).contains(&first.scheduled), "{first:?}");
}

#[test]
fn the_warm_up_is_sent_and_shown_but_not_judged() {
    // Slow at first, as a service that fills its caches.
    let begun = Instant::now();
    let server = Server::start(move |_, _| {
        let is_cold = begun.elapsed() < Duration::from_millis(900);
        Reply::After(Duration::from_millis(if is_cold { 100 } else { 1 }), ONE)
    });
    let load = "users = 4\nspawn_rate = \"1000/s\"\nwarm_up = \"1500ms\"\nduration = \"1s\"\n\
                warm_up_rounds = 2";
    let summary = complete(load, "wait = { constant = \"20ms\" }", &server);
    assert!(summary.warm_up.requests > 20, "{:?}", summary.warm_up.requests);
    assert!(summary.warm_up.latency.max_ns >= 100_000_000);
    let all = summary.aggregate();
    assert!(all.requests > 20 && all.latency.max_ns < 100_000_000, "{:?}", all.latency.max_ns);
    assert_eq!(server.seen().len() as u64, 4 + summary.warm_up.requests + all.requests);
    assert_eq!(summary.users_ran, 4);
}

#[test]
fn requests_under_way_at_the_end_have_a_grace_and_are_then_cut() {
    let server = Server::start(|number, _| {
        // The first two are the first round.
        Reply::After(Duration::from_millis(if number < 4 { 1 } else { 3_000 }), ONE)
    });
    let load = "users = 2\nspawn_rate = \"1000/s\"\nduration = \"1s\"\ngrace = \"300ms\"";
    let start = Instant::now();
    let summary = complete(load, NO_WAIT, &server);
    let all = summary.aggregate();
    assert!(start.elapsed() < Duration::from_secs(3));
    // Every good answer took less, so the service did not answer these.
    assert_eq!((all.requests, all.failures, all.cut), (4, 2, 0));
    assert_eq!((all.latency.count, summary.stuck_users), (2, 2));
    assert!(all.failed_latency.min_ns >= 1_000_000_000, "how long they had lasted is kept");
    let group = &summary.failures[0];
    assert_eq!(group.kind, FailureKind::Timeout);
    assert!(group.message.contains("when the load ended, after 1.3 s"), "{group:?}");
    let series: u64 = summary.series.iter().map(|second| second.failures).sum();
    let steps = summary.tasks.iter().flat_map(|task| &task.timeline);
    assert_eq!((series, steps.map(|step| step.failures).sum()), (2, 2));
}

/// What was cut may be as slow as what was answered: then it says nothing.
#[test]
fn a_cut_request_that_some_good_answer_or_limit_outlasts_is_no_failure() {
    let slow = |number: u64| if number < 4 { 700 } else { 3_000 };
    let server =
        Server::start(move |number, _| Reply::After(Duration::from_millis(slow(number)), ONE));
    let load = "users = 2\nspawn_rate = \"1000/s\"\nduration = \"1s\"\ngrace = \"200ms\"";
    let of = |rest: &str| {
        let (plan, target) = ruled(load, NO_WAIT, rest, &server.url());
        let (summary, ended) = run_to_the_end(&plan, &target);
        assert!(matches!(ended, Ended::Complete), "{ended:?}");
        summary
    };
    let summary = of("");
    let all = summary.aggregate();
    // They lasted half a second, and good answers took 0.7 s.
    assert_eq!((all.requests, all.failures, all.cut, summary.stuck_users), (2, 0, 2, 0));
    assert!(caveats(&summary).iter().any(|said| said.contains("2 requests were unfinished")));
    // From here on nothing is answered within 1.2 s, and no rule says that it must be.
    let all = of("[thresholds]\nfail = [\"p95(a) <= 2s\"]").aggregate();
    assert_eq!((all.requests, all.failures, all.cut), (0, 0, 2));
}

#[test]
fn answers_in_pieces_do_not_stall_and_are_named_when_they_do() {
    let server = Server::start(|_, _| Reply::InPieces(ONE));
    let load = "users = 2\nspawn_rate = \"1000/s\"\nduration = \"2s\"";
    let wait = "wait = { constant = \"5ms\" }";
    let at_once = complete(load, wait, &server);
    assert_eq!(caveats(&at_once).len(), 1, "only that b has no check: {:?}", caveats(&at_once));
    let delayed = complete(&format!("{load}\nquick_ack = false"), wait, &server);
    assert!(delayed.aggregate().stalled * 2 > delayed.aggregate().requests);
    assert!(caveats(&delayed)[0].contains("TCP_NODELAY"), "{:?}", caveats(&delayed));
    let p50 = |summary: &Summary| summary.aggregate().latency.percentile_ms(Percentile::P50);
    assert!(p50(&at_once).unwrap() * 2.0 < p50(&delayed).unwrap());
    let first = delayed.aggregate().first_byte.percentile_ms(Percentile::P50);
    assert!(first.unwrap() * 2.0 < p50(&delayed).unwrap(), "the first byte did not stall");
}

#[test]
fn a_server_that_closes_idle_connections_is_no_failure() {
    // Each connection carries two requests and is then closed, as gunicorn does
    // after two idle seconds.
    let server = Server::start(|number, _| match number % 2 {
        0 => Reply::After(Duration::ZERO, ONE),
        _ => {
            Reply::Close(b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{\"results\":[{\"a\":1}]}")
        }
    });
    let load = "users = 1\nspawn_rate = \"1000/s\"\nduration = \"2s\"";
    let summary = complete(load, "wait = { constant = \"20ms\" }", &server);
    let all = summary.aggregate();
    assert!(all.requests > 20 && all.failures == 0, "{:?}", summary.failures);
    assert!(summary.connects.connect.count >= all.requests / 2);
}

#[test]
fn bytes_that_the_length_does_not_count_are_a_failure() {
    // What the length counts is whole, so that the check would pass.
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{\"results\":[{\"a\":1}]}!";
    let server = Server::start(move |_, _| Reply::Close(cut));
    let load = "users = 1\nspawn_rate = \"1000/s\"\nduration = \"1s\"";
    let summary = complete(load, "wait = { constant = \"20ms\" }", &server);
    let all = summary.aggregate();
    assert!(all.requests > 5 && all.failures == all.requests, "{:?}", summary.failures);
    let words: Vec<_> = summary.failures.iter().map(|group| group.message.as_str()).collect();
    assert!(words[0].starts_with("1 bytes follow the answer"), "{words:?}");
}

#[test]
fn an_address_in_brackets_is_reached_over_ipv6() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let server = Server::start_on("[::1]:0", |_, _| Reply::After(Duration::ZERO, ONE));
    let load = "users = 1\nspawn_rate = \"1000/s\"\nduration = \"1s\"";
    let summary = complete(load, "wait = { constant = \"20ms\" }", &server);
    assert!(summary.aggregate().failures == 0 && summary.connects.address.starts_with("[::1]:"));
}

/// An observer that decides when the load ends.
struct Until<F>(F);

impl<F: FnMut() -> bool> Observer for Until<F> {
    fn secret(&mut self, _: &str) {}

    fn goes_on(&mut self) -> bool {
        (self.0)()
    }

    fn first_round(&mut self, _: &[FirstAnswer]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn progress(&mut self, _: Progress) {}
}

#[test]
fn the_caller_can_stop_at_any_moment() {
    let server = Server::start(|_, _| Reply::After(Duration::from_millis(1), ONE));
    let load = "users = 2\nspawn_rate = \"1000/s\"\nduration = \"600s\"";
    let (plan, target) = planned(load, NO_WAIT, &server.url());
    let start = Instant::now();
    let mut until = Until(|| start.elapsed().as_millis() <= 300);
    let (summary, ended) = parts(run(&plan, &target, &Trust::Nobody, &mut until).unwrap());
    assert!(matches!(ended, Ended::Aborted) && start.elapsed().as_secs() < 60);
    assert!(summary.aggregate().requests > 0);
}

/// An observer that panics once the load has begun.
struct Panicking(bool);

impl Observer for Panicking {
    fn secret(&mut self, _: &str) {}

    fn goes_on(&mut self) -> bool {
        assert!(!self.0, "on purpose");
        true
    }

    fn first_round(&mut self, _: &[FirstAnswer]) -> ControlFlow<()> {
        self.0 = true;
        ControlFlow::Continue(())
    }

    fn progress(&mut self, _: Progress) {}
}

#[test]
fn a_panic_of_the_observer_ends_the_load_at_once() {
    let server = Server::agreeable();
    let (plan, target) = planned("users = 2\nduration = \"60s\"", NO_WAIT, &server.url());
    let start = Instant::now();
    let observed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run(&plan, &target, &Trust::Nobody, &mut Panicking(false)).map(|_| ())
    }));
    assert!(observed.is_err());
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

const NOT_FOUND: &[u8] =
    b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const REFUSED: &[u8] = b"HTTP/1.1 429 Slow Down\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const CUT_SHORT: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nshort";

#[test]
fn answers_are_counted_by_status_good_and_failed() {
    // Of a: every fourth is refused, the answer of another fourth is cut short.
    let server = Server::start(|number, line| match (line.contains("/b/"), number % 4) {
        (true, _) => Reply::Close(NOT_FOUND),
        (false, 1) => Reply::Close(REFUSED),
        (false, 2) => Reply::Close(CUT_SHORT),
        (false, _) => Reply::After(Duration::ZERO, ONE),
    });
    let load =
        "users = 4\nspawn_rate = \"1000/s\"\nduration = \"60s\"\nrequests = 400\nworkers = 2";
    let summary = complete(load, NO_WAIT, &server);
    let [a, b] = [0, 1].map(|task| summary.tasks[task].window.clone());
    assert_eq!(b.statuses, [(404, 100)]);
    let (good, refused) = (a.answers_with(200), a.answers_with(429));
    assert_eq!(a.statuses, [(200, good), (429, refused)]);
    assert_eq!((good, a.requests), (a.requests - a.failures, 300));
    assert!(refused > 30 && good + refused < 270, "what was cut short is no answer: {a:?}");
    assert_eq!(summary.aggregate().statuses, [(200, good), (404, 100), (429, refused)]);
}

/// A login whose answer counts as failed, though the service gave a token with it.
#[test]
fn no_body_of_a_login_that_was_not_refused_is_kept() {
    const CREATED: &[u8] =
        b"HTTP/1.1 201 Created\r\nContent-Length: 25\r\n\r\n{\"access\":\"opaque-t0k3n\"}";
    const SURPLUS: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{\"access\":\"opaque-t0k3n\"}x";
    const REFUSED: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 7\r\n\r\nbecause";
    for (answer, status, kept) in [(CREATED, 201, 0), (SURPLUS, 200, 0), (REFUSED, 400, 1)] {
        let logins = std::sync::atomic::AtomicU64::new(0);
        let server = Server::start(move |_, line| match line {
            "POST /login/" if logins.fetch_add(1, Ordering::SeqCst) > 0 => Reply::Close(answer),
            _ => Reply::After(Duration::ZERO, ONE),
        });
        let login = "[scenario.login]\nmethod = \"POST\"\npath = \"/login/\"\njson = { a = 1 }\n\
                     token = \"access\"\nauthorization = \"Bearer {{ token }}\"";
        let load = "users = 2\nspawn_rate = \"1000/s\"\nduration = \"2s\"";
        let (summary, ended) = measured(load, login, &server);
        let Ended::LoginFailed(failure) = &ended else { panic!("{ended:?}") };
        let row = summary.login.as_ref().unwrap();
        assert_eq!(row.samples.errors.len(), kept, "{status}: {:?}", row.samples);
        assert!(row.samples.errors.iter().all(|error| error.status == status));
        let all = format!("{failure:?} {summary:?}");
        assert!(!all.contains("opaque"), "{status}: {all}");
    }
}
