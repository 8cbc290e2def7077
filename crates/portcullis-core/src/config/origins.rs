//! Writes the effective configuration with the origin of each value.

use super::Loaded;
use super::text::{Comments, to_toml};
use super::tree::{Node, Place, all_places};

/// The effective configuration as TOML without secrets, each value with its origin:
/// `default`, a line of `file`, a flag, or a variable of the environment. `profile` is the
/// name of the chosen one.
pub fn to_toml_with_origins(loaded: &Loaded, file: &str, profile: Option<&str>) -> String {
    let origin = |place: &Place| match profile {
        Some(name) if loaded.of_profile.contains(place) => {
            format!("{}, profile {name}", place.origin(file))
        }
        _ => place.origin(file),
    };
    let comment = |node: &Node| {
        // A table or a list may have parts from several layers; its own position adds nothing.
        let all = all_places(node);
        let parts = if all.len() > 1 { all.get(1..).unwrap_or_default() } else { &all };
        let mut origins: Vec<String> = Vec::new();
        for origin in parts.iter().map(origin) {
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        origins.join("; ")
    };
    to_toml(&loaded.tree, Comments::Of(&comment))
}

#[cfg(test)]
mod tests {
    use super::super::{FlagValue, MergeMode, Value, load};
    use super::*;

    const TEXT: &str = "[project]\nroot = \".\"\n[django]\nsettings = \"a.b\"\n\
        [env]\nset = { SECRET_KEY = \"geheim\" }\n\
        [load]\nusers = 7\n[scenario.wait]\nmax = \"4s\"\n\
        [[scenario.task]]\nname = \"a\"\npath = \"/\"\n\
        [profile.ci.load]\nduration = \"9s\"\n";

    fn shown(flags: &[FlagValue]) -> Vec<String> {
        let loaded = load(TEXT, Some("ci"), flags).unwrap();
        let text = to_toml_with_origins(&loaded, "perf.toml", Some("ci"));
        load(&text, None, &[]).unwrap();
        let folded = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        text.lines().map(folded).collect()
    }

    #[test]
    fn each_value_names_the_layer_that_it_came_from() {
        let rate = Value::Text("2/s".to_owned());
        let at = Place::Environment("--spawn-rate");
        let lines = shown(&[
            FlagValue::new(at, "load.spawn_rate", rate, MergeMode::Over),
            FlagValue::assigned(Place::Flag("--set"), "server.port=9000"),
        ]);
        for line in [
            "users = 7 # perf.toml:8",
            "duration = \"9s\" # perf.toml:15, profile ci",
            "spawn_rate = \"2/s\" # PORTCULLIS_SPAWN_RATE",
            "port = 9000 # --set",
            "max_duration = \"4x\" # default",
            "wait = { min = \"1s\", max = \"4s\" } # default; perf.toml:10",
            "name = \"a\" # perf.toml:12",
            "set = { SECRET_KEY = \"***\" } # perf.toml:6",
        ] {
            assert!(lines.iter().any(|shown| shown == line), "{line}\n{}", lines.join("\n"));
        }
    }

    #[test]
    fn any_key_can_be_set_and_mistakes_name_the_flag() {
        let set = |text: &str| FlagValue::assigned(Place::Flag("--set"), text);
        let wrong = |text: &str| load(TEXT, None, &[set(text)]).unwrap_err()[0].show("f");
        let flags = [
            set("load.users = 20"),
            set("load.duration=45s"),
            set("project.python=3.12"),
            set("thresholds.fail=[\"p95 < 1s\"]"),
            set("django.overrides.\"A.B=C\"=true"),
            set("scenario.wait={ max = \"5s\" }"),
            set("env.set.DEBUG=True"),
        ];
        let loaded = load(TEXT, None, &flags).unwrap();
        let config = &loaded.config;
        assert_eq!((config.load.users, config.load.duration.as_secs()), (20, 45));
        let python = super::super::PythonChoice::parse("3.12");
        assert_eq!(Some(config.project.python.clone()), python);
        assert_eq!(config.thresholds.len(), 1);
        assert_eq!(config.django.overrides, [("A.B=C".to_owned(), true.into())]);
        assert!(config.env.set.contains(&("DEBUG".to_owned(), "True".to_owned())));
        for text in ["load.users", "=1", "", "a b=1"] {
            assert!(wrong(text).contains("write KEY=VALUE"), "{}", wrong(text));
        }
        assert!(wrong("load.usrs=1").starts_with("--set: unknown key \"usrs\""));
        assert!(wrong("load.users=1\nload.x=2").contains("load.users"));
    }
}
