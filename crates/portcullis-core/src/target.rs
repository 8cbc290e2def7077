//! The server under load: its URL, and whether it may be loaded.

use std::net::{IpAddr, Ipv6Addr};

/// An HTTP origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Host name or address, IPv6 without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether it speaks TLS (`https`).
    pub tls: bool,
}

impl Target {
    /// The server that Portcullis starts itself.
    pub fn local(port: u16) -> Self {
        Self { host: "127.0.0.1".to_owned(), port, tls: false }
    }

    /// Whether the host can only be this machine: `localhost` or a loopback address. Names are
    /// not resolved, so nothing is sent.
    pub fn is_loopback(&self) -> bool {
        let name = self.host.eq_ignore_ascii_case("localhost");
        name || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Whether the host is loopback or in the list.
    pub fn is_allowed(&self, allow_hosts: &[String]) -> bool {
        self.is_loopback() || allow_hosts.iter().any(|host| host.eq_ignore_ascii_case(&self.host))
    }

    /// Why a host that is not allowed is refused.
    pub fn refusal(&self) -> String {
        format!(
            "{} is not this machine: to load it on purpose, pass --allow-host {} or add it to \
             load.allow_hosts",
            self.host, self.host
        )
    }

    /// `host:port` for the Host header.
    pub fn authority(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == default_port(self.tls) { host } else { format!("{host}:{}", self.port) }
    }

    /// The origin as a URL, without a final slash.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}

fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// Why a text is not the origin of a server: the text and the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" {why}; write \"http://localhost:8000\"")]
pub struct TargetError {
    text: String,
    why: &'static str,
}

/// Reads `http://host[:port]` or `https://host[:port]`.
///
/// # Errors
/// Another scheme, a path, a user or an impossible port.
pub fn parse(text: &str) -> Result<Target, TargetError> {
    let bad = |why| TargetError { text: text.to_owned(), why };
    // A scheme has any case (RFC 3986, section 3.1).
    let scheme = text.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
    let (tls, rest) = match scheme.as_ref().map(|(scheme, rest)| (scheme.as_str(), *rest)) {
        Some(("http", rest)) => (false, rest),
        Some(("https", rest)) => (true, rest),
        _ => return Err(bad("is not an http:// or https:// URL")),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#', '@']) || rest.chars().any(char::is_whitespace) {
        return Err(bad("must be an origin, without path, query or user"));
    }
    let (host, port) = match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':').unwrap_or("nonsense"))),
        None if rest.parse::<Ipv6Addr>().is_ok() => match rest.rsplit_once(':') {
            Some(("::1", port)) => ("::1", Some(port)),
            Some((address, _)) if address.parse::<Ipv6Addr>().is_ok() => {
                return Err(bad(
                    "needs brackets around its IPv6 address: the last part may be a port",
                ));
            }
            _ => (rest, None),
        },
        None => rest.rsplit_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Ok(default_port(tls)), str::parse).ok().filter(|port| *port > 0);
    match port {
        Some(_) if host.contains(['[', ']']) || is_no_address(host) => {
            Err(bad("has an invalid host"))
        }
        Some(port) if !host.is_empty() => Ok(Target { host: host.to_owned(), port, tls }),
        Some(_) => Err(bad("has no host")),
        None => Err(bad("has an invalid port")),
    }
}

/// Whether a host has the colons of an IPv6 address, but is none. Its zone is not checked.
fn is_no_address(host: &str) -> bool {
    let address = host.split('%').next().unwrap_or_default();
    address.contains(':') && address.parse::<Ipv6Addr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_and_written() {
        let target = parse("http://localhost:8000/").unwrap();
        assert_eq!((target.host.as_str(), target.port), ("localhost", 8000));
        assert_eq!(parse("http://[::1]:81").unwrap().url(), "http://[::1]:81");
        assert_eq!(parse("http://127.0.0.1").unwrap().authority(), "127.0.0.1");
        let secure = parse("https://[::1]").unwrap();
        assert_eq!((secure.port, secure.tls, secure.url().as_str()), (443, true, "https://[::1]"));
        assert_eq!(parse("https://h:80").unwrap().url(), "https://h:80");
        for (written, url) in [
            ("HTTP://localhost:8000", "http://localhost:8000"),
            ("Https://h", "https://h"),
            ("http://::1", "http://[::1]"),
            ("http://::1/", "http://[::1]"),
            ("http://::1:8000", "http://[::1]:8000"),
            ("http://1:2:3:4:5:6:7:8", "http://[1:2:3:4:5:6:7:8]"),
            ("http://1:2:3:4:5:6:7:8:81", "http://[1:2:3:4:5:6:7:8]:81"),
        ] {
            assert_eq!(parse(written).unwrap().url(), url);
        }
        assert!(parse("http://::1").unwrap().is_loopback());
        for bad in [
            "http://[::1].evil:80",
            "http://::1]:80",
            "http://fe80::1:8000",
            "http://1:2:3:80",
            "localhost",
            "ftp://x",
            "http://",
            "http://h:0",
            "http://h:99999",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("http://h/path").is_err() && parse("http://u@h").is_err());
    }

    #[test]
    fn only_loopback_and_listed_hosts_are_allowed() {
        let allowed = |url: &str| parse(url).unwrap().is_allowed(&["Staging.test".to_owned()]);
        assert!(allowed("http://LOCALHOST:1") && allowed("http://127.9.9.9"));
        assert!(allowed("http://[::1]") && allowed("http://staging.test"));
        assert!(!allowed("http://example.com") && !allowed("http://localhost.example.com"));
        assert!(!allowed("http://10.0.0.1") && !allowed("http://0.0.0.0"));
    }
}
