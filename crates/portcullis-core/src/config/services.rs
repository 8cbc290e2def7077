//! `[[service]]`: programs that the project needs beside its server; and `[outgoing]`.

use std::collections::HashSet;
use std::time::Duration;

use super::project_kind::ProjectKind;
use super::reader::{Problems, Reader, list, note, text};
use super::sections::{DjangoSection, EnvSection};
use super::step::{StepCommand, StepSection};
use super::text::is_reserved_env;
use super::tree::{Node, Place, Value};
use crate::text::nearest;

/// A program that runs as long as the server does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSection {
    /// Its name in placeholders, messages and the name of its log.
    pub name: String,
    /// Which program it is.
    pub kind: ServiceKind,
    /// The command, with `{python}`, `{port}` and the placeholders of other services.
    pub argv: Vec<String>,
    /// The module of the project with its Celery application.
    pub app: Option<String>,
    /// When it is ready.
    pub ready: ServiceReady,
    /// Variables of this service only.
    pub env: Vec<(String, String)>,
    /// From its start until it is ready.
    pub timeout: Duration,
    /// When it is started.
    pub before: ServiceStart,
    /// Whether nothing of the databases' content is in it.
    pub is_stateless: bool,
}

/// The kinds of services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceKind {
    /// The command in `argv`.
    #[default]
    Command,
    /// A Redis or Valkey server.
    Redis,
    /// A worker of the project's Celery application.
    Celery,
    /// A server that takes mail and delivers none.
    Smtp,
}

/// When a service is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceReady {
    /// Its process listens on its port.
    Port,
    /// This path answers 2xx on its port.
    Path(String),
    /// This command ends with 0.
    Command(Vec<String>),
    /// A line of its log has this text.
    Log(&'static str),
    /// As soon as it is started.
    Started,
}

/// The stage before which a service is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceStart {
    /// Before the migrations.
    Migrate,
    /// Before the server, after the seed.
    Serve,
}

impl ServiceKind {
    /// Every kind that has a name in `perf.toml`.
    pub const ALL: [(&'static str, Self); 3] =
        [("redis", Self::Redis), ("celery", Self::Celery), ("smtp", Self::Smtp)];
}

impl ServiceStart {
    /// Its name in `perf.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Migrate => "migrate",
            Self::Serve => "serve",
        }
    }
}

impl ServiceSection {
    /// Whether the run chooses a port for it.
    pub fn has_port(&self) -> bool {
        let has = |text: &String| text.contains("{port}");
        let commands = match &self.ready {
            ServiceReady::Command(argv) => argv.as_slice(),
            _ => &[],
        };
        matches!(self.kind, ServiceKind::Redis | ServiceKind::Smtp)
            || matches!(self.ready, ServiceReady::Port | ServiceReady::Path(_))
            || self.argv.iter().chain(commands).any(has)
            || self.env.iter().any(|(_, value)| has(value))
    }
}

/// The placeholder of a service's port in `[env] set`, `[django] overrides` and services.
pub fn port_placeholder(name: &str) -> String {
    format!("{{service.{name}.port}}")
}

/// Decodes all `[[service]]`.
pub fn decode(
    root: &mut Reader<'_>,
    project: ProjectKind,
    problems: &mut Problems,
) -> Vec<ServiceSection> {
    let Some(node) = root.optional("service") else { return Vec::new() };
    let (mut all, mut names) = (Vec::new(), HashSet::new());
    for item in list(node, "service", problems) {
        let service = one(item, problems);
        let is_celery = service.kind == ServiceKind::Celery && service.app.is_none();
        if is_celery && project == ProjectKind::Command {
            note(problems, item.at, "a celery service of this project needs app");
        }
        if !names.insert(service.name.clone()) {
            note(problems, item.at, format!("two services have the name \"{}\"", service.name));
        }
        all.push(service);
    }
    all
}

