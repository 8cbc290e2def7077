//! The hook in real processes of a virtual environment with Django: however settings are
//! built, and however Python is started.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use portcullis_core::config;
use portcullis_core::plan::{Mode, PlanInputs, ServePlan, resolve};
use tempfile::TempDir;

use super::{hook, stub};
use crate::services::ports::Ports;

/// A project with a database of its own, a run's folder, and an environment with the stub.
struct Scene {
    folder: TempDir,
    hook: PathBuf,
}

const SETTINGS: &str = "\
SECRET_KEY = 'x'
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'own.sqlite3'}}
";

/// Prints where the settings lead, and whether a foreign and the run's own database open.
const LOOK: &str = "\
import os, sqlite3, sys
from django.conf import settings
print('NAME', settings.DATABASES['default']['NAME'])
for path in ['own.sqlite3', settings.DATABASES['default']['NAME']]:
    for opened in [lambda: sqlite3.connect(path), lambda: sqlite3.connect(database=path)]:
        try:
            opened().close()
            print('OPENED', path)
        except PermissionError as error:
            print(error)
";

fn plan(root: &Path) -> ServePlan {
    let text = "[project]\nroot = \".\"\n[django]\nsettings = \"own\"\n\
                [[scenario.task]]\nname = \"a\"\npath = \"/\"\n";
    let config = config::load(text, None, &[]).unwrap().config;
    let inputs = PlanInputs { base: root.to_owned(), ..PlanInputs::default() };
    match resolve(&config, inputs).unwrap().mode {
        Mode::Serve(plan) => *plan,
        Mode::Attach(_) => panic!("a plan without a server"),
    }
}

#[expect(clippy::disallowed_methods, reason = "tests start what the product would")]
fn run(program: &Path, arguments: &[&str], folder: &Path, variables: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env_clear().env("DJANGO_SETTINGS_MODULE", "own");
    command.envs(variables.iter().copied()).output().unwrap()
}

