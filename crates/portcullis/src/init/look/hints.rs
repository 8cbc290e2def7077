//! What else is in the folder: commands and files that fill a database, services, factories,
//! earlier load tests.

use super::load_files::{Request, requests};
use crate::init::folder::Folder;

/// Things that help, or that a run does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Management commands that fill a database, the best first.
    pub commands: Vec<String>,
    /// Paths of fixtures.
    pub fixtures: Vec<String>,
    /// Files with factories.
    pub factories: Vec<String>,
    /// Images of services in compose files and workflows.
    pub services: Vec<String>,
    /// Files of Locust and k6.
    pub load_files: Vec<String>,
    /// Requests without a body in those files.
    pub requests: Vec<Request>,
}

/// How names of commands that fill a database begin, the best first.
const SEEDS: [&str; 7] = ["seed", "populate", "generate", "load", "demo", "create_", "fake"];

/// Everything that is seen.
pub fn hints(folder: &Folder) -> Hints {
    let mut seen = Hints::default();
    for path in &folder.files {
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = name.strip_suffix(".py");
        if let Some(stem) = stem
            && path.contains("management/commands/")
            && SEEDS.iter().any(|start| stem.starts_with(start))
        {
            seen.commands.push(stem.to_owned());
        }
        let is_fixture = path.contains("fixtures/") && !path.contains("tests/");
        if is_fixture && name.ends_with(".json") {
            seen.fixtures.push(path.clone());
        }
        if name == "factories.py" || path.contains("/factories/") && stem.is_some() {
            seen.factories.push(path.clone());
        }
        if is_load_file(path) {
            seen.load_files.push(path.clone());
            seen.requests.extend(folder.text(path).map(requests).unwrap_or_default());
        }
        let is_list = name.contains("compose") || path.starts_with(".github/workflows/");
        if let Some(text) = folder.text(path).filter(|_| is_list) {
            seen.services.extend(text.lines().filter_map(image));
        }
    }
    let rank = |command: &String| SEEDS.iter().position(|start| command.starts_with(start));
    seen.commands.sort_by_key(|command| (rank(command), command.clone()));
    seen.services.sort_unstable();
    seen.services.dedup();
    seen.requests.dedup();
    seen
}

/// Whether a path is that of a file of Locust or k6.
pub fn is_load_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_k6 = name.contains("k6") || path.split('/').any(|part| part == "k6");
    name.contains("locust") && name.ends_with(".py") || is_k6 && name.ends_with(".js")
}

/// A service in an `image:` line.
fn image(line: &str) -> Option<String> {
    let image = line.trim().trim_start_matches("- ").strip_prefix("image:")?;
    let image = image.trim().trim_matches(['"', '\'']);
    let known = [
        "postgres",
        "postgis",
        "mysql",
        "mariadb",
        "redis",
        "valkey",
        "rabbitmq",
        "elasticsearch",
        "opensearch",
        "memcached",
        "minio",
        "mongo",
    ];
    known.iter().any(|name| image.contains(name)).then(|| image.to_owned())
}