fn one(item: &Node, problems: &mut Problems) -> ServiceSection {
    let mut section = Reader::new(item, "service", problems);
    let written = section.optional_text("kind", problems);
    let kind = kind(written.as_deref(), &section, problems);
    let name = section.optional_text("name", problems).or(written).unwrap_or_default();
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if name.is_empty() {
        note(problems, section.at(), "a service needs a name");
    } else if !name.chars().all(is_name) {
        let message = format!("service.name = \"{name}\": use lower-case letters, digits, - _");
        note(problems, section.at(), message);
    }
    let argv = section.texts("argv", problems);
    match (kind, argv.is_empty()) {
        (ServiceKind::Command, true) => {
            note(problems, section.at(), "a service needs argv, or a kind");
        }
        (ServiceKind::Command, false) | (_, true) => {}
        (_, false) => note(problems, section.at(), "service.kind and service.argv exclude another"),
    }
    let app = section.optional_text("app", problems);
    if app.is_some() && kind != ServiceKind::Celery {
        note(problems, section.at(), "service.app belongs to kind = \"celery\"");
    }
    let env = env(&mut section, problems);
    let timeout = match section.optional("timeout") {
        Some(_) => section.duration("timeout", problems),
        None => TIMEOUT,
    };
    let before = before(&mut section, kind, problems);
    let is_stateless = section.flag("stateless", problems)
        || matches!(kind, ServiceKind::Celery | ServiceKind::Smtp);
    let ready = ServiceReady::Started;
    let mut service =
        ServiceSection { name, kind, argv, app, ready, env, timeout, before, is_stateless };
    service.ready = ready_of(&mut section, &service, problems);
    section.finish(problems);
    service
}

/// How long a service may take if nothing is written.
const TIMEOUT: Duration = Duration::from_secs(60);

fn kind(text: Option<&str>, section: &Reader<'_>, problems: &mut Problems) -> ServiceKind {
    let Some(text) = text else { return ServiceKind::Command };
    let found = ServiceKind::ALL.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind);
    if found.is_none() {
        let near = nearest(text, ServiceKind::ALL.map(|(name, _)| name));
        let message = format!(
            "service.kind = \"{text}\": expected \"redis\", \"celery\" or \"smtp\"{near}; any \
             other program is started by argv"
        );
        note(problems, section.at(), message);
    }
    found.unwrap_or_default()
}

fn env(section: &mut Reader<'_>, problems: &mut Problems) -> Vec<(String, String)> {
    let mut env = Vec::new();
    for (name, value, at) in section.pairs("env", problems) {
        if is_reserved_env(&name) {
            note(problems, at, format!("service.env.{name} is set by Portcullis itself"));
        }
        env.push((name, value));
    }
    env
}

fn before(section: &mut Reader<'_>, kind: ServiceKind, problems: &mut Problems) -> ServiceStart {
    let text = section.optional_text("before", problems);
    match text.as_deref() {
        Some("migrate") => ServiceStart::Migrate,
        Some("serve") => ServiceStart::Serve,
        // A worker uses the database, which may move once more until its template is made.
        None if kind == ServiceKind::Celery => ServiceStart::Serve,
        None => ServiceStart::Migrate,
        Some(other) => {
            let near = nearest(other, ["migrate", "serve"]);
            let message =
                format!("service.before = \"{other}\": expected \"migrate\" or \"serve\"{near}");
            note(problems, section.at(), message);
            ServiceStart::Migrate
        }
    }
}

/// A path, a command, or what follows from the rest of the service.
fn ready_of(
    section: &mut Reader<'_>,
    service: &ServiceSection,
    problems: &mut Problems,
) -> ServiceReady {
    let usual = match service.kind {
        ServiceKind::Celery => ServiceReady::Log(" ready."),
        _ if service.has_port() => ServiceReady::Port,
        _ => ServiceReady::Started,
    };
    let Some(node) = section.optional("ready") else { return usual };
    match &node.value {
        Value::List(items) => {
            let items = items.iter().filter_map(|item| text(item, "service.ready", problems));
            let argv: Vec<String> = items.collect();
            if argv.is_empty() {
                note(problems, node.at, "service.ready = []: name a command, or leave it out");
            }
            ServiceReady::Command(argv)
        }
        _ => match text(node, "service.ready", problems) {
            Some(path) if path.starts_with('/') => ServiceReady::Path(path),
            Some(port) if port == "port" => ServiceReady::Port,
            Some(other) => {
                let message = format!(
                    "service.ready = \"{other}\": expected \"port\", a path such as \"/health\", \
                     or a command as a list"
                );
                note(problems, node.at, message);
                usual
            }
            None => usual,
        },
    }
}

