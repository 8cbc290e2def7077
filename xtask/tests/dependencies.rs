//! What the product is made of, held by `deny.toml`: licences, banned crates, sources, no
//! crate twice. The advisories are cargo-deny's, in `.github/workflows/ci.yml`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "cargo is asked")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use toml_edit::{DocumentMut, Item};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn toml(name: &str) -> DocumentMut {
    std::fs::read_to_string(root().join(name)).unwrap().parse().unwrap()
}

/// The texts of an array, or of one key of the tables in it.
fn texts(array: &Item, key: Option<&str>) -> Vec<String> {
    let of = |value: &toml_edit::Value| {
        let text = match key {
            None => value.as_str(),
            Some(key) => value.as_inline_table().unwrap().get(key).unwrap().as_str(),
        };
        text.unwrap().to_owned()
    };
    array.as_array().unwrap().iter().map(of).collect()
}

/// The crates that are built for some target or test, and who uses whom.
struct Graph {
    /// Their records in `cargo metadata`, by id.
    packages: BTreeMap<String, Value>,
    /// Users and what they use, by id.
    edges: Vec<(String, String)>,
}

impl Graph {
    /// As cargo tells it; what is built on other systems only it may have to fetch first.
    fn read() -> Self {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["metadata", "--locked", "--format-version", "1"]).current_dir(root());
        let output = cargo.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self::of(&serde_json::from_slice(&output.stdout).unwrap())
    }

    /// From the members on; cargo also tells of crates that no chosen feature asks for.
    fn of(metadata: &Value) -> Self {
        let by_id = |list: &Value| -> BTreeMap<String, Value> {
            let list = list.as_array().unwrap().iter();
            list.map(|one| (text(&one["id"]), one.clone())).collect()
        };
        let all = by_id(&metadata["packages"]);
        let nodes = by_id(&metadata["resolve"]["nodes"]);
        let members: BTreeSet<String> = list(&metadata["workspace_members"]).map(text).collect();
        let mut graph = Self { packages: BTreeMap::new(), edges: Vec::new() };
        let mut todo: Vec<String> = members.iter().cloned().collect();
        while let Some(id) = todo.pop() {
            if graph.packages.insert(id.clone(), all[&id].clone()).is_some() {
                continue;
            }
            for dep in list(&nodes[&id]["deps"]).map(|dep| text(&dep["pkg"])) {
                if asks_for(&all[&id], &nodes[&id], &all[&dep], members.contains(&id)) {
                    graph.edges.push((id.clone(), dep.clone()));
                    todo.push(dep);
                }
            }
        }
        graph
    }

    fn name(&self, id: &str) -> String {
        text(&self.packages[id]["name"])
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Whether a crate as it is built asks for another one.
fn asks_for(user: &Value, node: &Value, used: &Value, is_member: bool) -> bool {
    let chosen: Vec<String> = list(&node["features"]).map(text).collect();
    let of_crate = |declared: &&Value| declared["name"] == used["name"];
    list(&user["dependencies"]).filter(of_crate).any(|declared| {
        if declared["kind"] == "dev" && !is_member {
            return false;
        }
        let name =
            text(if declared["rename"].is_null() { &used["name"] } else { &declared["rename"] });
        let enables = |feature: &String| {
            let items = list(&user["features"][feature.as_str()]).map(text);
            let asked = [name.clone(), format!("dep:{name}")];
            let inside = format!("{name}/");
            items.into_iter().any(|item| asked.contains(&item) || item.starts_with(&inside))
        };
        declared["optional"] != true || chosen.iter().any(enables)
    })
}

/// Whether a licence expression can be met with the allowed ones; which are used is noted.
fn is_met(expression: &str, allowed: &[String], used: &mut BTreeSet<String>) -> bool {
    // The old way to write a choice.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let met = any(&words, &mut at, allowed, used);
    assert_eq!(at, words.len(), "{expression:?} is not understood");
    met
}

fn any(words: &[&str], at: &mut usize, allowed: &[String], used: &mut BTreeSet<String>) -> bool {
    let mut met = every(words, at, allowed, used);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= every(words, at, allowed, used);
    }
    met
}

fn every(words: &[&str], at: &mut usize, allowed: &[String], used: &mut BTreeSet<String>) -> bool {
    let mut met = one(words, at, allowed, used);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, allowed, used);
    }
    met
}

fn one(words: &[&str], at: &mut usize, allowed: &[String], used: &mut BTreeSet<String>) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let met = any(words, at, allowed, used);
        *at += 1;
        return met;
    }
    let mut licence = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        licence = format!("{licence} WITH {}", words.get(*at + 1).unwrap_or(&""));
        *at += 2;
    }
    let met = allowed.contains(&licence);
    if met {
        used.insert(licence);
    }
    met
}

#[test]
fn licences_are_allowed_and_no_other_is() {
    let deny = toml("deny.toml");
    let allowed = texts(&deny["licenses"]["allow"], None);
    let mut used = BTreeSet::new();
    for package in Graph::read().packages.values() {
        let (name, licence) = (text(&package["name"]), text(&package["license"]));
        assert!(is_met(&licence, &allowed, &mut used), "{name} is under {licence:?}");
    }
    let spare: Vec<_> = allowed.iter().filter(|licence| !used.contains(*licence)).collect();
    assert!(spare.is_empty(), "nobody needs {spare:?} in deny.toml");
}

