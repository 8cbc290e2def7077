//! `[database] url`: a server that others use too. Only databases of the run's own are used
//! there, and none is left.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::harness::{HANG, Project};
use crate::postgresql::{PSYCOPG, expect_measured, on_postgresql, stage};

/// A server for all, as a CI job has one; its role `ci` may create databases.
struct Shared {
    folder: TempDir,
    programs: PathBuf,
    server: Child,
    port: u16,
}

/// The newest programs of this machine; `None` if it has none.
fn programs() -> Option<PathBuf> {
    let entries = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = entries.map(|entry| entry.path().join("bin"));
    folders.filter(|folder| folder.join("psql").is_file()).max()
}

/// PostgreSQL refuses root.
fn without_rights(program: &Path) -> Command {
    let mut command = Command::new(program);
    if std::fs::metadata("/proc/self")
        .is_ok_and(|data| std::os::unix::fs::MetadataExt::uid(&data) == 0)
    {
        command.uid(65534).gid(65534);
    }
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

impl Shared {
    fn start() -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::tempdir().unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(folder.path(), mode).unwrap();
        let data = folder.path().join("data");
        let mut initdb = without_rights(&programs.join("initdb"));
        initdb.arg("-D").arg(&data).args(["-U", "postgres", "--auth=trust", "--no-sync"]);
        assert!(initdb.status().unwrap().success());
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = without_rights(&programs.join("postgres"));
        server.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        server.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        server.args(["-c", "fsync=off"]);
        let shared = Self { folder, programs, server: server.spawn().unwrap(), port };
        let begun = Instant::now();
        while shared.ask("SELECT 1").is_none() {
            assert!(begun.elapsed() < HANG, "the server accepts no connections");
            std::thread::sleep(Duration::from_millis(50));
        }
        shared.ask("CREATE ROLE ci LOGIN CREATEDB").unwrap();
        shared.ask("CREATE DATABASE mine OWNER ci").unwrap();
        Some(shared)
    }

    /// The answer to a statement.
    fn ask(&self, sql: &str) -> Option<String> {
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", self.port);
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-At", "-c", sql, &url]);
        let output = psql.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    }

    fn databases(&self) -> String {
        let sql = "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1";
        self.ask(sql).unwrap().replace('\n', " ")
    }

    fn project(&self) -> Project {
        let url = format!("postgres://ci@127.0.0.1:{}/mine", self.port);
        on_postgresql(PSYCOPG, 1)
            .with("[load]\n", &format!("[database]\nurl = \"{url}\"\n[load]\n"))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let pid = self.server.id().to_string();
        let _ = Command::new("kill").args(["-QUIT", &pid]).status();
        let _ = self.server.wait();
        let _ = self.folder.path();
    }
}

#[test]
fn a_server_for_all_has_only_the_runs_databases_and_only_while_it_lasts() {
    let Some(shared) = Shared::start() else {
        eprintln!("skipped: no PostgreSQL on this machine");
        return;
    };
    let project = shared.project();
    let outcome = project.run(&[]);
    expect_measured(&outcome, "user_a exists");
    let (detail, is_cached) = stage(&outcome, "migrate");
    assert!(detail.contains(&format!("at 127.0.0.1:{}", shared.port)) && !is_cached, "{detail}");
    assert_eq!(shared.databases(), "mine postgres");
    assert_eq!(
        shared.ask("SELECT count(*) FROM pg_stat_activity WHERE usename = 'ci'").unwrap(),
        "0"
    );

    // A killed run leaves its database, which the next one drops; another one's it keeps.
    let mut child = project.command(&["-t", "60s"]).stdout(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !shared.databases().contains("portcullis_") {
        assert!(begun.elapsed() < HANG, "no database of the run");
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let left = shared.databases();
    assert!(left.contains("portcullis_"), "{left}");
    shared.ask("CREATE DATABASE portcullis_mine_too OWNER ci").unwrap();
    expect_measured(&project.run(&["-t", "2s"]), "user_a exists");
    assert_eq!(shared.databases(), "mine portcullis_mine_too postgres");

    // Without the right to create databases nothing is written.
    shared.ask("ALTER ROLE ci NOCREATEDB").unwrap();
    let parts = ["the server of [database] url", "permission denied to create database"];
    project.run(&[]).expect(3, &parts);
}
