//! Seed: runs the seeds in order, and proves that its user exists.

use std::time::Duration;

use portcullis_core::judge::Finding;

use super::database_server::DatabaseServer;
use super::migrate::{self, Database};
use super::templates::{self, Level};
use super::{Command, Project, seeds};
use crate::run::{StageFailure, StageOutput, Version};

const MARK: &str = "PORTCULLIS-USER-";

/// Fills the database, proves the user, and keeps the template. Returns the database's
/// server, if it has one.
///
/// # Errors
/// A seed failed or took too long, or the user does not exist.
pub fn seed(
    version: Version<'_>,
    project: &Project,
    mut database: Database,
) -> Result<StageOutput<Option<DatabaseServer>>, StageFailure> {
    if database.is_seeded {
        return Ok(StageOutput { value: database.server, cached: true, detail: String::new() });
    }
    let plan = version.plan;
    for seed in &plan.seeds {
        seeds::run(version, project, seed, database.server.as_ref())?;
    }
    if let Some(user) = &plan.django.seed_user {
        prove_user(version, project, user)?;
    }
    let user = plan.django.seed_user.as_deref();
    let mut detail = user.map_or(String::new(), |user| format!("{user} exists"));
    if plan.seeds.len() > 1 {
        let separator = if detail.is_empty() { "" } else { "; " };
        detail = format!("{} seeds{separator}{detail}", plan.seeds.len());
    }
    if let Some(server) = &mut database.server {
        server.analyze(version, project)?;
    }
    if let Some(entry) = &database.entry {
        migrate::checkpoint(version, project)?;
        let kept =
            templates::keep(version, project, Level::Seeded, entry, database.server.as_mut())?;
        if let Some(why) = kept {
            version.context.warn(format!("the seeded database is not cached: {why}"));
            let separator = if detail.is_empty() { "" } else { "; " };
            detail.push_str(&format!("{separator}not cached: {why}"));
        }
    }
    if let Some(server) = &mut database.server {
        server.resume(version, project)?;
    }
    Ok(StageOutput::new(database.server, detail))
}

/// Checks that the user exists. A script that exits with 0 may have done nothing: in
/// Django's shell `__name__` is not `__main__`, so a main guard skips everything.
fn prove_user(version: Version<'_>, project: &Project, user: &str) -> Result<(), StageFailure> {
    const LOG: &str = "prove-user";
    let script = format!(
        "import json as _json\n\
         from django.contrib.auth import get_user_model as _model\n\
         _field = _model().USERNAME_FIELD\n\
         _all = _model()._base_manager.order_by(\"pk\")\n\
         _found = _all.filter(**{{_field: {}}}).exists()\n\
         _names = [str(_name) for _name in _all.values_list(_field, flat=True)[:6]]\n\
         print(\"{MARK}\" + \"FIELD \" + _json.dumps([_field, _names]))\n\
         print(\"{MARK}\" + (\"PRESENT\" if _found else \"ABSENT\"))\n",
        python_literal(user)
    );
    let path = version.folder.script("prove_user.py");
    std::fs::write(&path, script)
        .map_err(|error| StageFailure::disk("a script of our own", &error))?;
    project
        .manage(version, Command::shell(path, LOG, Duration::from_secs(60)))
        .map_err(|error| StageFailure::preparation(error, "looking for the seeded user", LOG))?;
    let output = std::fs::read(version.folder.log(LOG)).unwrap_or_default();
    let output = String::from_utf8_lossy(&output);
    if is_present(&output) {
        return Ok(());
    }
    let told = absent(&output, user);
    let advice = match told.contains("; there are \"") {
        true => "let the seed create this user, or set django.seed_user to one of those",
        false => {
            "the script runs inside Django's shell, where __name__ is not \"__main__\": call its \
             functions without a main guard"
        }
    };
    let message = format!("the seed succeeded, but the database has {told}");
    Err(StageFailure::new(Finding::preparation(message)).with_log("seed").with_advice(advice))
}

/// Whether the proof says that the user exists. The mark is put together when it is printed,
/// so that a shell that echoes its input is no proof. An interactive shell writes its prompt
/// before it.
fn is_present(output: &str) -> bool {
    let present = format!("{MARK}PRESENT");
    let prompts = [">>> ", "... "];
    let shown = |line: &str| {
        let mut line = line.trim();
        while let Some(rest) = prompts.iter().find_map(|prompt| line.strip_prefix(prompt)) {
            line = rest.trim_start();
        }
        line == present
    };
    output.lines().any(shown)
}

/// By which field the user was searched, and which users there are.
fn absent(output: &str, user: &str) -> String {
    let mark = format!("{MARK}FIELD ");
    let told = output.lines().find_map(|line| line.split_once(&mark)).map(|(_, json)| json.trim());
    let told = told.and_then(|json| serde_json::from_str::<(String, Vec<String>)>(json).ok());
    let Some((field, mut names)) = told else { return format!("no user \"{user}\"") };
    let is_more = names.len() > SHOWN_USERS;
    names.truncate(SHOWN_USERS);
    let mut names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    names.extend(is_more.then(|| "…".to_owned()));
    let there = match names.is_empty() {
        true => "there are no users".to_owned(),
        false => format!("there are {}", names.join(", ")),
    };
    format!("no user with {field} = \"{user}\"; {there}")
}

/// The number of users that a message names.
const SHOWN_USERS: usize = 5;

/// A text as a Python string literal of ASCII characters.
pub(super) fn python_literal(text: &str) -> String {
    let escaped: String = text.chars().map(escape).collect();
    format!("\"{escaped}\"")
}

fn escape(c: char) -> String {
    match c {
        '"' | '\\' => format!("\\{c}"),
        ' '..='~' => c.to_string(),
        _ => format!("\\U{:08x}", u32::from(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_before_the_mark_is_no_obstacle_and_an_echo_no_proof() {
        for present in
            ["x\nPORTCULLIS-USER-PRESENT\n", ">>> >>> ... PORTCULLIS-USER-PRESENT\r\n>>> \n"]
        {
            assert!(is_present(present), "{present}");
        }
        for absent in [
            ">>> PORTCULLIS-USER-ABSENT",
            ">>> print(\"PORTCULLIS-USER-\" + (\"PRESENT\" if _found else \"ABSENT\"))",
            "said PORTCULLIS-USER-PRESENT",
        ] {
            assert!(!is_present(absent), "{absent}");
        }
    }

    #[test]
    fn a_missing_user_is_told_with_its_field_and_the_others() {
        let output =
            ">>> PORTCULLIS-USER-FIELD [\"email\", [\"a@b.c\", \"d\"]]\nPORTCULLIS-USER-ABSENT";
        let expected = "no user with email = \"x\"; there are \"a@b.c\", \"d\"";
        assert_eq!(absent(output, "x"), expected);
        let none = "PORTCULLIS-USER-FIELD [\"username\", []]";
        assert_eq!(absent(none, "x"), "no user with username = \"x\"; there are no users");
        assert_eq!(absent("", "x"), "no user \"x\"");
    }

    #[test]
    fn literals_are_inert() {
        assert_eq!(python_literal("a\"b\\c\né"), r#""a\"b\\c\U0000000a\U000000e9""#);
    }
}
