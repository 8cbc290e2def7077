//! All measurements of the load engine, in one run on one machine. All files are in one
//! folder, which is removed at the end.

use std::path::Path;

use anyhow::Result;

use super::clients::{self, Peers};
use super::scenario::Place;
use super::{Figure, clock, cost, many_users, merging, nginx, stall};

/// Measures everything.
///
/// # Errors
/// A tool is missing, or a round failed.
pub fn measure(quick: bool) -> Result<Vec<Figure>> {
    let peers = clients::install_peers();
    let folder = std::env::temp_dir().join(format!("portcullis-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = measure_in(&folder, &peers, quick);
    std::fs::remove_dir_all(&folder)?;
    result
}

fn measure_in(folder: &Path, peers: &Peers, quick: bool) -> Result<Vec<Figure>> {
    let nginx = nginx::start(folder)?;
    let place = Place { folder, port: nginx.port };
    let mut figures = cost::measure(place, peers, quick)?;
    figures.extend(many_users::measure(place, quick)?);
    drop(nginx);
    figures.extend(clock::measure(folder, peers, quick)?);
    figures.extend(stall::measure(folder, peers, quick)?);
    figures.extend(merging::measure());
    Ok(figures)
}