impl Scene {
    /// `None` without the folder of development tools, which has Django.
    fn new() -> Option<Self> {
        let Some(bin) = std::env::var_os("PORTCULLIS_TEST_BIN").map(PathBuf::from) else {
            assert!(std::env::var_os("CI").is_none(), "this test needs `cargo xtask test`");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let (project, own) = (folder.path().join("project"), folder.path().join("run"));
        for name in ["project", "run/db", "run/loaded", "run/settings"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        std::fs::write(project.join("own.py"), SETTINGS).unwrap();
        std::fs::write(project.join("look.py"), LOOK).unwrap();
        let python = bin.join("python");
        let venv = folder.path().join("venv");
        let made =
            run(&python, &["-m", "venv", "--without-pip", venv.to_str().unwrap()], &own, &[]);
        assert!(made.status.success(), "{made:?}");
        let places = "import site; print(site.getsitepackages()[0])";
        let place = String::from_utf8(run(&python, &["-c", places], &own, &[]).stdout).unwrap();
        stub::install(&venv).unwrap();
        let lib = std::fs::read_dir(venv.join("lib")).unwrap().next().unwrap().unwrap().path();
        std::fs::write(lib.join("site-packages/django.pth"), place).unwrap();
        let hook =
            hook::write(&own.join("settings"), &own, &plan(&project), &Ports::default(), None)
                .unwrap();
        Some(Self { folder, hook })
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a Python of the environment prints on both streams, and whether it succeeded.
    fn python(&self, arguments: &[&str], variables: &[(&str, &Path)]) -> (bool, String) {
        let python = self.place("venv/bin/python");
        let output = run(&python, arguments, &self.place("project"), variables);
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    fn hooked(&self, arguments: &[&str]) -> String {
        let (succeeded, said) = self.python(arguments, &[(hook::VARIABLE, &self.hook)]);
        assert!(succeeded, "{arguments:?}: {said}");
        said
    }

    /// The number of processes that have loaded the run's settings.
    fn traces(&self) -> usize {
        std::fs::read_dir(self.place("run/loaded")).unwrap().count()
    }
}

#[test]
fn however_python_is_started_the_settings_are_the_runs() {
    let Some(scene) = Scene::new() else { return };
    let own = scene.place("run/db/default.sqlite3");
    let project = scene.place("project");
    let isolated = format!("import sys; sys.path.insert(0, {project:?})\n{LOOK}");
    let configured = "from django.conf import settings\n\
                      settings.configure(DATABASES={'default': {'ENGINE': \
                      'django.db.backends.sqlite3', 'NAME': 'own.sqlite3'}})\n";
    for arguments in [
        &["look.py"][..],
        &["-c", LOOK],
        &["-I", "-c", &isolated],
        &["-E", "-s", "look.py"],
        &["-c", &format!("{configured}{LOOK}")],
    ] {
        let before = scene.traces();
        // With -E no variable of Python counts, but the settings' name does.
        let said = scene.hooked(arguments);
        assert!(said.contains(&format!("NAME {}", own.display())), "{arguments:?}: {said}");
        assert_eq!(said.matches(hook::FOREIGN_DATABASE).count(), 2, "{arguments:?}: {said}");
        assert_eq!(said.matches("OPENED").count(), 2, "{arguments:?}: {said}");
        assert_eq!(scene.traces(), before + 1, "{arguments:?}");
    }
    // A command of Django itself.
    let said = scene.hooked(&["-m", "django", "diffsettings"]);
    assert!(said.contains(own.to_str().unwrap()), "{said}");
    assert!(!scene.place("project/own.sqlite3").exists());
}

#[test]
fn the_timed_server_refuses_the_same_without_an_audit_hook() {
    let Some(scene) = Scene::new() else { return };
    let timed = [(hook::VARIABLE, scene.hook.as_path()), (hook::TIMED, Path::new("1"))];
    for code in [LOOK.to_owned(), format!("import sqlite3.dbapi2\n{LOOK}")] {
        let (succeeded, said) = scene.python(&["-c", &code], &timed);
        assert!(succeeded, "{said}");
        assert_eq!(said.matches(hook::FOREIGN_DATABASE).count(), 2, "{said}");
        assert_eq!(said.matches("OPENED").count(), 2, "{said}");
    }
    assert!(!scene.place("project/own.sqlite3").exists());
}

#[test]
fn without_the_runs_environment_or_the_stub_nothing_passes_unseen() {
    let Some(scene) = Scene::new() else { return };
    let (succeeded, said) = scene.python(&["look.py"], &[]);
    assert!(!succeeded && said.contains(stub::REFUSED), "{said}");
    let raw = "import sqlite3; sqlite3.connect('own.sqlite3')";
    let (succeeded, said) = scene.python(&["-c", raw], &[]);
    assert!(!succeeded && said.contains(stub::REFUSED), "{said}");
    // Without `site` there are no packages; a program that finds them anyway leaves no trace,
    // so its server is asked nothing.
    let (succeeded, said) = scene.python(&["-S", "-c", LOOK], &[(hook::VARIABLE, &scene.hook)]);
    assert!(!succeeded && said.contains("No module named 'django'"), "{said}");
    let bin = PathBuf::from(std::env::var_os("PORTCULLIS_TEST_BIN").unwrap());
    let place = "import site; print(site.getsitepackages()[0], end='')";
    let packages = run(&bin.join("python"), &["-c", place], &scene.place("run"), &[]).stdout;
    let packages = String::from_utf8(packages).unwrap();
    let found = format!("import sys; sys.path += [{packages:?}, '.']\n{LOOK}");
    let said = scene.hooked(&["-S", "-c", &found]);
    assert!(said.contains("NAME own.sqlite3"), "{said}");
    assert_eq!(scene.traces(), 0);
}

#[test]
fn a_run_sends_no_mail_and_reports_nothing_to_sentry() {
    let Some(scene) = Scene::new() else { return };
    let package = scene.place("project/sentry_sdk.py");
    std::fs::write(package, "def init(dsn=None, **more):\n    print('DSN', repr(dsn), more)\n")
        .unwrap();
    let code = "import sentry_sdk\n\
                sentry_sdk.init('https://key@sentry.invalid/1', debug=False)\n\
                sentry_sdk.init(dsn='https://key@sentry.invalid/1')\n\
                from django.conf import settings\n\
                settings.configure(EMAIL_BACKEND=CHOSEN)\n\
                print('MAIL', settings.EMAIL_BACKEND)\n";
    let said = |backend: &str| scene.hooked(&["-c", &code.replace("CHOSEN", backend)]);
    let smtp = said("'django.core.mail.backends.smtp.EmailBackend'");
    assert!(smtp.contains("DSN '' {'debug': False}\nDSN '' {}\n"), "{smtp}");
    assert!(smtp.contains("MAIL django.core.mail.backends.locmem.EmailBackend"), "{smtp}");
    assert!(said("'anymail.backends.ses.EmailBackend'").contains("MAIL django.core.mail.backends"));
    let console = said("'django.core.mail.backends.console.EmailBackend'");
    assert!(console.contains("MAIL django.core.mail.backends.console"), "{console}");
}
