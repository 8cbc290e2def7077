//! The seed: Python for the project's shell, with what worked and, as comments, what did
//! not.

use super::comment;
use crate::init::probe::{NUMBER, PASSWORD, ROWS, Seen, USER};

/// The text of the seed; `None` if the project can have no user and no rows.
pub fn seed(seen: &Seen) -> Option<String> {
    seen.user.as_ref()?;
    let mut text = String::from(
        "\"\"\"Fills the throwaway database of a run. Written by `portcullis init`; edit it freely.\n\n\
         It is the input of `manage.py shell`. What has a comment instead of a call failed when it\n\
         was tried. `random` values are not used, so that every run has the same rows.\n\"\"\"\n\n",
    );
    text.push_str(ROWS);
    text.push_str("\n\n");
    if seen.seed.iter().any(|part| ["command", "fixture"].contains(&part.kind.as_str())) {
        text.push_str("from django.core.management import call_command\n\n");
    }
    text.push_str(&format!("_user = user_named(\"{USER}\", \"{PASSWORD}\")\n"));
    for part in &seen.seed {
        let name = &part.name;
        let call = match part.kind.as_str() {
            "command" => format!("call_command(\"{name}\", verbosity=0)"),
            "fixture" => format!("call_command(\"loaddata\", \"{name}\", verbosity=0)"),
            "factory" => match name.rsplit_once('.') {
                Some((module, class)) => {
                    format!("factory_rows(\"{module}\", \"{class}\", {NUMBER})")
                }
                None => continue,
            },
            "factories" => format!("factories(\"{name}\")"),
            "token" => format!("token_of(_user, \"{name}\")"),
            "api_key" => format!("api_key(\"{name}\")"),
            "oauth" => format!("oauth_client(\"{name}\", _user)"),
            "rows" => format!("rows(\"{name}\", {NUMBER}, _user)"),
            _ => continue,
        };
        match &part.error {
            None => text.push_str(&format!("{call}\n")),
            Some(error) => text.push_str(&format!("# {call}  # {}\n", comment(error))),
        }
    }
    Some(text)
}
