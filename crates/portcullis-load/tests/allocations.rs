//! Nothing is allocated on the way of a request, shown with an allocator that
//! counts: a load of many requests allocates as often as a load of few.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the server of the test listens")]

#[path = "engine/observer.rs"]
mod observer;
#[path = "engine/planned.rs"]
mod planned;

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use observer::run_to_the_end;
use planned::planned;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 22\r\n\r\n{\"results\":[{\"id\":1}]}";

/// A server that allocates nothing itself: one request, one segment, one answer.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let converse = |mut stream: TcpStream| {
        stream.set_nodelay(true).unwrap();
        let mut request = [0; 4096];
        while stream.read(&mut request).is_ok_and(|count| count > 0) {
            if stream.write_all(ANSWER).is_err() {
                break;
            }
        }
    };
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            std::thread::spawn(move || converse(stream));
        }
    });
    url
}

/// How often memory was asked for by a load of so many requests.
fn allocations(requests: u64, load: &str, url: &str) -> usize {
    let load = format!("{load}\nduration = \"600s\"\nrequests = {requests}");
    let (plan, target) = planned(&load, "wait = { constant = \"0s\" }", url);
    let region = Region::new(ALLOCATOR);
    let (summary, _) = run_to_the_end(&plan, &target);
    let change = region.change();
    let all = summary.aggregate();
    assert_eq!((all.requests, all.failures), (requests, 0), "{:?}", summary.failures);
    change.allocations + change.reallocations
}

/// One test: others in this process would be counted too.
#[test]
fn a_request_allocates_nothing() {
    let url = serve();
    let closed = "users = 4\nspawn_rate = \"1000/s\"";
    let open = "users = 8\narrival_rate = \"5000/s\"\narrivals = \"poisson\"";
    for load in [closed, open] {
        let few = allocations(2_000, load, &url);
        let many = allocations(12_000, load, &url);
        // What is told once a second, of which a busy machine needs more, and buckets
        // that come into use: not one in twenty requests.
        assert!(many < few + 500, "{few} for 2,000 requests, {many} for 12,000: {load}");
    }
}
