//! Flags of `doctor`.

use clap::{Args, ValueEnum};

use super::ConfigurationArgs;

/// The format of what `doctor` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DoctorFormat {
    /// Text for people
    #[default]
    Text,
    /// One JSON document
    Json,
}

/// Flags of `doctor`.
#[derive(Clone, Debug, Default, Args)]
#[command(
    after_help = "Exit codes:\n    0  no problem; there may be warnings\n    2  a problem keeps a \
                  run from a verdict\n    130, 143  interrupted"
)]
pub struct DoctorArgs {
    /// What overrides the configuration.
    #[command(flatten)]
    pub configuration: ConfigurationArgs,
    /// Output format: text or json; for json the progress goes to stderr
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    #[arg(value_enum, hide_possible_values = true)]
    pub format: DoctorFormat,
    /// Skip the ten seconds in which the noise of this machine is measured
    #[arg(long)]
    pub no_noise: bool,
}
