//! The ports of services, chosen before anything is started, because the project's variables
//! and settings name them.

use portcullis_core::config::{ServiceSection, port_placeholder};
use portcullis_supervise::port;
use serde_json::Value;

/// The port of each service that has one.
#[derive(Clone, Debug, Default)]
pub struct Ports(Vec<(String, u16)>);

impl Ports {
    /// A free port for each service that needs one, each another.
    ///
    /// # Errors
    /// No port is free.
    pub fn choose(services: &[ServiceSection]) -> std::io::Result<Self> {
        let mut ports = Self::default();
        for service in services.iter().filter(|service| service.has_port()) {
            // A port that is not bound yet may be offered once more.
            let mut chosen = port::any_free()?;
            while ports.0.iter().any(|(_, known)| *known == chosen) {
                chosen = port::any_free()?;
            }
            ports.0.push((service.name.clone(), chosen));
        }
        Ok(ports)
    }

    /// The port of a service.
    pub fn of(&self, name: &str) -> Option<u16> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, port)| *port)
    }

    /// The text with `{service.NAME.port}` replaced.
    pub fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, port)| {
            text.replace(&port_placeholder(name), &port.to_string())
        })
    }

    /// The value of a text: a number if the text is nothing but a placeholder.
    pub fn value(&self, text: &str) -> Value {
        let alone = self.0.iter().find(|(name, _)| text == port_placeholder(name));
        alone.map_or_else(|| self.fill(text).into(), |(_, port)| (*port).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_ports_and_alone_a_number() {
        let ports = Ports(vec![("redis".to_owned(), 6380), ("smtp".to_owned(), 2525)]);
        let text = "redis://127.0.0.1:{service.redis.port}/0?{service.smtp.port}";
        assert_eq!(ports.fill(text), "redis://127.0.0.1:6380/0?2525");
        assert_eq!(ports.value("{service.smtp.port}"), 2525);
        assert_eq!(ports.value(":{service.smtp.port}"), ":2525");
        assert_eq!(ports.fill("{service.other.port} {port}"), "{service.other.port} {port}");
        assert_eq!((ports.of("smtp"), ports.of("other")), (Some(2525), None));
    }
}
