//! A mail server that takes every mail and keeps none, and the settings that lead to it.

use std::ffi::OsString;
use std::path::Path;

use portcullis_core::config::{ServiceKind, ServiceSection};
use serde_json::{Value, json};

use super::ports::Ports;
use crate::run::{StageFailure, Version};

const SERVER: &str = include_str!("smtp.py");

/// Writes the server's script; returns its command line.
///
/// # Errors
/// The script cannot be written.
pub fn argv(version: Version<'_>, python: &Path, port: u16) -> Result<Vec<OsString>, StageFailure> {
    let script = version.folder.script("smtp.py");
    std::fs::write(&script, SERVER)
        .map_err(|error| StageFailure::disk("a script of our own", &error))?;
    // Nothing of the project is loaded.
    let port = port.to_string();
    Ok(vec![python.into(), "-I".into(), "-S".into(), script.into(), port.into()])
}

/// The settings of Django that lead to the first such service.
pub fn settings(services: &[ServiceSection], ports: &Ports) -> Vec<(&'static str, Value)> {
    let service = services.iter().find(|service| service.kind == ServiceKind::Smtp);
    let Some(port) = service.and_then(|service| ports.of(&service.name)) else {
        return Vec::new();
    };
    vec![
        ("EMAIL_BACKEND", json!("django.core.mail.backends.smtp.EmailBackend")),
        ("EMAIL_HOST", json!("127.0.0.1")),
        ("EMAIL_PORT", json!(port)),
        ("EMAIL_HOST_USER", json!("")),
        ("EMAIL_HOST_PASSWORD", json!("")),
        ("EMAIL_USE_TLS", json!(false)),
        ("EMAIL_USE_SSL", json!(false)),
    ]
}
