//! Ports of the loopback interface: whether one is free, and whose it is.

use std::net::{Ipv4Addr, TcpListener};

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

/// Who listens where a client of `127.0.0.1:port` arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody.
    Nobody,
    /// Only processes of the list that was asked about, on loopback alone.
    Ours,
    /// Processes of the list, but on every address of the machine.
    OursEverywhere,
    /// Another process: its pid if it could be found.
    Foreign(Option<u32>),
}

/// Whether whoever answers on `127.0.0.1:port` is one of `ours`.
#[cfg(target_os = "linux")]
pub fn owner(port: u16, ours: &[u32]) -> Owner {
    let (sockets, everywhere) = linux::listening(port);
    if sockets.is_empty() {
        return Owner::Nobody;
    }
    let held: Vec<u64> = ours.iter().flat_map(|pid| linux::sockets_of(*pid)).collect();
    match sockets.iter().find(|inode| !held.contains(inode)) {
        None if everywhere => Owner::OursEverywhere,
        None => Owner::Ours,
        Some(foreign) => Owner::Foreign(linux::holder(*foreign)),
    }
}

/// Whether whoever answers on `127.0.0.1:port` is one of `ours`.
#[cfg(not(target_os = "linux"))]
pub fn owner(port: u16, ours: &[u32]) -> Owner {
    let place = format!("-iTCP:{port}");
    let table = crate::finite::capture_plain(&["lsof", "-nP", &place, "-sTCP:LISTEN", "-t"]);
    let pids: Vec<u32> = table.lines().filter_map(|line| line.trim().parse().ok()).collect();
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

    const LISTEN: &str = "0A";
    /// 127.0.0.1, as IPv4 and mapped into IPv6.
    const LOOPBACK: [&str; 2] = ["0100007F", "0000000000000000FFFF00000100007F"];
    /// Every address, as IPv4 and IPv6.
    const ANY: [&str; 2] = ["00000000", "00000000000000000000000000000000"];

    /// Inodes of the sockets that a client of 127.0.0.1 can reach: those bound
    /// to it exactly, else those bound to every address (then true).
    pub fn listening(port: u16) -> (Vec<u64>, bool) {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
        let text: String =
            tables.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
        let rows: Vec<(String, u64)> = text.lines().filter_map(|line| row(line, port)).collect();
        let of = |addresses: &[&str]| -> Vec<u64> {
            let hits = rows.iter().filter(|(address, _)| addresses.contains(&address.as_str()));
            hits.map(|(_, inode)| *inode).collect()
        };
        let exact = of(&LOOPBACK);
        if exact.is_empty() { (of(&ANY), true) } else { (exact, false) }
    }

    fn row(line: &str, port: u16) -> Option<(String, u64)> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (address, hex) = fields.get(1)?.split_once(':')?;
        let listens = fields.get(3) == Some(&LISTEN);
        let here = u16::from_str_radix(hex, 16).ok()? == port;
        let inode = fields.get(9)?.parse().ok()?;
        (listens && here).then(|| (address.to_owned(), inode))
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

    /// A process that holds a socket.
    pub fn holder(inode: u64) -> Option<u32> {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.find(|pid| sockets_of(*pid).contains(&inode))
    }
}

/// `PID (command)` of whoever holds a port, for messages.
pub fn describe_holder(port: u16) -> String {
    match owner(port, &[]) {
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
        assert_eq!(owner(port, &[]), Owner::Nobody);
        let listener = bind(port).unwrap();
        let own = std::process::id();
        assert!(!is_free(port));
        assert_eq!(owner(port, &[own]), Owner::Ours);
        assert_eq!(owner(port, &[1]), Owner::Foreign(Some(own)));
        assert!(describe_holder(port).contains(&own.to_string()));
        drop(listener);
    }
}
