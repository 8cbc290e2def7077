//! Connections that a process tree makes to other machines, seen in the tables of the
//! system while they last. Nothing is changed in the processes themselves.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::{port, tree};

/// How often the tables are read: a connection that is shorter can be missed.
const EVERY: Duration = Duration::from_millis(5);

/// Records the addresses until it is finished or dropped.
#[derive(Debug)]
pub struct Recorder {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<BTreeSet<SocketAddr>>>,
}

/// Begins to record the connections of the process tree of `root`, also attempts.
pub fn record(root: u32) -> Recorder {
    let is_over = Arc::new(AtomicBool::new(false));
    let own = Arc::clone(&is_over);
    let look = move || {
        let mut found = BTreeSet::new();
        while !own.load(Ordering::Relaxed) {
            found.extend(port::connected_elsewhere(|| tree::members(root)));
            std::thread::sleep(EVERY);
        }
        found
    };
    // Without a thread nothing is seen, which is no reason to end a run.
    let thread = std::thread::Builder::new().name("outgoing".to_owned()).spawn(look).ok();
    Recorder { is_over, thread }
}

impl Recorder {
    /// Ends the recording; returns the addresses in order.
    pub fn finish(mut self) -> BTreeSet<SocketAddr> {
        self.is_over.store(true, Ordering::Relaxed);
        let thread = self.thread.take();
        thread.and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a connection for the test")]
    fn a_connection_to_another_address_is_seen_and_one_on_loopback_not() {
        let here = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(here.local_addr().unwrap()).unwrap();
        // An address of this machine that is not loopback; nothing is sent to find it.
        let route = UdpSocket::bind("0.0.0.0:0").unwrap();
        let _ = route.connect("192.0.2.1:9");
        let own = route.local_addr().unwrap().ip();
        let recorder = record(std::process::id());
        if own.is_unspecified() || own.is_loopback() {
            drop(near);
            assert_eq!(recorder.finish(), BTreeSet::new());
            return;
        }
        let there = TcpListener::bind((own, 0)).unwrap();
        let address = there.local_addr().unwrap();
        let far = TcpStream::connect(address).unwrap();
        std::thread::sleep(EVERY * 20);
        assert_eq!(recorder.finish(), BTreeSet::from([address]));
        drop((near, far));
    }
}
