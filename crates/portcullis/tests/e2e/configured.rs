//! `config`, `--set` and variables: what is given for one call, and where a value came from.

use std::process::{Command, Output};

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let text = "[project]\nroot = \".\"\n[django]\nsettings = \"a.b\"\n[load]\nusers = 7\n\
        [[scenario.task]]\nname = \"a\"\npath = \"/\"\n[profile.ci.load]\nduration = \"9s\"\n";
    std::fs::write(folder.path().join("perf.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(arguments).current_dir(&folder).envs(variables.iter().copied());
    command.output().unwrap()
}

/// The lines of standard output, with single blanks.
fn lines(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn each_layer_is_named() {
    let variables =
        [("PORTCULLIS_RUN_TIME", "20s"), ("PORTCULLIS_UNTIL_SURE", "1"), ("PORTCULLIS_USERS", "")];
    let arguments = ["config", "--profile", "ci", "--set", "server.port=9000", "-r", "2"];
    let output = run(&arguments, &variables);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = lines(&output);
    for line in [
        "users = 7 # perf.toml:6",
        "duration = \"20s\" # PORTCULLIS_RUN_TIME",
        "until_sure = true # PORTCULLIS_UNTIL_SURE",
        "spawn_rate = \"2/s\" # --spawn-rate",
        "port = 9000 # --set",
        "max_duration = \"4x\" # default",
    ] {
        assert!(shown.iter().any(|one| one == line), "{line}\n{}", shown.join("\n"));
    }
    // The command line is stronger than its variable.
    let shown = lines(&run(&["config", "-t", "5s"], &variables));
    assert!(shown.iter().any(|one| one == "duration = \"5s\" # --run-time"), "{shown:#?}");
    let profile = lines(&run(&["config"], &[("PORTCULLIS_PROFILE", "ci")]));
    let line = "duration = \"9s\" # perf.toml:11, profile ci";
    assert!(profile.iter().any(|one| one == line), "{profile:#?}");
}

#[test]
fn a_mistake_names_its_flag_or_its_variable() {
    for (arguments, variables, part) in [
        (&["perf", "--set", "load.usrs=1"][..], &[][..], "--set: unknown key \"usrs\""),
        (&["perf", "--set", "load.users"][..], &[][..], "--set: \"load.users\": write KEY=VALUE"),
        (
            &["perf", "--dry-run"][..],
            &[("PORTCULLIS_SET", "load.users=0")][..],
            "PORTCULLIS_SET: load.users = 0",
        ),
        (&["config"][..], &[("PORTCULLIS_FAIL", "p59 < 1s")][..], "PORTCULLIS_FAIL: "),
        (&["config"][..], &[("PORTCULLIS_PROFILE", "no")][..], "unknown profile \"no\""),
        (&["config"][..], &[("PORTCULLIS_USERS", "many")][..], "many"),
    ] {
        let output = run(arguments, variables);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
}

#[test]
fn rules_of_a_check_can_be_set_too() {
    let results = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/results");
    let first = std::fs::read_dir(results).unwrap().flatten().map(|entry| entry.path());
    let Some(file) = first.filter(|path| path.extension().is_some_and(|e| e == "json")).min()
    else {
        return;
    };
    let set = "thresholds.fail=[\"error_rate < 0.0001%\", \"p50 < 1us\"]";
    let output = run(&["check", file.to_str().unwrap(), "--set", set], &[]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("violated: p50 = "), "{said}");
}
