//! The oldest Django that is supported, in a project of its time.

use std::path::Path;

use crate::harness::Project;

/// The version that `docs/guide/your-own-service.md` names.
const OLDEST: &str = "3.2.25";

const MANAGE: &str = r#"import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "old.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
"#;

const SETTINGS: &str = r#"import os

BASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SECRET_KEY = "for tests"
DEBUG = True
ROOT_URLCONF = "old.urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.path.join(BASE_DIR, "db.sqlite3"),
    }
}
"#;

const URLS: &str = r#"from django.contrib.auth import get_user_model
from django.http import JsonResponse
from django.urls import path


def users(request):
    return JsonResponse({"users": [user.username for user in get_user_model().objects.all()]})


urlpatterns = [path("users/", users)]
"#;

const SEED: &str = r#"from django.contrib.auth import get_user_model

for name in ["user_a", "user_b"]:
    get_user_model().objects.create_user(name, password="testpass123")
"#;

const CONFIGURATION: &str = r#"[project]
root = "."
requirements = ["requirements.txt"]
python = "3.8"
[django]
settings = "old.settings"
seed = "seed.py"
seed_user = "user_a"
[server]
port = "auto"
health = "/users/"
[load]
users = 2
spawn_rate = "2/s"
duration = "2s"
[scenario]
wait = { min = "50ms", max = "100ms" }
[[scenario.task]]
name = "users"
path = "/users/"
check = { json = "users", min_items = 2 }
[thresholds]
fail = ["error_rate <= 0%"]
"#;

#[test]
fn the_oldest_supported_django_gets_a_verdict() {
    let guide = crate::harness::root().join("docs/guide/your-own-service.md");
    let series = OLDEST.rsplit_once('.').unwrap().0;
    let stated = format!("Django {series}");
    assert!(std::fs::read_to_string(guide).unwrap().contains(&stated), "{stated} is not stated");
    let project = Project::of(CONFIGURATION.to_owned());
    let root = project.folder().join("project");
    let write = |name: &str, text: &str| {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("requirements.txt", &format!("Django=={OLDEST}\n"));
    write("manage.py", MANAGE);
    write("old/__init__.py", "");
    write("old/settings.py", SETTINGS);
    write("old/urls.py", URLS);
    write("seed.py", SEED);
    let outcome = project.run(&["--max-duration", "1x"]);
    outcome.expect(0, &["user_a exists", "PASSED"]);
    assert!(!root.join("db.sqlite3").exists(), "the project's own database was made");
}
