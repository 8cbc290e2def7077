//! `--dry-run`: what would be done, with commands, paths and deadlines.

use std::ffi::OsStr;
use std::path::Path;

use portcullis_core::plan::{Mode, Plan, ServePlan};
use portcullis_core::scenario::titles;
use portcullis_core::units::show_duration;

use super::{line, plain};
use crate::cache;
use crate::planning::Planned;

/// Prints the plan; nothing is started.
pub fn print_plan(planned: &Planned) {
    let plan = &planned.plan;
    line(&format!("configuration  {}", planned.file.display()));
    match &plan.mode {
        Mode::Serve(serve) => serve_lines(serve, planned),
        Mode::Attach(target) => {
            line(&format!("server         {} (up already; nothing is started)", target.url()));
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
        let writes = if planned.baseline.may_write { "; this run may write it" } else { "" };
        let described = plain(&baseline.described());
        line(&format!("baseline       {}: {described}{writes}", baseline.file.display()));
    }
    line(&format!("artifacts      {}", plan.output.display()));
    for warning in &plan.warnings {
        line(&format!("warning        {warning}"));
    }
}

fn serve_lines(serve: &ServePlan, planned: &Planned) {
    let deadline = |limit| format!("(within {})", show_duration(limit));
    line(&format!("project        {}", serve.root.display()));
    let cache = cache::root(&planned.base.join("target/portcullis"));
    line(&format!("cache          {}", cache.display()));
    let (major, minor) = serve.python;
    let install = deadline(serve.install_timeout);
    line(&format!("environment    Python {major}.{minor} or newer, python -m venv {install}"));
    for path in &serve.requirements {
        line(&format!("install        pip install -r {} {install}", path.display()));
    }
    let manage = format!("python {}", serve.django.manage);
    let migrate = serve.migrate.join(" ");
    line(&format!("migrate        {manage} {migrate} {}", deadline(serve.migrate_timeout)));
    if let Some(script) = &serve.seed_script {
        let limit = deadline(serve.seed_timeout);
        line(&format!("seed           {manage} shell < {} {limit}", script.display()));
    }
    let argv = serve.server_argv(Path::new("python"), serve.server.port).join(OsStr::new(" "));
    let otherwise = if serve.server.port_insists { "" } else { ", or a free port" };
    line(&format!("serve          {}{otherwise}", argv.to_string_lossy()));
}

fn load_lines(plan: &Plan) {
    let load = &plan.load;
    let (how, longest) = (load.described(), show_duration(load.longest));
    line(&format!("load           {how} (at most {longest}), seed {}", load.seed));
    if load.tls.as_ref().is_some_and(|tls| tls.insecure) {
        line("               load.insecure: the server's certificate is not checked");
    }
    if let Some(login) = &load.scenario.login {
        let shared = if login.shared { "once for all users" } else { "by each user" };
        line(&format!("login          {} {shared}", titles(&login.steps)));
    }
    for task in load.scenario.tasks.iter().filter(|task| task.weight > 0) {
        let (name, weight) = (&task.name, task.weight);
        line(&format!("task           {name} × {weight}: {}", titles(&task.steps)));
    }
    let expected = load.expected_requests(load.window);
    line(&format!("expected       about {expected:.0} requests; one deck is {}", load.deck()));
}
