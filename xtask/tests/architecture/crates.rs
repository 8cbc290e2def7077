//! Between crates: which depends on which, who may do what is banned, where versions
//! stand.

use std::collections::BTreeSet;

use crate::sources::{root, rust};

/// Our own crates that a manifest depends on.
fn arrows(manifest: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(manifest)).unwrap();
    let names = text.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    names.filter(|name| name.starts_with("portcullis")).map(str::to_owned).collect()
}

#[test]
fn arrows_point_one_way() {
    let check = |manifest: &str, allowed: &[&str]| {
        let found = arrows(manifest);
        let wrong: Vec<_> = found.iter().filter(|name| !allowed.contains(&name.as_str())).collect();
        assert!(wrong.is_empty(), "{manifest} must not depend on {wrong:?}");
    };
    check("crates/portcullis-core/Cargo.toml", &[]);
    for middle in ["load", "supervise", "report"] {
        check(&format!("crates/portcullis-{middle}/Cargo.toml"), &["portcullis-core"]);
    }
    let middle =
        ["portcullis-core", "portcullis-load", "portcullis-supervise", "portcullis-report"];
    check("crates/portcullis/Cargo.toml", &middle);
    check("xtask/Cargo.toml", &["portcullis"]);
}

#[test]
fn only_these_places_may_do_what_is_banned() {
    let allowed = [
        "crates/portcullis-load/src/http/resolve.rs",
        "crates/portcullis-load/src/http/stream.rs",
        "crates/portcullis-load/tests/allocations.rs",
        "crates/portcullis-load/tests/answers.rs",
        "crates/portcullis-load/tests/checks.rs",
        "crates/portcullis-load/tests/conformance.rs",
        "crates/portcullis-load/tests/engine.rs",
        "crates/portcullis-load/tests/extension.rs",
        "crates/portcullis-load/tests/flows.rs",
        "crates/portcullis-load/tests/logins.rs",
        "crates/portcullis-load/tests/pairs.rs",
        "crates/portcullis-load/tests/renewal.rs",
        "crates/portcullis-load/tests/steps.rs",
        "crates/portcullis-load/tests/tls.rs",
        "crates/portcullis-load/tests/turns.rs",
        "crates/portcullis-load/tests/users.rs",
        "crates/portcullis-report/tests/reports/readers.rs",
        "crates/portcullis-supervise/src/step.rs",
        "crates/portcullis-supervise/src/guard.rs",
        "crates/portcullis-supervise/src/launch.rs",
        "crates/portcullis-supervise/src/outgoing.rs",
        "crates/portcullis-supervise/src/port.rs",
        "crates/portcullis-supervise/src/system_tool.rs",
        "crates/portcullis/src/console/tmux_tests.rs",
        "crates/portcullis/src/project/django/isolation/hook_tests.rs",
        "crates/portcullis/src/stages/health.rs",
        "crates/portcullis/tests/check.rs",
        "crates/portcullis/tests/report.rs",
        "crates/portcullis/tests/versions.rs",
        "crates/portcullis/tests/e2e/main.rs",
        "xtask/src/main.rs",
        "xtask/tests/architecture/crates.rs",
        "xtask/tests/dependencies.rs",
    ];
    let lifting: BTreeSet<String> = rust()
        .into_iter()
        .filter(|(_, text)| text.contains("clippy::disallowed_methods"))
        .map(|(name, _)| name)
        .collect();
    let allowed = allowed.map(str::to_owned).into();
    let more: Vec<_> = lifting.difference(&allowed).collect();
    assert!(more.is_empty(), "these lift a ban: {more:?}");
    let fewer: Vec<_> = allowed.difference(&lifting).collect();
    assert!(fewer.is_empty(), "these lift no ban any more: {fewer:?}");
}

#[test]
fn versions_stand_in_the_workspace_manifest_only() {
    let members = ["core", "load", "supervise", "report"].map(|c| format!("crates/portcullis-{c}"));
    for member in members.iter().map(String::as_str).chain(["crates/portcullis", "xtask"]) {
        let text = std::fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        let dependencies = text.split("dependencies]").skip(1).flat_map(str::lines);
        for line in dependencies.filter(|line| line.contains('=')) {
            assert!(line.ends_with(".workspace = true"), "{member}: {line}");
        }
    }
}
