//! `[scenario.login]`: the login that opened routes when it was tried, else why none did.

use super::{comment, quoted, table};
use crate::init::probe::{Login, Seen, SessionLogin, TokenLogin};

/// The section; comments if no login was found, empty if none is needed.
pub fn login(seen: &Seen) -> String {
    match &seen.login {
        Some(Login::Token(login)) => token(login),
        Some(Login::Session(login)) => session(login),
        Some(Login::Static { authorization }) => format!(
            "\n# A key that the seed makes.\n\
             [scenario.login]\ntype = \"static\"\nauthorization = {}\n",
            quoted(authorization)
        ),
        Some(Login::Basic { fields }) => {
            let fields: String = fields
                .iter()
                .map(|(name, value)| format!("{name} = {}\n", quoted(value)))
                .collect();
            format!(
                "\n# The password is hashed for every request, which is a part of what is measured.\n\
                 [scenario.login]\ntype = \"basic\"\n{fields}"
            )
        }
        None => failed(seen),
    }
}

fn token(login: &TokenLogin) -> String {
    let text =
        |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => quoted(text),
            serde_json::Value::Object(fields) => table(fields.iter().map(|(name, value)| {
                (name.clone(), value.as_str().unwrap_or_default().to_owned())
            })),
            other => other.to_string(),
        };
    let pairs: Vec<String> =
        login.fields.iter().map(|(name, value)| format!("{name} = {}", text(value))).collect();
    let key = if login.body == "form" { "form" } else { "json" };
    let accept =
        if login.status == 200 { String::new() } else { format!("accept = [{}]\n", login.status) };
    format!(
        "\n# Each user logs in when it starts; `shared = true` logs in once for all.\n\
         [scenario.login]\npath = {}\n{key} = {{ {} }}\n{accept}token = {}\nauthorization = {}\n",
        quoted(&login.path),
        pairs.join(", "),
        quoted(&login.token),
        quoted(&format!("{} {{{{ token }}}}", login.prefix)),
    )
}

fn session(login: &SessionLogin) -> String {
    let page = match login.page == login.path {
        true => String::new(),
        false => format!("page = {}\n", quoted(&login.page)),
    };
    let csrf = match login.csrf_cookie.as_str() {
        "csrftoken" => String::new(),
        other => format!("csrf_cookie = {}\n", quoted(other)),
    };
    format!(
        "\n# Each user sends the form of the login page when it starts, and keeps its session;\n\
         # `shared = true` logs in once for all.\n\
         [scenario.login]\ntype = \"session\"\npath = {}\n{page}form = {}\n\
         headers = {{ Accept = \"text/html\" }}\ncookie = {}\n{csrf}",
        quoted(&login.path),
        table(login.fields.clone()),
        quoted(&login.cookie),
    )
}

/// Comments: which logins were tried, and why they are no login.
fn failed(seen: &Seen) -> String {
    if seen.failed_logins.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\n# No login that was tried opened a route, so only routes without one are asked. To ask\n\
         # the others, add [scenario.login]: docs/reference/scenario.md. Tried:\n",
    );
    for one in &seen.failed_logins {
        text.push_str(&format!("# {}: {}\n", comment(&one.path), comment(&one.why)));
    }
    text
}
