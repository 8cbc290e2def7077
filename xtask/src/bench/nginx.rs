//! One nginx worker on the last core: a fast server, the same for every client.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::server_process;
use crate::tools;

/// A running nginx; dropping it stops it.
pub struct Nginx {
    child: Child,
    /// The port that it listens on.
    pub port: u16,
}

/// Starts nginx in `folder`, serving 2.6 KB of JSON to everything and a token
/// to logins.
///
/// # Errors
/// nginx cannot be installed or does not listen.
pub fn start(folder: &Path) -> Result<Nginx> {
    for package in ["nginx", "wrk"] {
        if !tools::is_there("sh", &["-c", &format!("command -v {package}")]) {
            tools::install_debian(package)?;
        }
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    std::fs::write(folder.join("body.json"), body())?;
    let config = folder.join("nginx.conf");
    std::fs::write(&config, configuration(folder, port))?;
    let core = server_process::last_core()?;
    let child = Command::new("taskset")
        .args(["-c", &core, "nginx", "-c"])
        .arg(&config)
        .stdout(Stdio::null())
        .spawn()
        .context("starting nginx")?;
    let nginx = Nginx { child, port };
    let start = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        if start.elapsed() > Duration::from_secs(20) {
            bail!("nginx does not listen; see {}", folder.join("error.log").display());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(nginx)
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // With SIGTERM the master process stops its worker too.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.child.wait();
    }
}

fn body() -> String {
    let row = |id: u32| {
        format!(
            r#"{{"id":{id},"payer":"Aetna","cpt":"99213","outcome":"PAID","decided_date":"2026-01-01","_links":{{"self":"/{id}/"}}}}"#
        )
    };
    let rows: Vec<String> = (0..24).map(row).collect();
    format!(r#"{{"count":24,"next":null,"previous":null,"results":[{}]}}"#, rows.join(","))
}

fn configuration(folder: &Path, port: u16) -> String {
    let place = |name: &str| -> PathBuf { folder.join(name) };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {};\n", place(name).display()))
        .collect();
    format!(
        "worker_processes 1;\ndaemon off;\npid {};\nerror_log {};\nworker_rlimit_nofile 40000;\n\
         events {{ worker_connections 20000; }}\n\
         http {{\naccess_log off;\nkeepalive_requests 1000000000;\nkeepalive_timeout 600s;\n\
         default_type application/json;\n{temporary}\
         server {{\nlisten 127.0.0.1:{port} backlog=16384;\n\
         location /api/v1/auth/token/ {{ return 200 '{{\"access\":\"eyJhIjoxfQ.eyJiIjoyfQ.c2ln\"}}'; }}\n\
         location / {{ root {}; try_files /body.json =404; }}\n}}\n}}\n",
        place("nginx.pid").display(),
        place("error.log").display(),
        folder.display()
    )
}
