//! Steps: commands of the configuration, in the environment of the run.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use portcullis_core::config::{StepCommand, StepSection, When};
use portcullis_core::plan::ServePlan;
use portcullis_core::units::show_duration;
use portcullis_supervise::step::{self, Step};

use super::django::Project;
use super::django::isolation::hook::in_run;
use super::django::refusal;
use crate::run::{StageFailure, StageOutput, Version};

const LOG: &str = "step";

/// Runs a step, isolated like the migrations.
///
/// # Errors
/// It failed or took too long, or a database was refused.
pub fn run(
    version: Version<'_>,
    project: &Project,
    step: &StepSection,
) -> Result<StageOutput<()>, StageFailure> {
    let Version { context, folder, plan } = version;
    let mut environment = project.environment.clone();
    for (name, value) in &step.env {
        environment.set(name, in_run(&project.ports.fill(value), folder.path()));
    }
    context.hide_environment(step.env.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let own = Step {
        argv: argv(version, project, &step.command),
        folder: &plan.root.join(&step.folder),
        environment: &environment,
        stdin: None,
        log: &folder.log(LOG),
        deadline: context.within(step.timeout),
    };
    step::run(&own, context.interrupts).map_err(|error| {
        let what = format!("the step \"{}\"", step.name);
        refusal::refused(folder, LOG)
            .unwrap_or_else(|| StageFailure::preparation(error, &what, LOG))
    })?;
    Ok(StageOutput::new((), step.name.clone()))
}

fn argv(version: Version<'_>, project: &Project, command: &StepCommand) -> Vec<OsString> {
    let plan = version.plan;
    match command {
        StepCommand::Manage(arguments) => project.manage_argv(plan, arguments),
        StepCommand::Argv(words) => {
            let run = version.folder.path();
            let words = words.iter().map(|word| {
                let pieces = word.split("{python}");
                let pieces = pieces.map(|piece| {
                    let piece = project.ports.fill(&piece.replace("{manage}", &plan.django.manage));
                    OsString::from(in_run(&piece, run))
                });
                pieces.collect::<Vec<_>>().join(project.python.as_os_str())
            });
            words.collect()
        }
    }
}

/// The steps at one place, in words.
pub fn describe(plan: &ServePlan, when: When) -> Vec<(&'static str, String)> {
    let steps = plan.steps_at(when).map(|step| {
        let command = match &step.command {
            StepCommand::Argv(words) => words.join(" "),
            StepCommand::Manage(words) => {
                format!("python {} {}", plan.django.manage, words.join(" "))
            }
        };
        ("step", format!("{command} (within {})", show_duration(step.timeout)))
    });
    steps.collect()
}

/// The start of the server, in words.
pub fn describe_server(plan: &ServePlan) -> String {
    let argv = plan.server_argv(Path::new("python"), plan.server.port).join(OsStr::new(" "));
    let otherwise = if plan.server.port_insists { "" } else { ", or a free port" };
    format!("{}{otherwise}", argv.to_string_lossy())
}
