//! The output of `--dry-run`: the plan, with commands, paths and deadlines.

use std::path::Path;

use portcullis_core::plan::{Mode, Plan};
use portcullis_core::scenario::{When, titles};
use portcullis_core::units::show_duration;

use super::{line, plain};

/// The data to show for a run that is not started.
#[derive(Clone, Copy, Debug)]
pub struct DryRun<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The configuration's file.
    pub configuration: &'a Path,
    /// The folder of caches.
    pub cache: &'a Path,
    /// The preparation steps: the name of each, and what it does.
    pub preparation: &'a [(&'static str, String)],
    /// Whether the run may write the baseline.
    pub writes_baseline: bool,
}

/// Prints the plan; nothing is started.
pub fn print_plan(run: &DryRun<'_>) {
    let plan = run.plan;
    line(&format!("configuration  {}", run.configuration.display()));
    match &plan.mode {
        Mode::Serve(serve) => {
            line(&format!("project        {}", serve.root.display()));
            line(&format!("cache          {}", run.cache.display()));
            for (step, what) in run.preparation {
                line(&format!("{step:<14} {what}"));
            }
        }
        Mode::Attach(target) => {
            line(&format!("server         {} (already running; nothing is started)", target.url()));
        }
    }
    let ready = show_duration(plan.ready_timeout);
    line(&format!("ready          {} answers 2xx within {ready}", plan.health));
    load_lines(plan);
    for threshold in &plan.thresholds {
        let severity = match threshold.severity {
            portcullis_core::threshold::Severity::Fail => "fail",
            portcullis_core::threshold::Severity::Warn => "warn",
        };
        line(&format!("{severity:<14} unless {}", plain(&threshold.in_words())));
    }
    if let Some(baseline) = &plan.baseline {
        let writes = if run.writes_baseline { "; this run can write it" } else { "" };
        let described = plain(&baseline.described());
        line(&format!("baseline       {}: {described}{writes}", baseline.file.display()));
    }
    line(&format!("artifacts      {}", plan.output.display()));
    for warning in &plan.warnings {
        line(&format!("warning        {warning}"));
    }
}

fn load_lines(plan: &Plan) {
    let load = &plan.load;
    let (how, longest) = (load.described(), show_duration(load.longest));
    line(&format!("load           {how} (at most {longest}), seed {}", load.seed));
    if load.tls.as_ref().is_some_and(|tls| tls.insecure) {
        line("               load.insecure: the server's certificate is not checked");
    }
    for (kind, users) in load.scenario.users.iter().enumerate() {
        if let Some(name) = &users.name {
            let count = (0..load.users).filter(|user| load.scenario.kind_of(*user) == kind).count();
            line(&format!("users          {name}: {count} of {}", load.users));
        }
        if let Some(login) = users.login.as_ref().filter(|login| !login.steps.is_empty()) {
            let shared = if login.shared { "once for all users" } else { "by each user" };
            line(&format!("login          {} {shared}", titles(&login.steps)));
        }
    }
    for task in load.scenario.tasks.iter().filter(|task| task.weight > 0) {
        let (name, weight) = (&task.name, task.weight);
        line(&format!("task           {name} × {weight}: {}", titles(&task.steps)));
    }
    for task in load.scenario.tasks.iter().filter(|task| task.when != When::Deck) {
        line(&format!("{:<15}{}: {}", task.when.name(), task.name, titles(&task.steps)));
    }
    let expected = load.expected_requests(load.window);
    line(&format!("expected       about {expected:.0} requests; one deck has {}", load.deck()));
}
