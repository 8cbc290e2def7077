//! A Django project with steps, with seeds of every kind, and with servers by name.

use std::path::PathBuf;
use std::process::Command;

use crate::harness::Project;
use crate::postgresql::{PSYCOPG, expect_measured, stage};

const MANAGE: &str = r#"
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
from django.core.management import execute_from_command_line

execute_from_command_line(sys.argv)
"#;

const SETTINGS: &str = r#"
import os

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["django.contrib.staticfiles", "items"]
ROOT_URLCONF = "shop.urls"
STATIC_URL = "static/"
STATIC_ROOT = "collected"
DATABASES = {"default": {"ENGINE": "django.db.backends.ENGINE", "NAME": "mine"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"#;

const URLS: &str = r#"
import os

from django.http import HttpResponse, JsonResponse
from django.urls import path

from items.models import Item


def items(request):
    return JsonResponse(list(Item.objects.order_by("name").values_list("name", flat=True)), safe=False)


def steps(request):
    with open(os.environ["STEPS"]) as file:
        return JsonResponse(file.read().split(), safe=False)


urlpatterns = [path("health/", lambda request: HttpResponse("")), path("items/", items), path("steps/", steps)]
"#;

const MIGRATION: &str = r#"
from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Item", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField())])
    ]
"#;

const COMMAND: &str = r#"
from django.core.management.base import BaseCommand

from items.models import Item


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("--name")

    def handle(self, *args, name, **options):
        Item.objects.create(name=name)
"#;

/// How `pg_dump --data-only` writes, and SQLite's own statements.
const DUMP: &str = "\
\\restrict KEY
SELECT pg_catalog.set_config('search_path', '', false);
-- rows
COPY public.items_item (id, name) FROM stdin;
50\tsql
\\.

SELECT pg_catalog.setval('public.items_item_id_seq', 50, true);
\\unrestrict KEY
";
const ROWS: &str = "BEGIN TRANSACTION;\nINSERT INTO items_item VALUES(50, 'sql');\nCOMMIT;\n";

const SECTIONS: &str = r#"
[project]
root = "service"
requirements = ["service/requirements.txt"]
[env]
set = { STEPS = "{run}/steps.txt" }
[django]
settings = "shop.settings"
[[step]]
name = "first"
when = "before-migrate"
argv = ["sh", "-c", "echo first >> $STEPS"]
[[step]]
when = "after-migrate"
argv = ["{python}", "-c", "import os; print(os.environ['ADDED'], file=open(os.environ['STEPS'], 'a'))"]
env = { ADDED = "second" }
[[step]]
manage = ["collectstatic", "--noinput"]
[[seed]]
manage = ["add_item", "--name", "manage"]
[[seed]]
fixture = "service/items.json"
[[seed]]
sql = "service/rows.sql"
[[seed]]
python = "service/fill.py"
[[seed]]
shell = "service/shell.py"
[server]
kind = "runserver"
port = "auto"
[load]
users = 2
spawn_rate = "2/s"
duration = "2s"
[scenario]
wait = { constant = "50ms" }
[[scenario.task]]
name = "items"
path = "/items/"
check = { min_items = 5 }
[[scenario.task]]
name = "steps"
path = "/steps/"
check = { min_items = 2 }
[thresholds]
fail = ["error_rate < 1%"]
"#;

/// The project, on an engine of Django, with these edits of its configuration.
fn project(engine: &str, edits: &[(&str, &str)]) -> (Project, PathBuf) {
    let config = edits.iter().fold(SECTIONS.to_owned(), |config, (from, to)| {
        assert!(config.contains(from), "{from}");
        config.replacen(from, to, 1)
    });
    let project = Project::of(config);
    let folder = project.folder().join("project/service");
    let fixture = r#"[{"model": "items.item", "pk": 40, "fields": {"name": "fixture"}}]"#;
    let program = "from items.models import Item\n\
                   if __name__ == \"__main__\":\n    Item.objects.create(name=\"python\")\n";
    let shell = "from items.models import Item\nItem.objects.create(name=\"shell\")\n";
    let models = "from django.db import models\n\n\nclass Item(models.Model):\n    \
                  name = models.TextField()\n";
    let wsgi = "from django.core.wsgi import get_wsgi_application\n\n\
                application = get_wsgi_application()\n";
    let (rows, driver) = if engine == "sqlite3" { (ROWS, "") } else { (DUMP, PSYCOPG) };
    for (name, text) in [
        ("manage.py", MANAGE),
        ("requirements.txt", &format!("django>=5.2,<5.3\n{driver}\n")),
        ("shop/__init__.py", ""),
        ("shop/settings.py", &SETTINGS.replace("ENGINE\", \"N", &format!("{engine}\", \"N"))),
        ("shop/urls.py", URLS),
        ("shop/wsgi.py", wsgi),
        ("shop/asgi.py", &wsgi.replace("wsgi", "asgi")),
        ("items/__init__.py", ""),
        ("items/models.py", models),
        ("items/migrations/__init__.py", ""),
        ("items/migrations/0001_initial.py", MIGRATION),
        ("items/management/commands/add_item.py", COMMAND),
        ("items/static/items/style.css", "body {}"),
        ("items.json", fixture),
        ("rows.sql", rows),
        ("fill.py", program),
        ("shell.py", shell),
    ] {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    // A template needs to know which files there are.
    let git = Command::new("git").args(["init", "-q"]).current_dir(&folder).status().unwrap();
    assert!(git.success());
    (project, folder)
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn steps_run_in_every_run_and_seeds_in_order() {
    let (all, folder) = project("sqlite3", &[]);
    for _ in 0..2 {
        let done = all.run(&[]);
        for part in ["first", "python -c import os", "collectstatic --noinput", "5 seeds"] {
            expect_measured(&done, part);
        }
        assert_eq!(
            stage(&done, "migrate"),
            ("not restored: a step runs before the migrations".into(), false)
        );
    }
    assert!(!folder.join("collected").exists(), "collected into the checkout");

    // Without the first step the migrated database is restored; without both, all of it.
    let first = "[[step]]\nname = \"first\"\nwhen = \"before-migrate\"\nargv = [\"sh\", \"-c\", \"echo first >> $STEPS\"]\n";
    let (one, _) = project("sqlite3", &[(first, ""), ("min_items = 2", "min_items = 1")]);
    expect_measured(&one.run(&[]), "5 seeds");
    assert_eq!(stage(&one.run(&[]), "migrate").0, "restored from cache before its steps");
    let (none, _) = project(
        "sqlite3",
        &[(first, ""), ("when = \"after-migrate\"\n", ""), ("min_items = 2", "min_items = 1")],
    );
    expect_measured(&none.run(&[]), "5 seeds");
    assert!(stage(&none.run(&[]), "migrate").0.starts_with("restored from cache, with its seed"));
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn a_step_and_a_seed_that_fail_are_named() {
    let (failing, _) = project("sqlite3", &[("echo first >> $STEPS", "echo no such file; exit 3")]);
    failing.run(&[]).expect(3, &["exit 3 ended with exit status: 3", "no such file"]);
    let (late, _) = project(
        "sqlite3",
        &[("when = \"before-migrate\"", "timeout = \"1s\""), ("echo first >> $STEPS", "sleep 60")],
    );
    late.run(&[]).expect(3, &["the step \"first\": ", "did not end within 1 s"]);
    let (seed, folder) = project("sqlite3", &[]);
    std::fs::write(folder.join("fill.py"), "raise ValueError('half a seed')\n").unwrap();
    seed.run(&[]).expect(3, &["fill.py\"", "ValueError: half a seed"]);
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn seeds_fill_postgresql_too() {
    let done = project("postgresql", &[]).0.run(&[]);
    expect_measured(&done, "5 seeds");
    expect_measured(&done, "on PostgreSQL");
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn servers_are_installed_beside_the_requirements_and_find_the_application() {
    for (kind, more) in [
        ("gunicorn", "workers = 2\nthreads = 2\n"),
        ("uvicorn", ""),
        ("daphne", ""),
        ("hypercorn", ""),
        ("granian", "threads = 2\n"),
        ("uwsgi", "workers = 1\nthreads = 2\n"),
    ] {
        let section = format!("kind = \"{kind}\"\n{more}");
        let done = project("sqlite3", &[("kind = \"runserver\"\n", &section)]).0.run(&[]);
        expect_measured(&done, "/health/ is healthy");
    }
}
