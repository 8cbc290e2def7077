//! `config`: prints the effective configuration with the origin of each value.

use portcullis_core::config::{any_variable, to_toml_with_origins};
use portcullis_core::threshold::Labels;

use super::{flags, worker};
use crate::args::ConfigurationArgs;
use crate::{console, planning};

/// Prints the configuration that a run with these flags would use; returns the exit code.
pub fn run(args: &ConfigurationArgs) -> u8 {
    worker::caught(|| show(args))
}

fn show(args: &ConfigurationArgs) -> u8 {
    let (given, profile) = (args.config.as_deref(), args.profile.as_deref());
    let flags = flags::of_configuration(args);
    // Values from the environment are not shown, so they need not be set.
    match planning::configuration(given, profile, &flags, Labels::OfTasks, &any_variable) {
        Ok((file, loaded)) => {
            let shown = planning::shown(&file);
            console::print_plain(&to_toml_with_origins(&loaded, &shown, profile));
            0
        }
        Err(problems) => console::refuse(&problems),
    }
}
