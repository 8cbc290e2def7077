//! Checks what a runner of GitHub Actions reads from a run: the workflow commands in the
//! output, parsed as the runner does, and the file of outputs. All of them must come from
//! Portcullis, none from hostile text.

use anyhow::{Context, Result, bail};

use super::sandbox::{Outcome, Sandbox};

/// A parsed workflow command.
struct Command {
    name: String,
    properties: Vec<(String, String)>,
    data: String,
}

/// Checks that every command in the output is from Portcullis, that each error points at
/// the line of the configuration with its rule, and that there are at least `errors` errors.
///
/// # Errors
/// A command is not from Portcullis, or points elsewhere.
pub fn are_ours(sandbox: &Sandbox, outcome: &Outcome, errors: usize) -> Result<()> {
    let file = "project/perf.toml";
    let configuration = std::fs::read_to_string(sandbox.folder.join(file))?;
    let mut found = 0;
    for command in outcome.text.lines().filter_map(command) {
        match (command.name.as_str(), command.data.as_str()) {
            ("group", "stages") | ("endgroup", "") => continue,
            ("error", _) => found += 1,
            (name, data) => bail!("a command that is not from Portcullis: {name} {data:?}"),
        }
        let property = |name: &str| {
            let found = command.properties.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str()).with_context(|| format!("no {name}"))
        };
        if command.properties.len() != 3 || property("file")? != file {
            bail!("an error at another place: {:?}", command.properties);
        }
        let line: usize = property("line")?.parse()?;
        let written = configuration.lines().nth(line - 1).unwrap_or_default();
        // `p95(list)` is reported for each task of the group, so only the metric is compared.
        let title = property("title")?;
        let metric = title.split([' ', '(']).next().unwrap_or_default();
        if !title.ends_with(" is violated") || !written.contains(metric) {
            bail!("{title:?} points at line {line}, which is {written:?}");
        }
        if !command.data.starts_with(title.trim_end_matches(" is violated")) {
            bail!("{title:?} says {:?}", command.data);
        }
    }
    if found < errors {
        bail!("{found} errors instead of {errors} or more:\n{}", outcome.text);
    }
    Ok(())
}

/// Checks that the file of outputs has each name once, and contains these lines.
///
/// # Errors
/// Its content is different.
pub fn outputs_are_ours(sandbox: &Sandbox, expected: &[&str]) -> Result<()> {
    let text = std::fs::read_to_string(sandbox.folder.join("outputs")).context("outputs")?;
    let names: Vec<&str> = text.lines().filter_map(|line| line.split('=').next()).collect();
    if names != ["verdict", "exit_code", "p95_ms", "report"] || text.contains("<<") {
        bail!("outputs that are not from Portcullis: {text}");
    }
    for line in expected {
        if !text.lines().any(|known| known == *line) {
            bail!("no {line} among the outputs:\n{text}");
        }
    }
    Ok(())
}

/// Parses a line as the runner does (actions/runner, `ActionCommand.cs`): after spaces
/// `::name properties::data`, or `##[name properties]data` anywhere.
fn command(line: &str) -> Option<Command> {
    if let Some((_, older)) = line.split_once("##[") {
        let (name, data) = older.split_once(']')?;
        let (name, data) = (name.to_owned(), data.to_owned());
        return Some(Command { name, properties: Vec::new(), data });
    }
    let (head, data) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let pairs = properties.split(',').filter_map(|pair| pair.split_once('='));
    let pairs = pairs.map(|(name, value)| {
        let value = value.replace("%3A", ":").replace("%2C", ",");
        (name.trim().to_owned(), unescaped(&value))
    });
    Some(Command { name: name.to_owned(), properties: pairs.collect(), data: unescaped(data) })
}

/// Decodes the documented escapes; that of the per cent sign last.
fn unescaped(text: &str) -> String {
    text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_commands_where_the_runner_says_so() {
        let found = command("  ::error file=a%3Ab%2C,line=7,title=t%25::m%0An").unwrap();
        assert_eq!((found.name.as_str(), found.data.as_str()), ("error", "m\nn"));
        assert_eq!(found.properties[0], ("file".to_owned(), "a:b,".to_owned()));
        assert_eq!(found.properties[2], ("title".to_owned(), "t%".to_owned()));
        assert_eq!(command("x ##[error]y").unwrap().name, "error");
        assert!(command("    | ::error::x").is_none() && command("# #[error]").is_none());
    }
}
