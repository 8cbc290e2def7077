//! What the load engine must get right on real servers and real machines:
//! idle connections that are closed, generators that cannot keep up, TLS files.

use std::io::BufRead;
use std::process::Command;
use std::time::Duration;

use crate::harness::{HandMade, Project, development_bin, processes_with, root};
use crate::interrupts::wait_for;

/// gunicorn closes a connection that is idle for a second, at the latest when it
/// looks a second later; users wait longer.
#[test]
fn a_gunicorn_that_closes_idle_connections_invents_no_failure() {
    let requirements = root().join("fixtures/faults/gunicorn.txt");
    let project = Project::quick()
        .with("requirements.lock\"]", &format!("requirements.lock\", {requirements:?}]"))
        .with(
            "\"{manage}\", \"runserver\", \"--noreload\", \"127.0.0.1:{port}\"",
            "\"-m\", \"gunicorn\", \"hello_world.wsgi\", \"--bind\", \"127.0.0.1:{port}\", \
             \"--worker-class\", \"gthread\", \"--threads\", \"4\", \"--keep-alive\", \"1\", \
             \"--no-control-socket\"",
        )
        .with("min = \"100ms\", max = \"300ms\"", "min = \"2100ms\", max = \"2300ms\"");
    let outcome = project.run(&["-t", "12s"]);
    outcome.expect(0, &["PASSED", "idle connections reopened after the server closed them"]);
    let results = outcome.results();
    let (reopened, aggregate) = (&results["summary"]["reopened"], &results["summary"]["aggregate"]);
    assert!(reopened.as_u64().unwrap() > 3, "{reopened}");
    assert_eq!(aggregate["failures"], 0, "{}", outcome.text);
}

/// Takes the processor from a process for most of this time: stopped for 150 ms, again and
/// again, each time for less than what counts as a stopped run.
fn starve(pid: &str, time: Duration) {
    let signal = |name: &str| Command::new("kill").args([name, pid]).status().unwrap();
    let start = std::time::Instant::now();
    while start.elapsed() < time {
        signal("-STOP");
        std::thread::sleep(Duration::from_millis(150));
        signal("-CONT");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_generator_without_a_processor_is_invalid_and_never_red_or_green() {
    let Some(bin) = development_bin("engine") else { return };
    let server = HandMade::start(&bin);
    let project = Project::quick();
    // Not extended: in a longer run the late moments would be few.
    let mut command = project.command(&["--host", &server.url, "-t", "6s", "--max-duration", "6s"]);
    let mut child = command.spawn().unwrap();
    let rest = wait_for(&mut child, "load 1/6 s");
    let worker = processes_with(&project.tmp());
    let worker = worker.iter().find(|process| process.contains("__worker")).unwrap();
    starve(worker.split(' ').next().unwrap(), Duration::from_secs(3));
    let rest = std::thread::spawn(move || rest.lines().map_while(Result::ok).collect::<Vec<_>>());
    let mut outcome = project.finish(child);
    outcome.text.push_str(&rest.join().unwrap().join("\n"));
    outcome.expect(
        5,
        &["INVALID: ", "the load generator was late by ", "give the load generator its own core"],
    );
}

#[test]
fn more_than_the_service_can_take_is_invalid_and_never_red_or_green() {
    let Some(bin) = development_bin("engine") else { return };
    let server = HandMade::start(&bin);
    let project = Project::quick()
        .with("[load]\n", "[load]\narrival_rate = \"50000/s\"\ngrace = \"1s\"\n")
        .with("shared = false", "shared = true");
    let outcome = project.run(&["--host", &server.url, "-t", "2s"]);
    outcome.expect(5, &["were never started", "cannot keep up with the requested rate", "INVALID"]);
}

#[test]
fn a_certificate_file_that_is_none_is_refused_before_a_request_is_sent() {
    let project = Project::quick().with("[load]\n", "[load]\nca = \"perf.toml\"\n");
    let outcome = project.run(&["--host", "https://127.0.0.1:9"]);
    outcome.expect(2, &["the certificates cannot be used"]);
}
