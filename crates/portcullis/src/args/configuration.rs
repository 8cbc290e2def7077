//! Flags that choose a configuration and override its values, shared by all commands that
//! read one.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

/// The configuration, its profile, and values that override it.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigurationArgs {
    /// Which flags came from the environment. The first field, because the others take their
    /// values out of the matches.
    #[command(flatten)]
    pub from_environment: FromEnvironment,
    /// Set the number of virtual users
    #[arg(short = 'u', long, value_name = "N")]
    pub users: Option<i64>,
    /// Start this many users per second, such as 1 or 2/s
    #[arg(short = 'r', long, value_name = "N")]
    pub spawn_rate: Option<String>,
    /// Run the load this long, such as 30s or 2m
    #[arg(short = 't', long, value_name = "TIME")]
    pub run_time: Option<String>,
    /// Extend the load for thresholds in doubt at most to this, such as 2m or 4x
    #[arg(long, value_name = "TIME")]
    pub max_duration: Option<String>,
    /// End the load once every threshold is proven or surely violated
    #[arg(long)]
    pub until_sure: bool,
    /// Measure a running server; nothing is prepared or started
    #[arg(short = 'H', long, value_name = "URL")]
    pub host: Option<String>,
    /// Allow --host to name this host, which is not this machine
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
    /// Read this configuration [default: perf.toml, here or in a folder above]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Apply profile NAME of the configuration
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Set any key of the configuration, such as load.users=20; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Add a rule that fails the run, such as 'p95(list) < 500ms'; repeatable
    #[arg(long, value_name = "RULE")]
    pub fail: Vec<String>,
    /// Add a rule that only gives a warning; repeatable
    #[arg(long, value_name = "RULE")]
    pub warn: Vec<String>,
    /// Repeat the tasks, values and waits of an earlier run with this seed
    #[arg(long, value_name = "N")]
    pub seed: Option<i64>,
    /// Set the server's port; a number fails if the port is taken
    #[arg(long, value_name = "N|auto")]
    pub port: Option<String>,
}

/// The names of flags whose values came from the environment.
#[derive(Clone, Debug, Default)]
pub struct FromEnvironment(pub Vec<String>);

impl FromEnvironment {
    /// Whether the value of a flag, such as `--users`, came from the environment.
    pub fn has(&self, flag: &str) -> bool {
        self.0.iter().any(|name| flag.trim_start_matches('-') == name.replace('_', "-"))
    }
}

impl Args for FromEnvironment {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}

impl FromArgMatches for FromEnvironment {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_variable =
            |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::EnvVariable);
        Ok(Self(matches.ids().filter(is_variable).map(|id| id.as_str().to_owned()).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
