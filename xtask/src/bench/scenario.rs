//! The ten bundled tasks for another server, with other users and waits: as a
//! configuration of Portcullis, and as JSON for the scripts of k6 and Locust, so that
//! all three use the same tasks.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use toml_edit::{DocumentMut, Item};

use crate::tools;

/// The working folder of a client, and its target.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The folder for its files.
    pub folder: &'a Path,
    /// The server's port.
    pub port: u16,
}

impl Place<'_> {
    /// The server's URL without a path.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The configuration: login, ten tasks with their checks, and thresholds.
    ///
    /// # Errors
    /// The bundled file cannot be read.
    pub fn configuration(&self, users: u32, rate: u32, wait: &str, seconds: u64) -> Result<String> {
        let bundled = bundled()?;
        let cut = |from: &str, to: &str| {
            let start = bundled.find(from).with_context(|| format!("perf.toml has no {from:?}"))?;
            let end = bundled[start..].find(to).map_or(bundled.len(), |end| start + end);
            anyhow::Ok(bundled[start..end].to_owned())
        };
        let tasks = cut("[[scenario.task]]", "# Profiles")?;
        let login =
            cut("[scenario.login]", "# Ten tasks")?.replace("shared = false", "shared = true");
        Ok(format!(
            "[server]\nhealth = \"/\"\n[load]\nhost = {:?}\nusers = {users}\n\
             spawn_rate = \"{rate}/s\"\nduration = \"{seconds}s\"\n\
             [scenario]\nwait = {wait}\n{login}\n{tasks}",
            self.base()
        ))
    }

    /// A file with the login and the tasks as JSON.
    ///
    /// # Errors
    /// The bundled file cannot be read, or the new one not written.
    pub fn tasks(&self) -> Result<PathBuf> {
        let file = self.folder.join("scenario.json");
        std::fs::write(&file, as_json(&bundled()?)?.to_string())?;
        Ok(file)
    }
}

fn bundled() -> Result<String> {
    std::fs::read_to_string(tools::root().join("perf.toml")).context("reading perf.toml")
}

fn as_json(toml: &str) -> Result<Value> {
    let document: DocumentMut = toml.parse()?;
    let scenario = document.get("scenario").context("perf.toml has no scenario")?;
    let login = scenario.get("login").context("perf.toml has no login")?;
    let tasks = scenario.get("task").and_then(Item::as_array_of_tables);
    let tasks = tasks.context("perf.toml has no tasks")?;
    let tasks: Option<Vec<Value>> = tasks.iter().map(task).collect();
    let credentials = login.get("json").and_then(Item::as_inline_table);
    let credentials = credentials.context("perf.toml's login has no json")?.iter();
    let credentials: serde_json::Map<String, Value> =
        credentials.map(|(key, value)| (key.to_owned(), value.as_str().into())).collect();
    Ok(json!({
        "login": {
            "path": login.get("path").and_then(Item::as_str),
            "token": login.get("token").and_then(Item::as_str),
            "json": credentials,
        },
        "tasks": tasks.context("a task of perf.toml cannot be translated for k6 and Locust")?,
    }))
}

/// A task as JSON, with every path that its values can make; `None` if it uses something
/// that the scripts of k6 and Locust do not know.
fn task(table: &toml_edit::Table) -> Option<Value> {
    let mut paths = vec![table.get("path")?.as_str()?.to_owned()];
    for (name, range) in inline(table, "values") {
        let range = range.as_inline_table()?;
        let (from, to) = (range.get("from")?.as_integer()?, range.get("to")?.as_integer()?);
        let path = paths.pop()?;
        let drawn = |value: i64| path.replace(&format!("{{{{ {name} }}}}"), &value.to_string());
        paths = (from..=to).map(drawn).collect();
    }
    let query: Option<Vec<String>> = inline(table, "query")
        .map(|(key, value)| {
            let value = value.as_str()?;
            let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
            is_plain.then(|| format!("{key}={value}"))
        })
        .collect();
    let query = query?.join("&");
    if !query.is_empty() {
        paths.iter_mut().for_each(|path| *path = format!("{path}?{query}"));
    }
    let check = table.get("check").and_then(Item::as_inline_table);
    let array = check.and_then(|check| check.get("json")?.as_str());
    let min_items = check.and_then(|check| check.get("min_items")?.as_integer());
    Some(json!({
        "name": table.get("name")?.as_str()?,
        "weight": table.get("weight")?.as_integer()?,
        "paths": paths,
        "array": array,
        "min_items": min_items,
    }))
}

fn inline<'a>(
    table: &'a toml_edit::Table,
    key: &str,
) -> impl Iterator<Item = (&'a str, &'a toml_edit::Value)> {
    table.get(key).and_then(Item::as_inline_table).into_iter().flat_map(|inline| inline.iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peers_get_the_bundled_ten_tasks() {
        let scenario = as_json(&bundled().unwrap()).unwrap();
        let tasks = scenario["tasks"].as_array().unwrap();
        let weights: i64 = tasks.iter().filter_map(|task| task["weight"].as_i64()).sum();
        assert_eq!((tasks.len(), weights), (10, 29));
        assert_eq!(tasks[1]["paths"].as_array().map(Vec::len), Some(10));
        assert_eq!(tasks[1]["paths"][9], "/api/v1/claims/10/");
        assert_eq!(tasks[2]["paths"][0], "/api/v1/claims/?payer=test");
        assert_eq!(tasks[2]["array"], "results");
        assert_eq!(tasks[7]["array"], Value::Null);
        assert_eq!(scenario["login"]["json"]["username"], "user_a");
        assert_eq!(scenario["login"]["token"], "access");
    }

    #[test]
    fn a_task_that_the_scripts_do_not_know_is_refused() {
        let text = "[scenario.login]\njson = {}\n[[scenario.task]]\nname = \"a\"\nweight = 1\n\
                    path = \"/\"\nquery = { q = \"a b\" }\n";
        assert!(as_json(text).is_err());
    }
}