/// Where a service may be named.
#[derive(Clone, Copy)]
pub struct Texts<'c> {
    /// `[env] set`.
    pub env: &'c EnvSection,
    /// `[django] overrides`.
    pub django: &'c DjangoSection,
    /// The commands of steps, and their variables.
    pub steps: &'c [StepSection],
    /// The same of services.
    pub services: &'c [ServiceSection],
}

impl<'c> Texts<'c> {
    /// All texts, with their keys.
    fn all(self) -> impl Iterator<Item = (String, &'c str)> {
        let set = self.env.set.iter();
        let set = set.map(|(name, value)| (format!("env.set.{name}"), value.as_str()));
        let overrides = self.django.overrides.iter().flat_map(|(path, value)| {
            texts_in(value).into_iter().map(move |text| (format!("django.overrides.{path}"), text))
        });
        let services = self.services.iter().flat_map(|service| {
            let env = service.env.iter().map(|(_, value)| value);
            let key =
                move |text: &'c String| (format!("service \"{}\"", service.name), text.as_str());
            service.argv.iter().chain(env).map(key)
        });
        let steps = self.steps.iter().flat_map(|step| {
            let (StepCommand::Argv(words) | StepCommand::Manage(words)) = &step.command;
            let env = step.env.iter().map(|(_, value)| value);
            let key = move |text: &'c String| (format!("step \"{}\"", step.name), text.as_str());
            words.iter().chain(env).map(key)
        });
        set.chain(overrides).chain(services).chain(steps)
    }
}

fn texts_in(value: &serde_json::Value) -> Vec<&str> {
    let (mut found, mut left) = (Vec::new(), vec![value]);
    while let Some(next) = left.pop() {
        match next {
            serde_json::Value::String(text) => found.push(text.as_str()),
            serde_json::Value::Array(items) => left.extend(items),
            serde_json::Value::Object(pairs) => left.extend(pairs.values()),
            _ => {}
        }
    }
    found
}

/// Reports every placeholder of a service that does not exist or has no port.
pub fn check_placeholders(texts: Texts<'_>, at: Place, problems: &mut Problems) {
    for (key, text) in texts.all() {
        for rest in text.split("{service.").skip(1) {
            let inner = rest.split_once('}').map_or(rest, |(inner, _)| inner);
            let named = inner.strip_suffix(".port").unwrap_or(inner);
            let known = texts.services.iter().find(|service| service.name == named);
            let why = match known {
                Some(service) if inner.ends_with(".port") && service.has_port() => continue,
                Some(service) if inner.ends_with(".port") => {
                    format!("the service \"{}\" has no port", service.name)
                }
                Some(_) => format!("write {}", port_placeholder(named)),
                None => {
                    let names = texts.services.iter().map(|service| service.name.as_str());
                    format!("there is no service \"{named}\"{}", nearest(named, names))
                }
            };
            note(problems, at, format!("{key}: {{service.{inner}}}: {why}"));
        }
    }
}

