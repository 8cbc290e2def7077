//! Flags of `init`.

use std::path::PathBuf;

use clap::Args;

/// Flags of `init`.
#[derive(Clone, Debug, Default, Args)]
#[command(
    after_help = "Exit codes:\n    0  the files are written, and `doctor` found no problem\n    2  \
                  there is a perf.toml, or no project, or `doctor` found problems\n    3  the \
                  project cannot be prepared; the files are written as far as they are known"
)]
pub struct InitArgs {
    /// The folder of the project, where perf.toml is written [default: the current folder]
    #[arg(value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Ask nothing, and run the project's code to look at it
    #[arg(short = 'y', long)]
    pub yes: bool,
    /// Run nothing: write what the files of the project say
    #[arg(long, conflicts_with = "yes")]
    pub look_only: bool,
    /// Use the manage.py in this folder, if there are several
    #[arg(long, value_name = "FOLDER")]
    pub project: Option<String>,
    /// Use these settings instead of those that manage.py names
    #[arg(long, value_name = "MODULE")]
    pub settings: Option<String>,
    /// Write a workflow of GitHub Actions too
    #[arg(long)]
    pub workflow: bool,
    /// Do not run `doctor` afterwards
    #[arg(long)]
    pub no_doctor: bool,
}
