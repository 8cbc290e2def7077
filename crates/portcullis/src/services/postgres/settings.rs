//! The settings of a private server: for one run on one machine, whose data may be lost.

use std::ffi::OsString;
use std::path::Path;

/// The settings for every use of a data directory, also without a server.
///
/// Nothing is forced to the disk, because the data does not outlive the run. Shared memory
/// is in files of the data directory, not in `/dev/shm`, so that a killed server leaves
/// nothing there. Statistics are made once, after the seed: `autovacuum` would change the
/// plans of queries while they are measured.
const ALWAYS: [(&str, &str); 6] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("dynamic_shared_memory_type", "mmap"),
    ("autovacuum", "off"),
    ("log_min_messages", "warning"),
    ("lc_messages", "C"),
];

/// The arguments for every use of a data directory.
pub fn always(data: &Path) -> Vec<OsString> {
    let mut argv: Vec<OsString> = vec!["-D".into(), data.into()];
    argv.extend(ALWAYS.iter().flat_map(|(name, value)| set(name, value)));
    argv
}

/// The arguments of a server on a port of loopback. Its socket is in the data directory, if
/// the path can be one.
pub fn of_server(data: &Path, port: u16, own: &[(String, String)]) -> Vec<OsString> {
    /// Room for a socket's whole path in `sockaddr_un` (unix(7)), less `/.s.PGSQL.65535`.
    const LONGEST: usize = 107 - 15;
    let mut argv = always(data);
    // The last value of a setting holds: no setting of the user opens the server to others.
    argv.extend(own.iter().flat_map(|(name, value)| set(name, value)));
    argv.extend(set("listen_addresses", "127.0.0.1"));
    argv.extend(set("port", &port.to_string()));
    argv.extend(set("logging_collector", "off"));
    let folder = data.to_str().filter(|folder| folder.len() <= LONGEST);
    // The setting is a list, in which these characters have a meaning.
    let folder = folder.filter(|folder| !folder.contains([',', '"', ' '])).unwrap_or("");
    argv.extend(set("unix_socket_directories", folder));
    argv
}

fn set(name: &str, value: &str) -> [OsString; 2] {
    ["-c".into(), format!("{name}={value}").into()]
}

/// The arguments of `initdb`. Text is UTF-8, sorted as English where the programs can do
/// that by themselves: a database in the locale `C` sorts and searches faster than most
/// databases in production.
pub fn of_initdb(data: &Path, role: &str, password: &Path, has_icu: bool) -> Vec<OsString> {
    let mut argv: Vec<OsString> = vec!["-D".into(), data.into(), "-U".into(), role.into()];
    argv.extend(["--pwfile".into(), password.into()]);
    let locale = if cfg!(target_os = "linux") { "C.UTF-8" } else { "C" };
    argv.extend(
        ["--auth=scram-sha-256", "--encoding=UTF8", "--no-sync", "--wal-segsize=1"].map(Into::into),
    );
    argv.push(format!("--locale={locale}").into());
    if has_icu {
        argv.extend(["--locale-provider=icu", "--icu-locale=en-US"].map(Into::into));
    }
    argv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_server_listens_on_loopback_and_keeps_no_shared_files() {
        let argv = of_server(Path::new("/run/pg"), 5433, &[]);
        let has = |text: &str| argv.iter().any(|word| word == text);
        assert!(has("listen_addresses=127.0.0.1") && has("port=5433"));
        assert!(has("dynamic_shared_memory_type=mmap") && has("fsync=off"));
        assert!(has("unix_socket_directories=/run/pg"));
        let long = "/x".repeat(60);
        let argv = of_server(Path::new(&long), 5433, &[]);
        assert!(argv.iter().any(|word| word == "unix_socket_directories="), "{argv:?}");
    }

    #[test]
    fn no_setting_of_the_user_opens_the_server_to_others() {
        let own = [("listen_addresses".to_owned(), "*".to_owned())];
        let argv = of_server(Path::new("/run/pg"), 5433, &own);
        let last = argv.iter().rfind(|word| word.to_string_lossy().starts_with("listen_addresses"));
        assert_eq!(last.unwrap(), "listen_addresses=127.0.0.1", "the last one holds");
    }
}