/// Decodes `[outgoing]`: whether the project's processes get no way out.
pub fn outgoing(section: Option<Reader<'_>>, problems: &mut Problems) -> bool {
    let Some(mut section) = section else { return false };
    let is_shut = section.flag("shut", problems);
    section.finish(problems);
    is_shut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, load};

    fn read(services: &str) -> Result<Config, String> {
        let text = format!(
            "[project]\nroot = \".\"\n[django]\nsettings = \"own\"\n\
             [[scenario.task]]\nname = \"a\"\npath = \"/\"\n{services}"
        );
        let told = |problems: Vec<crate::config::Problem>| {
            problems.iter().map(|problem| problem.show("f")).collect::<Vec<_>>().join("\n")
        };
        load(&text, None, &[]).map(|loaded| loaded.config).map_err(told)
    }

    #[test]
    fn a_kind_is_enough() {
        let services = read("[[service]]\nkind = \"redis\"\n[[service]]\nkind = \"celery\"\n");
        let services = services.unwrap().services;
        let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
        assert_eq!(names, ["redis", "celery"]);
        let [redis, celery] = services.as_slice() else { panic!("two services") };
        assert!(redis.has_port() && !celery.has_port());
        assert_eq!((redis.before, celery.before), (ServiceStart::Migrate, ServiceStart::Serve));
        assert_eq!(redis.ready, ServiceReady::Port);
        assert!(!redis.is_stateless && celery.is_stateless);
    }

    #[test]
    fn a_command_is_ready_when_its_port_listens_if_it_has_one() {
        let of = |keys: &str| {
            let text = format!("[[service]]\nname = \"a\"\n{keys}");
            read(&text).unwrap().services.remove(0)
        };
        assert_eq!(of("argv = [\"x\", \"{port}\"]").ready, ServiceReady::Port);
        assert_eq!(of("argv = [\"x\"]").ready, ServiceReady::Started);
        let path = of("argv = [\"x\"]\nready = \"/up\"");
        assert!(path.has_port() && path.ready == ServiceReady::Path("/up".to_owned()));
        let command = of("argv = [\"x\"]\nready = [\"nc\", \"{port}\"]\ntimeout = \"2s\"");
        assert!(command.has_port() && command.timeout == Duration::from_secs(2));
        assert!(of("argv = [\"x\"]\nenv = { PORT = \"{port}\" }").has_port());
    }

    #[test]
    fn every_mistake_is_told() {
        for (text, said) in [
            ("[[service]]\nname = \"a\"", "needs argv, or a kind"),
            ("[[service]]\nargv = [\"a\"]", "a service needs a name"),
            ("[[service]]\nkind = \"rediss\"", "expected \"redis\""),
            ("[[service]]\nkind = \"redis\"\nargv = [\"a\"]", "exclude another"),
            ("[[service]]\nkind = \"redis\"\napp = \"a\"", "belongs to kind"),
            ("[[service]]\nname = \"A b\"\nargv = [\"a\"]", "lower-case"),
            ("[[service]]\nkind = \"smtp\"\n[[service]]\nkind = \"smtp\"", "two services"),
            ("[[service]]\nkind = \"smtp\"\nready = \"soon\"", "expected \"port\""),
            ("[[service]]\nkind = \"smtp\"\nready = []", "name a command"),
            ("[[service]]\nkind = \"smtp\"\nbefore = \"load\"", "\"migrate\" or \"serve\""),
            ("[[service]]\nkind = \"smtp\"\nport = 1", "unknown key \"port\""),
            ("[[service]]\nkind = \"smtp\"\nenv = { PYTHONPATH = \"x\" }", "Portcullis itself"),
            ("[env]\nset = { A = \"{service.b.port}\" }", "there is no service \"b\""),
            ("[django.overrides]\nA = { B = [\"{service.b.port}\"] }", "no service \"b\""),
            (
                "[env]\nset = { A = \"{service.celery.port}\" }\n[[service]]\nkind = \"celery\"",
                "has no port",
            ),
            ("[[step]]\nargv = [\"a\", \"{service.b.port}\"]", "there is no service \"b\""),
            ("[env]\nset = { A = \"{service.smtp}\" }\n[[service]]\nkind = \"smtp\"", "write {"),
        ] {
            // Sections must not be repeated.
            let text = match text.split_once("[django.overrides]\n") {
                None => text.to_owned(),
                Some((_, rest)) => format!("[profile.p.django.overrides]\n{rest}"),
            };
            let found = read(&text).expect_err(said);
            assert!(found.contains(said), "{text}\n{found}");
        }
        let fine = "[env]\nset = { A = \"redis://127.0.0.1:{service.redis.port}/0\" }\n\
                    [[service]]\nkind = \"redis\"\n[outgoing]\nshut = true\n";
        assert!(read(fine).unwrap().is_shut);
    }
}
