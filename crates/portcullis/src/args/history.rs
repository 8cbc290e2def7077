//! The flags of `history`.

use std::path::PathBuf;

use clap::Args;

/// Flags of `history`.
#[derive(Clone, Debug, Default, Args)]
#[command(
    after_help = "Exit codes:\n    0  the page is written\n    2  no history is configured, or it cannot be read, or \
                  the page cannot be written"
)]
pub struct HistoryArgs {
    /// History of runs [default: history.file of perf.toml]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Read this configuration [default: perf.toml, here or in a folder above]
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub config: Option<PathBuf>,
    /// Show only runs of this branch
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
    /// Show runs of other machines and configurations too
    #[arg(long)]
    pub all: bool,
    /// Write the page to this file [default: perf_history.html in the folder of artifacts]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
