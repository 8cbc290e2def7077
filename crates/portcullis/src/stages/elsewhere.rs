//! Connections of the service to other machines, seen in the first round: what others take
//! for their answers is part of the measured latencies.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use portcullis_core::config::DatabaseUrl;
use portcullis_core::judge::Finding;
use portcullis_core::plan::Mode;

use crate::run::{RunContext, StageFailure};

/// How many addresses a message names.
const MOST_NAMED: usize = 5;

/// Names the addresses in a warning.
///
/// # Errors
/// The configuration says that there is no way out.
pub fn tell(context: &RunContext<'_>, seen: &BTreeSet<SocketAddr>) -> Result<(), StageFailure> {
    let Mode::Serve(plan) = &context.planned.plan.mode else { return Ok(()) };
    // The server of the run's own databases is meant to be used.
    let database = plan.database.url.as_ref().map(database_port);
    let mut seen: Vec<&SocketAddr> = seen.iter().collect();
    seen.retain(|address| database != Some(address.port()));
    if seen.is_empty() {
        return Ok(());
    }
    let all = listed(&seen);
    if plan.is_shut {
        let message = format!("[outgoing] shut = true, but the service connects to {all}");
        return Err(StageFailure::new(Finding::invalid(message)).with_advice(PAST_PROXIES));
    }
    context.warn(format!("in the first round the service connects to {all}: {PART}"));
    Ok(())
}

const PART: &str = "the answers of other machines are part of its latencies; [outgoing] shut = true \
                    closes the way out";
const PAST_PROXIES: &str = "the library that connects ignores the variables of HTTP proxies: lead it \
                            to a [[service]], or switch it off, in [env] set or [django.overrides]";

fn listed(seen: &[&SocketAddr]) -> String {
    let mut shown: Vec<String> = seen.iter().take(MOST_NAMED).map(ToString::to_string).collect();
    match seen.len().saturating_sub(MOST_NAMED) {
        0 => {}
        more => shown.push(format!("{more} more")),
    }
    shown.join(", ")
}

/// The port in the URL of a database server.
fn database_port(url: &DatabaseUrl) -> u16 {
    const USUAL: u16 = 5432;
    let url = match url {
        DatabaseUrl::Written(url) => url.clone(),
        DatabaseUrl::Variable(name) => std::env::var(name).unwrap_or_default(),
    };
    let after_user = url.rsplit_once('@').map_or(url.as_str(), |(_, rest)| rest);
    let host = after_user.split(['/', '?']).find(|part| part.contains(':') && !part.ends_with(':'));
    let port = host.and_then(|host| host.rsplit_once(':')?.1.parse().ok());
    port.unwrap_or(USUAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_a_database_is_read_from_its_url() {
        for (url, port) in [
            ("postgres://u:p@db:6543/x", 6543),
            ("postgres://u:1234@db/x", 5432),
            ("postgresql://db:7000?sslmode=require", 7000),
            ("postgresql://db", 5432),
            ("postgres://u:p@[::1]:6000/x", 6000),
        ] {
            assert_eq!(database_port(&DatabaseUrl::Written(url.to_owned())), port, "{url}");
        }
    }

    #[test]
    fn a_long_list_is_cut() {
        let all: Vec<SocketAddr> = (1..=7).map(|n| ([192, 0, 2, n], 443).into()).collect();
        let all: Vec<&SocketAddr> = all.iter().collect();
        assert_eq!(listed(&all[..1]), "192.0.2.1:443");
        assert!(listed(&all).ends_with("192.0.2.5:443, 2 more"), "{}", listed(&all));
    }
}
