//! The whole job from the user's command line, against the real fixture, real
//! servers and real processes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests start what the product would")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tests say what they skip")]

mod action;
mod against;
mod attach;
mod baseline;
mod caches;
mod configuration;
mod configured;
mod docs;
mod doctor;
mod engine;
mod environments;
mod faults;
mod github;
mod green;
mod harness;
mod history;
mod impostor;
mod init;
mod init_projects;
mod interrupts;
mod isolation;
mod locust;
mod made;
mod not_django;
mod oldest_django;
mod postgresql;
mod postgresql_server;
mod preparation;
mod samples;
mod scenario;
mod services;
mod terminal;
mod tmux;
mod tmux_run;
