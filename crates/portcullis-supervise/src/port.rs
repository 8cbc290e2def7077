//! Ports of the loopback interface: whether a port is free, and which process has it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

/// Whether a server could listen on `127.0.0.1:port` now.
pub fn is_free(port: u16) -> bool {
    bind(port).is_some()
}

/// A port that is free now.
///
/// # Errors
/// No port can be bound at all.
pub fn any_free() -> std::io::Result<u16> {
    let none = || std::io::Error::other("no free port on 127.0.0.1");
    let listener = bind(0).ok_or_else(none)?;
    Ok(listener.local_addr()?.port())
}

#[expect(clippy::disallowed_methods, reason = "the one place where a port is probed")]
fn bind(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
}

/// The process that listens where a client of `127.0.0.1:port` arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody.
    Nobody,
    /// Only processes of the given list, on loopback only.
    Ours,
    /// Processes of the list, but on every address of the machine.
    OursEverywhere,
    /// Another process, with its pid if that could be found.
    Foreign(Option<u32>),
}

/// Whether the process that answers on `127.0.0.1:port` is one of `ours`.
#[cfg(target_os = "linux")]
pub fn owner(port: u16, ours: impl FnOnce() -> Vec<u32>) -> Owner {
    // The sockets first: a process that comes after them has none of them.
    let (sockets, everywhere) = linux::listening(port);
    if sockets.is_empty() {
        return Owner::Nobody;
    }
    let held: Vec<u64> = ours().iter().flat_map(|pid| linux::sockets_of(*pid)).collect();
    match sockets.iter().find(|inode| !held.contains(inode)) {
        None if everywhere => Owner::OursEverywhere,
        None => Owner::Ours,
        Some(foreign) => Owner::Foreign(linux::holder(*foreign)),
    }
}

/// The identity of the listeners of `127.0.0.1:port`: their sockets. A server that is
/// started again opens new ones.
#[cfg(target_os = "linux")]
pub fn listeners(port: u16) -> Vec<u64> {
    let mut sockets = linux::listening(port).0;
    sockets.sort_unstable();
    sockets
}

/// The listeners of a port, compared from time to time: another process may join them, which
/// the system allows processes of the same user (`SO_REUSEPORT`), and then gets a part of the
/// connections.
#[derive(Clone, Debug)]
pub struct Listeners {
    /// The port.
    pub port: u16,
    known: Vec<u64>,
    compared: Instant,
}

impl Listeners {
    /// The present listeners.
    pub fn new(port: u16) -> Self {
        Self { port, known: listeners(port), compared: Instant::now() }
    }

    /// Whether they are others than before; compared once in a second.
    pub fn have_changed(&mut self) -> bool {
        // Where there is no table, the tool that makes one is too slow to run beside a load.
        if self.compared.elapsed() < Duration::from_secs(1) || !cfg!(target_os = "linux") {
            return false;
        }
        self.compared = Instant::now();
        let now = listeners(self.port);
        std::mem::replace(&mut self.known, now) != self.known
    }
}

/// The addresses on which processes listen, for messages.
#[cfg(target_os = "linux")]
pub fn addresses(pids: &[u32]) -> Vec<SocketAddr> {
    let held: Vec<u64> = pids.iter().flat_map(|pid| linux::sockets_of(*pid)).collect();
    let rows = linux::rows().into_iter().filter(|row| held.contains(&row.inode));
    rows.filter_map(|row| row.socket_address()).collect()
}

/// The addresses to which processes are connected, on this machine too.
#[cfg(target_os = "linux")]
pub fn connections(pids: &[u32]) -> Vec<SocketAddr> {
    let held: Vec<u64> = pids.iter().flat_map(|pid| linux::sockets_of(*pid)).collect();
    let all = linux::other_ends(&linux::tables()).into_iter();
    all.filter(|(_, inode)| held.contains(inode)).map(|(address, _)| address).collect()
}

/// The addresses to which processes are connected: not available here.
#[cfg(not(target_os = "linux"))]
pub fn connections(_: &[u32]) -> Vec<SocketAddr> {
    Vec::new()
}

