//! The health poll: plain HTTP, no proxies, no redirects.

use std::time::Duration;

use portcullis_core::target::Target;
use portcullis_load::Trust;

/// What a health check said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// A status from 200 to 299.
    Healthy,
    /// Another status.
    Status(u16),
    /// No whole answer.
    Silent(String),
}

impl std::fmt::Display for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Healthy => f.write_str("healthy"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Silent(why) => write!(f, "no answer ({why})"),
        }
    }
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client: {0:#}")]
pub struct NoClient(anyhow::Error);

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks over and over until `judge` has seen enough. It is called after each
/// answer, and its pause between two is a tenth of a second.
///
/// # Errors
/// The HTTP client could not be made, with TLS or without.
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
        let health = runtime.block_on(ask(&client, &url));
        if let Some(result) = judge(health) {
            return Ok(result);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[expect(clippy::disallowed_methods, reason = "the health poll is what reqwest is for")]
fn client(trust: &Trust) -> anyhow::Result<reqwest::Client> {
    // The load's own configuration: whom it believes, health believes too.
    let config = portcullis_load::http::client_config(trust)?;
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(config.as_ref().clone())
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        // Each poll on a connection of its own: it must reach who listens now.
        .pool_max_idle_per_host(0)
        .build()?;
    Ok(client)
}

async fn ask(client: &reqwest::Client, url: &str) -> Health {
    match whole(client, url).await {
        Ok(status) if status.is_success() => Health::Healthy,
        Ok(status) => Health::Status(status.as_u16()),
        Err(error) if error.is_timeout() => {
            Health::Silent(format!("timeout after {} s", PATIENCE.as_secs()))
        }
        Err(error) => Health::Silent(root_cause(&error)),
    }
}

/// The status of an answer that came to its end: a head alone is none.
async fn whole(client: &reqwest::Client, url: &str) -> reqwest::Result<reqwest::StatusCode> {
    let mut answer = client.get(url).send().await?;
    // Its words mean nothing here, and are not kept.
    while answer.chunk().await?.is_some() {}
    Ok(answer.status())
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
