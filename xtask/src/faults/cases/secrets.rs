//! Secrets, and services that repeat them.

use anyhow::{Context, Result, bail};

use super::super::below;
use super::super::case::{FaultCase, case};
use super::super::sandbox::{Outcome, Sandbox};

/// The cases.
pub fn cases() -> Vec<FaultCase> {
    // The password, and the beginnings of tokens and of the header.
    let silent =
        |case: FaultCase| case.never("testpass").never("stand-in-tok").never("eyJ").then(no_key);
    all().into_iter().map(silent).collect()
}

fn echo(name: &'static str, what: &'static str, code: i32, fault: &str) -> FaultCase {
    case(name, what, code).server("echo.py", &[fault])
}

fn all() -> Vec<FaultCase> {
    vec![
        case(
            "secrets/arguments",
            "The bundled service runs: no process has a secret among its arguments.",
            0,
        )
        .during("load 1/", |sandbox, run| {
            let key = key_of(below::server(run)?)?;
            std::fs::write(sandbox.folder.join("secret-key"), &key)?;
            for pid in below::of(run) {
                let command = below::text(pid, "cmdline");
                if command.contains(&key) || command.contains("testpass") {
                    bail!("process {pid} has a secret among its arguments: {command}");
                }
            }
            Ok(())
        })
        .quick(),
        echo(
            "secrets/errors",
            "Error messages repeat token, header, password and key.",
            1,
            "errors",
        )
        .says("the token *** has no rights")
        .says("login with *** is too old")
        .quick(),
        echo("secrets/login", "A refused login repeats the request.", 5, "refuses")
            .stage("load")
            .says("the login of user 1 failed: status 400")
            .quick(),
        echo("secrets/no-rows", "Answers with empty lists repeat the header.", 5, "no-rows")
            .stage("load")
            .says("list_claims has no data")
            .says("Bearer ***"),
        echo(
            "secrets/drawn",
            "Keys are drawn, the password comes from the environment, and the service repeats them.",
            1,
            "drawn",
        )
        .edit("password = \"testpass123\"", "password = { env = \"PERF_PASSWORD\" }")
        .variable("PERF_PASSWORD", "testpass123")
        .edit(
            "path = \"/api/v1/dashboard/\"",
            "path = \"/api/v1/dashboard/\"\nheaders = { X-Api-Key = \"{{ key }}\" }\nquery = { \
             access_token = \"{{ key }}\", pin_token = \"{{ pin }}\" }\nvalues = { key = \
             [\"rosebud-of-kane\", \"k1tchen\"], pin = [\"tulip\"] }",
        )
        .says("the key *** of")
        .never("rosebud")
        .never("k1tchen")
        .never("tulip")
        // The same in hexadecimal, and the password beside a name in base64.
        .never("726f7365627564")
        .never("OnRlc3RwYXNz")
        .quick(),
        echo("secrets/log", "The server logs everything and exits.", 4, "last-words")
            .stage("load")
            .says("the server died during the load: exit status: 3"),
        echo(
            "secrets/command-line",
            "A process of the service has the password in its command line.",
            0,
            "command-line",
        )
        .says("processes outside its group were ended too"),
    ]
}

fn key_of(server: u32) -> Result<String> {
    let environment = below::text(server, "environ");
    let key = environment.split(' ').find_map(|pair| pair.strip_prefix("SECRET_KEY="));
    key.map(str::to_owned).context("the server has no SECRET_KEY")
}

/// Checks that no output has the server's key, not even its beginning.
fn no_key(sandbox: &Sandbox, outcome: &Outcome) -> Result<()> {
    let key = std::fs::read_to_string(sandbox.folder.join("secret-key"))?;
    let beginning = key.get(..12).context("the key is too short to be one")?;
    match outcome.place_of(beginning) {
        Some(place) => bail!("{place} contains the SECRET_KEY"),
        None => Ok(()),
    }
}