/// The addresses of other machines to which processes are connected, or try to be. The
/// processes are only asked for if there is any such connection on this machine.
#[cfg(target_os = "linux")]
pub fn connected_elsewhere(pids: impl FnOnce() -> Vec<u32>) -> Vec<SocketAddr> {
    let mut all = linux::connected_elsewhere(&linux::tables());
    if !all.is_empty() {
        let held: Vec<u64> = pids().iter().flat_map(|pid| linux::sockets_of(*pid)).collect();
        all.retain(|(_, inode)| held.contains(inode));
    }
    all.into_iter().map(|(address, _)| address).collect()
}

/// The addresses of other machines: not available here.
#[cfg(not(target_os = "linux"))]
pub fn connected_elsewhere(_: impl FnOnce() -> Vec<u32>) -> Vec<SocketAddr> {
    Vec::new()
}

/// The identity of the listeners of a port: here their processes.
#[cfg(not(target_os = "linux"))]
pub fn listeners(port: u16) -> Vec<u64> {
    holders(port).into_iter().map(u64::from).collect()
}

/// The addresses on which processes listen: not available here.
#[cfg(not(target_os = "linux"))]
pub fn addresses(_: &[u32]) -> Vec<SocketAddr> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
fn holders(port: u16) -> Vec<u32> {
    let place = format!("-iTCP:{port}");
    let table = crate::system_tool::output(&["lsof", "-nP", &place, "-sTCP:LISTEN", "-t"]);
    table.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

/// Whether the process that answers on `127.0.0.1:port` is one of `ours`.
#[cfg(not(target_os = "linux"))]
pub fn owner(port: u16, ours: impl FnOnce() -> Vec<u32>) -> Owner {
    let pids = holders(port);
    let ours = ours();
    match pids.iter().find(|pid| !ours.contains(pid)) {
        _ if pids.is_empty() => Owner::Nobody,
        None => Owner::Ours,
        Some(foreign) => Owner::Foreign(Some(*foreign)),
    }
}

#[cfg(target_os = "linux")]
mod linux {
    //! `/proc/net/tcp`: local address and port in hexadecimal, state 0A for a
    //! listening socket, and its inode (proc(5)).

    use std::net::{IpAddr, SocketAddr};

    const LISTEN: &str = "0A";
    /// 127.0.0.1, as IPv4 and mapped into IPv6.
    const LOOPBACK: [&str; 2] = ["0100007F", "0000000000000000FFFF00000100007F"];
    /// Every address, as IPv4 and IPv6.
    const ANY: [&str; 2] = ["00000000", "00000000000000000000000000000000"];

    /// A listening socket.
    pub struct Row {
        address: String,
        port: u16,
        pub inode: u64,
    }

    impl Row {
        fn read(line: &str) -> Option<Self> {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (address, hex) = fields.get(1)?.split_once(':')?;
            let port = u16::from_str_radix(hex, 16).ok()?;
            let inode = fields.get(9)?.parse().ok()?;
            let listens = fields.get(3) == Some(&LISTEN);
            listens.then(|| Self { address: address.to_owned(), port, inode })
        }

        pub fn socket_address(&self) -> Option<SocketAddr> {
            Some(SocketAddr::new(ip(&self.address)?, self.port))
        }
    }

    /// The tables of all sockets, as text.
    pub fn tables() -> String {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
        tables.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect()
    }

    /// All listening sockets.
    pub fn rows() -> Vec<Row> {
        tables().lines().filter_map(Row::read).collect()
    }

    /// The other end of every socket that leads to an address which is not loopback, with the
    /// inode of the socket.
    pub fn connected_elsewhere(tables: &str) -> Vec<(SocketAddr, u64)> {
        let mut all = other_ends(tables);
        all.retain(|(address, _)| !address.ip().is_loopback());
        all
    }

    /// The other end of every socket with its inode; not of those that nobody holds any more.
    pub fn other_ends(tables: &str) -> Vec<(SocketAddr, u64)> {
        let row = |line: &str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if fields.get(3) == Some(&LISTEN) {
                return None;
            }
            let (address, port) = fields.get(2)?.split_once(':')?;
            let port = u16::from_str_radix(port, 16).ok()?;
            let inode = fields.get(9)?.parse().ok().filter(|inode| *inode != 0)?;
            let ip = ip(address)?.to_canonical();
            (!ip.is_unspecified()).then(|| (SocketAddr::new(ip, port), inode))
        };
        tables.lines().filter_map(row).collect()
    }

    /// An address consists of words of 32 bits in the byte order of this machine.
    fn ip(address: &str) -> Option<IpAddr> {
        let words = (0..address.len() / 8).map(|index| {
            let hex = address.get(index * 8..index * 8 + 8)?;
            u32::from_str_radix(hex, 16).ok().map(u32::to_ne_bytes)
        });
        let bytes: Vec<u8> = words.collect::<Option<Vec<_>>>()?.concat();
        Some(match bytes.len() {
            4 => <[u8; 4]>::try_from(bytes).ok()?.into(),
            _ => <[u8; 16]>::try_from(bytes).ok()?.into(),
        })
    }

    /// Inodes of the sockets that a client of 127.0.0.1 can reach: those bound exactly to it,
    /// else those bound to every address (then true).
    pub fn listening(port: u16) -> (Vec<u64>, bool) {
        let rows = rows();
        let of = |addresses: &[&str]| -> Vec<u64> {
            let here = rows.iter().filter(|row| row.port == port);
            let hits = here.filter(|row| addresses.contains(&row.address.as_str()));
            hits.map(|row| row.inode).collect()
        };
        let exact = of(&LOOPBACK);
        if exact.is_empty() { (of(&ANY), true) } else { (exact, false) }
    }

    /// Inodes of the sockets that a process holds.
    pub fn sockets_of(pid: u32) -> Vec<u64> {
        let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let links = entries.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        links
            .filter_map(|link| {
                let text = link.to_str()?;
                text.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
            })
            .collect()
    }

    /// The process that holds a socket.
    pub fn holder(inode: u64) -> Option<u32> {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.find(|pid| sockets_of(*pid).contains(&inode))
    }
}

