//! `[scenario.login]`: how users log in.

use super::super::reader::{Problems, Reader, note, text};
use super::super::tree::Node;
use super::extracts::json;
use super::steps::{Around, Names, check_names, step};
use super::{path, template};
use crate::scenario::{
    BodyTemplate, CSRF, DataFile, EXPIRES_IN, Extract, Lifetime, Login, LoginHeader, Part, Refresh,
    RequestTemplate, SessionLogin, Source, Step, TOKEN, Template,
};
use crate::text::nearest;
use crate::units;

/// The kinds of logins; without `type` it is the first one.
const TYPES: [&str; 5] = ["token", "session", "basic", "static", "none"];

/// Decodes the section; `None` if there is no login.
pub fn login(
    node: &Node,
    path: &str,
    around: &Around<'_>,
    files: &[DataFile],
    problems: &mut Problems,
) -> Option<Login> {
    let mut section = Reader::new(node, path, problems);
    let at = section.optional("type").map_or(section.at(), |node| node.at);
    let kind = section.optional_text("type", problems).unwrap_or_else(|| TYPES[0].to_owned());
    if !TYPES.contains(&kind.as_str()) {
        let near = nearest(&kind, TYPES);
        let message = format!("{path}.type = \"{kind}\": expected {}{near}", TYPES.join(", "));
        note(problems, at, message);
    }
    let mut values = around.values.clone();
    if let Some(own) = section.optional("values") {
        let own = super::values::values(own, problems);
        values.retain(|(name, _)| !own.iter().any(|(known, _)| known == name));
        values.extend(own);
    }
    let given = around.given;
    let around = Around { values: &values, ..*around };
    let mut login = match kind.as_str() {
        "session" => session(&mut section, &around, problems),
        "basic" => basic(&mut section, problems),
        "static" => fixed(&mut section, problems),
        "none" => Login::without_request(None),
        _ => token(&mut section, &around, problems),
    };
    if !login.steps.is_empty() {
        login.shared = section.flag("shared", problems);
        login.renew = section.flag("renew", problems);
    }
    section.finish(problems);
    login.values = values;
    let names = Names {
        owner: "the login".to_owned(),
        login: &[],
        set_up: given,
        started: &[],
        earlier: &[],
        files,
    };
    let header = login.header.iter().map(|header| &header.value);
    let refresh = login.refresh.iter().map(|refresh| refresh.step.clone());
    let steps: Vec<Step> = login.steps.iter().cloned().chain(refresh).collect();
    check_names(&steps, header, &mut login.values, &names, node, problems);
    (kind != "none").then_some(login)
}

/// A request whose answer has a token.
fn token(section: &mut Reader<'_>, around: &Around<'_>, problems: &mut Problems) -> Login {
    let mut request = step(section, around, problems);
    request.compares_shape = false;
    // A login is a POST, with or without a body.
    if section.optional("method").is_none() {
        request.request.method = "POST".to_owned();
    }
    let node = section.required("token", problems);
    let title = section.path_of("token");
    let written = node.and_then(|node| text(node, &title, problems));
    let from = node.zip(written).and_then(|(node, written)| json(&written, node, &title, problems));
    // Also without a valid place, so that a wrong one is one problem, not two.
    let from = from.unwrap_or_else(|| Source::Key(String::new()));
    request.extract.push(Extract { name: TOKEN.to_owned(), from, optional: false });
    let refresh = section.table("refresh", problems);
    let refresh = refresh.and_then(|table| refreshed(table, &mut request, around, problems));
    let header = section.optional_text("header", problems);
    let name = header.unwrap_or_else(|| "Authorization".to_owned());
    let value = match section.optional("authorization") {
        Some(node) => {
            let title = section.path_of("authorization");
            let written = text(node, &title, problems).unwrap_or_default();
            let value = template(&written, node, &title, problems);
            if value.names().filter(|name| *name == TOKEN).count() != 1 {
                note(problems, node.at, format!("{title} must contain {{{{ token }}}} once"));
            }
            value
        }
        None => Template(vec![Part::Text("Bearer ".to_owned()), Part::Value(TOKEN.to_owned())]),
    };
    Login {
        steps: vec![request],
        header: Some(LoginHeader { name, value, is_basic: false }),
        refresh,
        ..Login::without_request(None)
    }
}

