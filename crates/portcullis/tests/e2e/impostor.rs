//! Another program holds the port and answers 200 to everything: it is never
//! measured, and never green.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::harness::{Project, root};

/// Answers 200 to every request; counts them.
fn impostor() -> (u16, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answered = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&answered);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            count.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        }
    });
    (port, answered)
}

#[test]
fn a_held_port_is_left_alone_and_another_taken() {
    let (port, answered) = impostor();
    let project = Project::quick().with("port = \"auto\"", &format!("port = {port}"));
    let outcome = project.run(&["-t", "2s"]);
    let held = format!("port {port} is held by process {}", std::process::id());
    outcome.expect(0, &[&held, "using a free port instead"]);
    assert_eq!(answered.load(Ordering::SeqCst), 0, "the impostor was asked");
}

#[test]
fn insisting_on_a_held_port_is_a_server_failure() {
    let (port, answered) = impostor();
    let outcome = Project::quick().run(&["--port", &port.to_string()]);
    outcome.expect(4, &[&format!("port {port} is held by process"), "try: stop it"]);
    assert_eq!(answered.load(Ordering::SeqCst), 0, "the impostor was asked");
}

#[test]
fn a_stranger_on_our_port_is_never_measured() {
    // The child lives and health answers 200, but the socket is not its own.
    let script = root().join("fixtures/faults/impostor.py");
    let own = "\"{manage}\", \"runserver\", \"--noreload\", \"127.0.0.1:{port}\"";
    let project = Project::quick().with(own, &format!("{script:?}, \"{{port}}\""));
    project.run(&[]).expect(4, &["it is held by process ", "impostor.py", "not by our server"]);
}