/// `PID (command)` of the process that holds a port, for messages.
pub fn describe_holder(port: u16) -> String {
    match owner(port, Vec::new) {
        Owner::Foreign(Some(pid)) => {
            format!("process {pid} ({})", crate::tree::command_of(pid))
        }
        _ => "another process".to_owned(),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_ours_or_foreign_or_nobody() {
        let port = any_free().unwrap();
        assert!(is_free(port));
        assert_eq!(owner(port, Vec::new), Owner::Nobody);
        let listener = bind(port).unwrap();
        let own = std::process::id();
        assert!(!is_free(port));
        assert_eq!(owner(port, || vec![own]), Owner::Ours);
        assert_eq!(owner(port, || vec![1]), Owner::Foreign(Some(own)));
        assert!(describe_holder(port).contains(&own.to_string()));
        drop(listener);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn only_connections_to_other_machines_count() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1
   1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 12 1
   2: 0200000A:9C41 010200C0:01BB 01 00000000:00000000 00:00000000 00000000     0        0 13 1
   3: 0200000A:9C42 010200C0:0050 02 00000000:00000000 00:00000000 00000000     0        0 14 1
   4: 0200000A:9C43 010200C0:0051 06 00000000:00000000 00:00000000 00000000     0        0 0 1
   5: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:9C44 01 0:0 0:0 0 0 0 15
   6: 00000000000000000000000001000000:1F90 00000000000000000000000001000000:9C45 01 0:0 0:0 0 0 0 16
   7: B80D0120000000000000000002000000:9C46 B80D0120000000000000000001000000:01BB 01 0:0 0:0 0 0 0 17
";
        let found = linux::connected_elsewhere(table);
        let of = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (secure, tried) = ((of("192.0.2.1:443"), 13), (of("192.0.2.1:80"), 14));
        assert_eq!(found, [secure, tried, (of("[2001:db8::1]:443"), 17)]);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a connection for the test")]
    fn connections_are_told_with_their_other_end() {
        let port = any_free().unwrap();
        let listener = bind(port).unwrap();
        let _client = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let place = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        assert!(connections(&[std::process::id()]).contains(&place));
        assert!(!connections(&[1]).contains(&place));
        drop(listener);
    }

    #[test]
    fn listeners_are_told_apart_and_told_of() {
        let port = any_free().unwrap();
        let first = bind(port).unwrap();
        let known = listeners(port);
        assert_eq!(known.len(), 1);
        let own = addresses(&[std::process::id()]);
        assert!(own.contains(&SocketAddr::from((Ipv4Addr::LOCALHOST, port))), "{own:?}");
        drop(first);
        assert_eq!(listeners(port), Vec::<u64>::new());
        let _second = bind(port).unwrap();
        assert_ne!(listeners(port), known);
    }
}
