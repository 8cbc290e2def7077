//! The health poll: plain HTTP, no proxies, no redirects.

use std::time::Duration;

use portcullis_core::target::Target;
use portcullis_load::Trust;
use portcullis_load::http::is_untrusted;

/// The result of a health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// A status from 200 to 299.
    Healthy,
    /// Another status, and the `Location` of a redirect.
    Status(u16, Option<String>),
    /// The server's certificate is not trusted.
    Untrusted(String),
    /// Nobody listens.
    Refused(String),
    /// No complete answer.
    Silent(String),
}

impl std::fmt::Display for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Healthy => f.write_str("healthy"),
            Self::Status(status, None) => write!(f, "status {status}"),
            Self::Status(status, Some(place)) => {
                write!(f, "status {status}, redirected to {place}")
            }
            Self::Untrusted(why) => f.write_str(why),
            Self::Refused(why) | Self::Silent(why) => write!(f, "no answer ({why})"),
        }
    }
}

/// The HTTP client could not be created.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client: {0:#}")]
pub struct NoClient(anyhow::Error);

/// The maximum time for one answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Polls until `judge` returns a result. It is called after each answer, with a pause of a
/// tenth of a second between two.
///
/// # Errors
/// The HTTP client could not be created, with TLS or without.
pub fn poll<T>(
    target: &Target,
    trust: &Trust,
    path: &str,
    mut judge: impl FnMut(Health) -> Option<T>,
) -> Result<T, NoClient> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| NoClient(error.into()))?;
    let client = client(trust).map_err(NoClient)?;
    let url = format!("{}{path}", target.url());
    loop {
        let health = match path {
            "" => runtime.block_on(connect(target)),
            _ => runtime.block_on(ask(&client, &url)),
        };
        if let Some(result) = judge(health) {
            return Ok(result);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[expect(clippy::disallowed_methods, reason = "the health poll is what reqwest is for")]
fn client(trust: &Trust) -> anyhow::Result<reqwest::Client> {
    // The same configuration as for the load, with the same trusted certificates.
    let config = portcullis_load::http::client_config(trust)?;
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(config.as_ref().clone())
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        // Each poll uses a new connection, to reach the process that listens now.
        .pool_max_idle_per_host(0)
        .build()?;
    Ok(client)
}

/// Without a path, a connection is enough.
#[expect(clippy::disallowed_methods, reason = "a health check, not a load")]
async fn connect(target: &Target) -> Health {
    let place = (target.host.as_str(), target.port);
    match tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect(place)).await {
        Ok(Ok(_)) => Health::Healthy,
        Ok(Err(error)) => Health::Refused(error.to_string()),
        Err(_) => Health::Silent(format!("timeout after {} s", PATIENCE.as_secs())),
    }
}

async fn ask(client: &reqwest::Client, url: &str) -> Health {
    match whole(client, url).await {
        Ok((status, _)) if status.is_success() => Health::Healthy,
        Ok((status, place)) => Health::Status(status.as_u16(), place),
        Err(error) if error.is_timeout() => {
            Health::Silent(format!("timeout after {} s", PATIENCE.as_secs()))
        }
        Err(error) if is_untrusted(&error) => Health::Untrusted(root_cause(&error)),
        Err(error) if is_refused(&error) => Health::Refused(root_cause(&error)),
        Err(error) => Health::Silent(root_cause(&error)),
    }
}

/// Whether the system refused the connection.
fn is_refused(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(found) = cause {
        let system = found.downcast_ref::<std::io::Error>();
        if system.is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = found.source();
    }
    false
}

/// The status of a complete answer, and its `Location`; a head alone is not enough.
async fn whole(
    client: &reqwest::Client,
    url: &str,
) -> reqwest::Result<(reqwest::StatusCode, Option<String>)> {
    let mut answer = client.get(url).send().await?;
    // The body has no meaning here, and is not kept.
    while answer.chunk().await?.is_some() {}
    let place = answer.headers().get("location").and_then(|place| place.to_str().ok());
    Ok((answer.status(), place.map(str::to_owned)))
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
