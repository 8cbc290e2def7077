//! Plans for tests: a `[load]` section, and two tasks.

use std::path::PathBuf;

use portcullis_core::config;
use portcullis_core::plan::{self, LoadPlan, PlanInputs};
use portcullis_core::target::{self, Target};

const TASKS: &str = r#"
[[scenario.task]]
name = "a"
weight = 3
path = "/a/{{ id }}/"
values = { id = { from = 1, to = 1000000 } }
check = { json = "results", min_items = 1 }
[[scenario.task]]
name = "b"
weight = 1
path = "/b/"
"#;

/// The plan of a `[load]` section against a server, with the two tasks.
pub fn planned(load: &str, scenario: &str, url: &str) -> (LoadPlan, Target) {
    ruled(load, scenario, "", url)
}

/// The same, with keys of the second task and a `[thresholds]` section behind.
pub fn ruled(load: &str, scenario: &str, rest: &str, url: &str) -> (LoadPlan, Target) {
    let text = format!("[load]\nhost = \"{url}\"\n{load}\n[scenario]\n{scenario}\n{TASKS}{rest}");
    let config = config::load(&text, None, &[]).unwrap().config;
    let around = PlanInputs {
        base: PathBuf::new(),
        output: PathBuf::new(),
        seed: 7,
        ..PlanInputs::default()
    };
    (plan::resolve(&config, around).unwrap().load, target::parse(url).unwrap())
}
