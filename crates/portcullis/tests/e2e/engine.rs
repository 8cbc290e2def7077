//! What the load engine must get right on real servers and real machines:
//! idle connections that are closed, generators that cannot keep up, TLS files.

use std::io::BufRead;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::harness::{HandMade, Project, development_bin, root};
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

/// Processes that keep a core busy, ended with the test.
struct Burners(Vec<Child>);

impl Burners {
    fn on_core(core: &str, count: usize) -> Self {
        let burn = |_| {
            let script = "while :; do :; done";
            // Real-time processes: whatever niceness the generator was granted, it gets only
            // what the kernel keeps for others (sched(7): sched_rt_runtime_us).
            let mut command = Command::new("chrt");
            command.args(["--fifo", "1", "taskset", "-c", core, "sh", "-c", script]);
            command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        Self((0..count).map(burn).collect())
    }
}

impl Drop for Burners {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn a_generator_without_a_processor_is_invalid_and_never_red_or_green() {
    let Some(bin) = development_bin("engine") else { return };
    let server = HandMade::start(&bin);
    let project = Project::quick();
    // Not extended: in a longer run the late moments would be few.
    let own = project.command(&["--host", &server.url, "-t", "6s", "--max-duration", "6s"]);
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(own.get_program()).args(own.get_args());
    let variables = own.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.envs(variables).current_dir(own.get_current_dir().unwrap());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let rest = wait_for(&mut child, "load 1/6 s");
    // For a while its core belongs to others.
    let burners = Burners::on_core("0", 2);
    std::thread::sleep(Duration::from_secs(3));
    drop(burners);
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
