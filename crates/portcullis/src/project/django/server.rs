//! The server of a Django project: its command line, and the application in it.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use portcullis_core::judge::Finding;
use portcullis_core::plan::ServePlan;

use super::isolation::hook::in_run;
use super::{Command, Project, refusal};
use crate::run::{StageFailure, Version};

/// The place of the application in a command line.
const APP: &str = "{app}";
/// Precedes the answer of the settings.
const MARK: &str = "PORTCULLIS-APPLICATION ";
const LOG: &str = "application";

/// Reads the application from the settings. The mark is put together when it is printed.
const SCRIPT: &str = r#"
from django.conf import settings as _settings
print("\nPORTCULLIS-" + "APPLICATION " + str(getattr(_settings, "NAME", None) or ""))
"#;

/// The server's command line for a port.
///
/// # Errors
/// The application is not known.
pub fn argv(
    version: Version<'_>,
    project: &Project,
    port: u16,
) -> Result<Vec<OsString>, StageFailure> {
    let plan = version.plan;
    let mut argv = plan.server_argv(&project.python, port);
    let run = version.folder.path();
    argv.iter_mut().for_each(|word| {
        if let Some(filled) = word.to_str().filter(|text| text.contains("{run}")) {
            *word = in_run(filled, run).into();
        }
    });
    // Some projects' manage.py sets the variable itself; the flag overrides it.
    if plan.server.argv.iter().any(|word| word == "{manage}") {
        argv.push(format!("--settings={}", plan.django.settings).into());
    }
    if let Some(word) = argv.iter_mut().find(|word| *word == APP) {
        let is_asgi = plan.server.package.is_some_and(|package| package.is_asgi);
        *word = application(version, project, is_asgi)?.into();
    }
    Ok(argv)
}

/// The application that the settings name, else that of the module beside them.
fn application(
    version: Version<'_>,
    project: &Project,
    is_asgi: bool,
) -> Result<String, StageFailure> {
    let Version { folder, plan, .. } = version;
    let (setting, module) =
        if is_asgi { ("ASGI_APPLICATION", "asgi") } else { ("WSGI_APPLICATION", "wsgi") };
    let script = folder.script("application.py");
    std::fs::write(&script, SCRIPT.replace("NAME", setting))
        .map_err(|error| StageFailure::disk("a script of our own", &error))?;
    let command = Command::shell(script, LOG, Duration::from_secs(60));
    project.manage(version, command).map_err(|error| {
        refusal::refused(folder, LOG)
            .unwrap_or_else(|| StageFailure::preparation(error, "reading the settings", LOG))
    })?;
    let output = std::fs::read(folder.log(LOG)).unwrap_or_default();
    let told = answer(&String::from_utf8_lossy(&output));
    told.or_else(|| beside(plan, module)).ok_or_else(|| {
        let message = format!("the settings have no {setting}, and there is no {module}.py");
        let advice = format!("name it: server.app = \"myservice.{module}:application\"");
        StageFailure::new(Finding::server(message)).with_advice(advice)
    })
}

/// `myservice.wsgi:application` from the output of the script.
fn answer(output: &str) -> Option<String> {
    let dotted = output.lines().find_map(|line| line.split_once(MARK)).map(|(_, name)| name)?;
    let (module, name) = dotted.trim().rsplit_once('.')?;
    Some(format!("{module}:{name}"))
}

/// The application of the module that `startproject` makes: in the package of the settings, or
/// in one above it.
fn beside(plan: &ServePlan, module: &str) -> Option<String> {
    let packages: Vec<&str> = plan.django.settings.split('.').collect();
    (0..packages.len()).rev().find_map(|length| {
        let packages = packages.get(..length)?;
        let folder: &Path = &plan.root.join(packages.join("/"));
        let names = packages.iter().copied().chain([module]).collect::<Vec<_>>().join(".");
        folder.join(format!("{module}.py")).is_file().then(|| format!("{names}:application"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_is_told_as_servers_name_it() {
        let output = "banner\n>>> \nPORTCULLIS-APPLICATION shop.wsgi.application\n";
        assert_eq!(answer(output).as_deref(), Some("shop.wsgi:application"));
        assert_eq!(answer("PORTCULLIS-APPLICATION \n"), None);
        assert_eq!(answer(""), None);
        assert!(!SCRIPT.contains(MARK));
    }
}