#[test]
fn expressions_of_licences_are_understood() {
    let allowed = ["MIT", "ISC", "Apache-2.0"].map(str::to_owned);
    let met = |expression: &str| is_met(expression, &allowed, &mut BTreeSet::new());
    for yes in ["MIT", "GPL-3.0 OR MIT", "Unlicense/MIT", "(MIT OR X) AND ISC", "X AND Y OR MIT"] {
        assert!(met(yes), "{yes}");
    }
    for no in ["", "GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0 WITH X", "(X OR Y) AND MIT"] {
        assert!(!met(no), "{no}");
    }
}

#[test]
fn what_no_feature_asks_for_is_not_in_the_graph() {
    let user = |features: Value| {
        let optional = |name: &str| json!({ "name": name, "optional": true, "kind": null });
        json!({
            "packages": [
                {
                    "id": "a",
                    "name": "a",
                    "features": { "x": ["b"], "y": ["c?/z"], "z": ["dep:d"] },
                    "dependencies": [
                        optional("b"), optional("c"), optional("d"),
                        { "name": "e", "optional": false, "kind": "dev" },
                    ],
                },
                { "id": "b", "name": "b" }, { "id": "c", "name": "c" },
                { "id": "d", "name": "d" },
                { "id": "e", "name": "e", "dependencies": [
                    { "name": "f", "optional": false, "kind": "dev" },
                ] },
                { "id": "f", "name": "f" },
            ],
            "workspace_members": ["a"],
            "resolve": { "nodes": [
                { "id": "a", "features": features, "deps":
                    [{ "pkg": "b" }, { "pkg": "c" }, { "pkg": "d" }, { "pkg": "e" }] },
                { "id": "b" }, { "id": "c" }, { "id": "d" },
                { "id": "e", "deps": [{ "pkg": "f" }] }, { "id": "f" },
            ] },
        })
    };
    let crates = |features| Graph::of(&user(features)).packages.into_keys().collect::<Vec<_>>();
    assert_eq!(crates(json!([])), ["a", "e"]);
    assert_eq!(crates(json!(["x", "y"])), ["a", "b", "e"], "`c?` asks for nothing");
    assert_eq!(crates(json!(["z"])), ["a", "d", "e"]);
}

#[test]
fn banned_crates_are_used_by_nobody_but_their_wrappers() {
    let graph = Graph::read();
    let deny = toml("deny.toml");
    for ban in deny["bans"]["deny"].as_array().unwrap() {
        let ban = ban.as_inline_table().unwrap();
        let banned = ban.get("crate").unwrap().as_str().unwrap();
        let wrappers = ban.get("wrappers").and_then(|list| list.as_array());
        let may = |user: &String| wrappers.into_iter().flatten().any(|w| w.as_str() == Some(user));
        let used = graph.edges.iter().filter(|(_, used)| graph.name(used) == banned);
        let users = used.map(|(user, _)| graph.name(user));
        let wrong: BTreeSet<String> = users.filter(|user| !may(user)).collect();
        let why = ban.get("reason").and_then(toml_edit::Value::as_str).unwrap_or_default();
        assert!(wrong.is_empty(), "{wrong:?} may not use {banned}: {why}");
    }
}

#[test]
fn every_crate_is_there_once_and_of_crates_io() {
    let graph = Graph::read();
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in graph.packages.values() {
        let (name, source) = (text(&package["name"]), text(&package["source"]));
        let is_ours = package["source"].is_null();
        let is_known = source.starts_with("registry+") && source.ends_with("/crates.io-index");
        assert!(is_ours || is_known, "{name} is from {source}");
        versions.entry(name).or_default().push(text(&package["version"]));
    }
    let skipped = texts(&toml("deny.toml")["bans"]["skip"], Some("crate"));
    let mut unused: BTreeSet<String> = skipped.iter().cloned().collect();
    for (name, versions) in versions.iter().filter(|(_, versions)| versions.len() > 1) {
        let named = |version: &&String| unused.remove(&format!("{name}@{version}"));
        let skipped = versions.iter().filter(named).count();
        assert!(skipped + 1 >= versions.len(), "{name} is there more than once: {versions:?}");
    }
    assert!(unused.is_empty(), "deny.toml skips a crate that has one version: {unused:?}");
}

/// The fuzzer is a workspace of its own: what it fuzzes is built of the same versions.
#[test]
fn the_lock_file_of_the_fuzzer_is_in_step() {
    let packages = |name: &str| -> BTreeSet<(String, String)> {
        let lock = toml(name);
        let tables = lock["package"].as_array_of_tables().unwrap().iter();
        let of = |table: &toml_edit::Table, key: &str| table[key].as_str().unwrap().to_owned();
        tables.map(|table| (of(table, "name"), of(table, "version"))).collect()
    };
    let (ours, fuzzers) = (packages("Cargo.lock"), packages("fuzz/Cargo.lock"));
    let names: BTreeSet<&String> = ours.iter().map(|(name, _)| name).collect();
    let drifted: Vec<_> = fuzzers
        .difference(&ours)
        .filter(|(name, _)| names.contains(name))
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    assert!(
        drifted.is_empty(),
        "fuzz/Cargo.lock has other versions than Cargo.lock: {drifted:?}; in fuzz/, run cargo \
         update -p NAME --precise VERSION"
    );
}
