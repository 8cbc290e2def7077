//! What else is in the folder: commands and files that fill a database, services, factories,
//! earlier load tests.

use crate::init::folder::Folder;

/// Things that help, or that a run does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Management commands that fill a database, the best first.
    pub commands: Vec<String>,
    /// Names of fixtures.
    pub fixtures: Vec<String>,
    /// Files with factories.
    pub factories: Vec<String>,
    /// Images of services in compose files and workflows.
    pub services: Vec<String>,
    /// Files of Locust and k6.
    pub load_files: Vec<String>,
}

/// How names of commands that fill a database begin, the best first.
const SEEDS: [&str; 8] =
    ["seed", "populate", "generate", "load_", "loaddemo", "demo", "create_", "fake"];

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
            seen.fixtures.push(name.to_owned());
        }
        if name == "factories.py" || path.contains("/factories/") && stem.is_some() {
            seen.factories.push(path.clone());
        }
        let is_k6 = name.contains("k6") || path.split('/').any(|part| part == "k6");
        if name.starts_with("locustfile") && stem.is_some() || is_k6 && name.ends_with(".js") {
            seen.load_files.push(path.clone());
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
    seen
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