/// How a token is refreshed before it ends: a request, and how long a token is good, which
/// the answer to the `login` may say.
fn refreshed(
    mut section: Reader<'_>,
    login: &mut Step,
    around: &Around<'_>,
    problems: &mut Problems,
) -> Option<Refresh> {
    let mut step = step(&mut section, around, problems);
    step.compares_shape = false;
    if section.optional("method").is_none() {
        step.request.method = "POST".to_owned();
    }
    let place = |key: &'static str, section: &mut Reader<'_>, problems: &mut Problems| {
        let (node, title) = (section.required(key, problems)?, section.path_of(key));
        let written = text(node, &title, problems)?;
        json(&written, node, &title, problems)
    };
    let token = place("token", &mut section, problems);
    let node = section.required("lifetime", problems);
    let written = node.and_then(|node| text(node, &section.path_of("lifetime"), problems));
    let lifetime = match written.as_deref().map(units::duration) {
        Some(Ok(lifetime)) => Lifetime::Fixed(lifetime),
        _ => {
            let from = written.and_then(|_| place("lifetime", &mut section, problems));
            for step in [&mut *login, &mut step] {
                let extract = |from| Extract { name: EXPIRES_IN.to_owned(), from, optional: false };
                step.extract.extend(from.clone().map(extract));
            }
            Lifetime::Said
        }
    };
    section.finish(problems);
    step.extract.push(Extract { name: TOKEN.to_owned(), from: token?, optional: false });
    Some(Refresh { step, lifetime })
}

/// The page with the form, then the form, as a browser sends it.
fn session(section: &mut Reader<'_>, around: &Around<'_>, problems: &mut Problems) -> Login {
    let word = |section: &mut Reader<'_>, key, usual: &str, problems: &mut Problems| {
        section.optional_text(key, problems).unwrap_or_else(|| usual.to_owned())
    };
    let cookie = section.optional_text("cookie", problems);
    let csrf_cookie = word(section, "csrf_cookie", "csrftoken", problems);
    let csrf_header = word(section, "csrf_header", "X-CSRFToken", problems);
    let csrf_field = word(section, "csrf_field", "csrfmiddlewaretoken", problems);
    section.required("form", problems);
    let has_accept = section.optional("accept").is_some();
    let mut submit = step(section, around, problems);
    submit.request.method = "POST".to_owned();
    submit.compares_shape = false;
    if !has_accept {
        submit.accept = vec![302, 303];
    }
    let page = match section.optional("page") {
        Some(_) => path(section, "page", problems),
        None => submit.request.path.clone(),
    };
    let csrf = || Template(vec![Part::Value(CSRF.to_owned())]);
    if let Some(BodyTemplate::Form(fields)) = &mut submit.request.body {
        fields.insert(0, (csrf_field.clone(), csrf()));
    }
    let open = Step {
        name: None,
        wait: None,
        request: RequestTemplate {
            method: "GET".to_owned(),
            path: page,
            query: Vec::new(),
            headers: submit.request.headers.clone(),
            body: None,
        },
        accept: vec![200],
        checks: Vec::new(),
        compares_shape: false,
        // Without the field, the cookie has the token; without both there is no protection.
        extract: vec![Extract {
            name: CSRF.to_owned(),
            from: Source::Field(csrf_field.clone()),
            optional: true,
        }],
        redirects: 0,
        conditional: false,
        repeat: 1,
        once: false,
    };
    Login {
        steps: vec![open, submit],
        session: Some(SessionLogin { cookie, csrf_cookie, csrf_header, csrf_field }),
        ..Login::without_request(None)
    }
}

fn basic(section: &mut Reader<'_>, problems: &mut Problems) -> Login {
    let mut value = required_template(section, "username", problems);
    value.0.push(Part::Text(":".to_owned()));
    value.0.extend(required_template(section, "password", problems).0);
    header("Authorization", value, true)
}

/// A token or a key that the user has already.
fn fixed(section: &mut Reader<'_>, problems: &mut Problems) -> Login {
    let name = section.optional_text("header", problems);
    let is_key = section.optional("api_key").is_some();
    let (key, usual) =
        if is_key { ("api_key", "X-Api-Key") } else { ("authorization", "Authorization") };
    let value = required_template(section, key, problems);
    header(&name.unwrap_or_else(|| usual.to_owned()), value, false)
}

fn header(name: &str, value: Template, is_basic: bool) -> Login {
    Login::without_request(Some(LoginHeader { name: name.to_owned(), value, is_basic }))
}

fn required_template(
    section: &mut Reader<'_>,
    key: &'static str,
    problems: &mut Problems,
) -> Template {
    let title = section.path_of(key);
    let Some(node) = section.required(key, problems) else { return Template::default() };
    let Some(written) = text(node, &title, problems) else { return Template::default() };
    if written.chars().any(char::is_control) {
        note(problems, node.at, format!("{title} has a control character"));
    }
    template(&written, node, &title, problems)
}
