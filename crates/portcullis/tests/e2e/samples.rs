//! What is kept of single requests: bodies of failed answers, without secrets and
//! without power, in every artifact; and the slowest requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::harness::Project;

const TOKEN: &str = "an-opaque-token-0123456789";

/// Answers a login with a token, and everything else with a body that is up to no
/// good and echoes what it was sent.
fn converse(stream: TcpStream, answered: &AtomicU32) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        for line in head.to_lowercase().lines() {
            let value = line.strip_prefix("content-length:");
            length = value.map_or(length, |value| value.trim().parse().unwrap());
        }
        std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink())?;
        let echo = head.lines().find(|line| line.starts_with("Authorization")).unwrap_or_default();
        let begun =
            format!("<script>alert(1)</script> ]]> \x1b[31m::error::x\r\n\u{202e} {echo}\n");
        // The token a second time, so that the end of what is kept cuts it in two.
        let hostile = format!("{begun}{}{TOKEN}", "x".repeat(2_048 - 12 - begun.len()));
        let (status, body) = match head.split(' ').nth(1) {
            Some("/login/") => ("200 OK", format!("{{\"access\": \"{TOKEN}\"}}").into_bytes()),
            // The first round is good, or there would be no load.
            Some(_) if answered.fetch_add(1, Ordering::Relaxed) < 2 => ("200 OK", b"[]".to_vec()),
            Some("/image/") => ("500 Broken", b"\x89PNG\0\xff".to_vec()),
            _ => ("500 Broken", hostile.into_bytes()),
        };
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len())?;
        stream.write_all(&body)?;
    }
}

fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answered = Arc::new(AtomicU32::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answered = Arc::clone(&answered);
            std::thread::spawn(move || converse(stream, &answered));
        }
    });
    url
}

#[test]
fn hostile_bodies_of_failed_answers_are_shown_without_power_and_secrets() {
    let url = serve();
    let config = format!(
        "[load]\nhost = \"{url}\"\nusers = 2\nspawn_rate = \"2/s\"\nduration = \"2s\"\n\
         [scenario]\nwait = {{ constant = \"50ms\" }}\n\
         [scenario.login]\nmethod = \"POST\"\npath = \"/login/\"\njson = {{ a = 1 }}\n\
         token = \"access\"\nauthorization = \"Bearer {{{{ token }}}}\"\n\
         [[scenario.task]]\nname = \"list\"\npath = \"/list/\"\nweight = 1\n\
         [[scenario.task]]\nname = \"image\"\npath = \"/image/\"\nweight = 1\n\
         [thresholds]\nfail = [\"error_rate <= 5%\"]\n"
    );
    let outcome = Project::of(config).run(&[]);
    assert_ne!(outcome.code, Some(0), "{}", outcome.text);
    for (name, text) in outcome.files() {
        // Not even its beginning, where a body was cut in the middle of it.
        assert!(!text.contains("an-opaque"), "{name} has the token:\n{text}");
        assert!(!text.contains(['\x1b', '\u{202e}']), "{name} moves a cursor");
        let is_markup = name.ends_with(".html") || name.ends_with(".xml");
        assert!(!is_markup || !text.contains("<script>alert(1)"), "{name} runs what it quotes");
    }
    let results = outcome.results();
    let tasks = &results["summary"]["tasks"];
    let errors = tasks[0]["error_samples"].as_array().unwrap();
    assert_eq!(errors.len(), 3, "{errors:?}");
    let body = errors[0]["body"].as_str().unwrap();
    assert!(body.starts_with("<script>alert(1)</script> ]]> \u{fffd}[31m::error::x\n"), "{body}");
    assert!(body.contains("Authorization: Bearer ***\n") && body.ends_with("***…"), "{body}");
    assert_eq!((&errors[0]["status"], &errors[0]["kind"]), (&500.into(), &"status".into()));
    let image = &tasks[1]["error_samples"][0];
    assert_eq!((&image["body"], &image["body_bytes"]), (&().into(), &6.into()));
    assert!(outcome.artifact("perf_results.html").contains("&lt;script&gt;alert(1)"));
    assert!(outcome.artifact("perf_results.html").contains("6 bytes, not text"));
    assert!(outcome.artifact("perf_results.md").contains("<code>image</code>, status 500"));
}

#[test]
fn the_slowest_requests_of_a_real_run_are_kept_with_their_moment() {
    let outcome = Project::quick().run_with_faults("claims.list=status:503@0.3", &[]);
    let results = outcome.results();
    let summary = &results["summary"];
    let (mut seen, mut errors) = (0, 0);
    for task in summary["tasks"].as_array().unwrap() {
        let Some(slowest) = task["slowest"].as_array() else { continue };
        let ms: Vec<f64> = slowest.iter().map(|one| one["latency_ms"].as_f64().unwrap()).collect();
        assert!(ms.len() <= 5 && ms.is_sorted_by(|a, b| a >= b), "{ms:?}");
        let most = ["latency", "failed_latency"].map(|row| task[row]["max_ms"].as_f64());
        let most = most.into_iter().flatten().fold(0.0, f64::max);
        assert!((ms[0] - most).abs() < 1e-6, "{} is not {most}", ms[0]);
        let start = summary["started_at"].as_str().unwrap();
        assert!(slowest.iter().all(|one| one["at"].as_str().unwrap() >= start));
        seen += slowest.len();
        let failed = task["error_samples"].as_array();
        errors += failed.map_or(0, Vec::len);
        let wanted = task["failures"].as_u64().unwrap().min(3);
        assert_eq!(failed.map_or(0, Vec::len) as u64, wanted, "{task:#}");
    }
    assert!(seen > 10 && errors > 0, "{seen} slow, {errors} failed\n{}", outcome.text);
    let page = outcome.artifact("perf_results.html");
    assert!(page.contains("Slowest requests") && page.contains("Injected fault: status 503"));
}
