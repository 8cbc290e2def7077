//! Conclusions from the content of a folder. Everything here is pure: names and texts in,
//! conclusions out.

mod application;
mod environment;
mod hints;
mod load_files;
mod requirements;
mod settings;

pub use application::{Application, Framework, application};
pub use environment::{Variables, is_env_example, variables};
pub use hints::{Hints, hints, is_load_file};
pub use load_files::Request;
pub use requirements::{Requirements, oldest_python, requirements};
pub use settings::{Manage, manages};

/// The quoted text at the beginning of some code, and the rest behind it.
fn quoted(code: &str) -> Option<(&str, &str)> {
    let code = code.trim_start();
    let mark = code.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let (text, rest) = code.get(1..)?.split_once(mark)?;
    (!text.contains('\n')).then_some((text, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::folder::Folder;

    /// A folder with these files; those with a text can be read.
    pub fn folder(files: &[(&str, &str)]) -> Folder {
        let mut folder = Folder::default();
        for (name, text) in files {
            folder.files.push((*name).to_owned());
            folder.texts.insert((*name).to_owned(), (*text).to_owned());
        }
        folder.files.sort_unstable();
        folder
    }

    const MANAGE: &str = "import os\ndef main():\n    os.environ.setdefault(\
        \"DJANGO_SETTINGS_MODULE\", \"config.settings\")\n";

    #[test]
    fn a_manage_py_names_its_settings_wherever_it_is() {
        let found = manages(&folder(&[
            ("back end/src/manage.py", MANAGE),
            ("back end/src/config/settings.py", ""),
            ("tools/deep/er/manage.py", "print('hello')"),
        ]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].folder, "back end/src");
        assert_eq!(found[0].settings, ["config.settings"]);
    }

    #[test]
    fn split_settings_are_offered_with_the_one_that_manage_py_names_first() {
        let split = MANAGE.replace("config.settings", "config.settings.local");
        let files = [
            ("manage.py", split.as_str()),
            ("config/settings/__init__.py", ""),
            ("config/settings/base.py", ""),
            ("config/settings/local.py", ""),
            ("config/settings/production.py", ""),
        ];
        let found = manages(&folder(&files));
        assert_eq!(found[0].settings[0], "config.settings.local");
        assert!(found[0].settings.contains(&"config.settings.production".to_owned()));
        let unnamed = [
            ("manage.py", "django = os.environ['DJANGO_SETTINGS_MODULE']"),
            files[1],
            files[2],
            files[3],
        ];
        assert_eq!(manages(&folder(&unnamed))[0].settings[0], "config.settings.local");
    }

    #[test]
    fn names_without_a_default_need_a_value() {
        let settings = "SECRET_KEY = os.environ[\"SECRET_KEY\"]\n\
            DEBUG = config('DEBUG', default=False, cast=bool)\n\
            DATABASES = {\"default\": env.db(\"DATABASE_URL\")}\n\
            HOSTS = env.list('ALLOWED_HOSTS', default=[])\n\
            # os.environ['IN_A_COMMENT']\n\
            if \"GUARDED\" in os.environ: X = os.environ[\"GUARDED\"]\n\
            KEY = config('API_KEY')\nOTHER = os.getenv('OPTIONAL')\nX = my_config('NOT_READ')\n";
        let files = [("s/settings.py", settings), (".env.example", "API_KEY=x\n")];
        let found = variables(&folder(&files), "", "s.settings");
        assert_eq!(found.example.as_deref(), Some(".env.example"));
        assert_eq!(found.random, ["SECRET_KEY"]);
        let names: Vec<&str> = found.set.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["DATABASE_URL"]);

        // A Redis is the run's own, also where the settings have an address of another one.
        let redis =
            "A = os.getenv(\"REDIS_URL\", \"redis://localhost\")\nB = env('CELERY_BROKER_URL')\n";
        let given =
            [("s/settings.py", redis), (".env.example", "CELERY_BROKER_URL=redis://redis\n")];
        let set = variables(&folder(&given), "", "s.settings").set;
        let of_run = "redis://127.0.0.1:{service.redis.port}/0";
        assert_eq!(
            set,
            ["REDIS_URL", "CELERY_BROKER_URL"].map(|name| (name.to_owned(), of_run.to_owned()))
        );
        assert!(found.set[0].1.starts_with("sqlite:///{run}/"), "{found:?}");

        // The engine is the project's own.
        let driver = [files[0], files[1], ("requirements.txt", "django\npsycopg[binary]\n")];
        let found = variables(&folder(&driver), "", "s.settings");
        assert!(found.set[0].1.starts_with("postgres://"), "{found:?}");
        let given = [files[0], (".env.example", "API_KEY=x\nDATABASE_URL=psql://u@db/x\n")];
        let found = variables(&folder(&given), "", "s.settings");
        assert_eq!(found.set, [("DATABASE_URL".to_owned(), "psql://u@db/x".to_owned())]);
        let other = [files[0], (".env.example", "API_KEY=x\nDATABASE_URL=mysql://u@db/x\n")];
        let found = variables(&folder(&other), "", "s.settings");
        assert!(found.set[0].1.starts_with("sqlite:"), "{found:?}");
    }

    #[test]
    fn requirements_come_from_a_lock_else_from_the_usual_file() {
        let uv = "[[package]]\nname = \"shop\"\nversion = \"0\"\nsource = { virtual = \".\" }\n\
            dependencies = [{ name = \"django\" }, { name = \"tzdata\", marker = \"sys_platform == 'win32'\" }]\n\
            [package.dev-dependencies]\ndev = [{ name = \"pytest\" }]\n\
            [[package]]\nname = \"django\"\nversion = \"5.2\"\nsource = { registry = \"https://x/simple\" }\n\
            dependencies = [{ name = \"asgiref\" }]\n\
            [[package]]\nname = \"asgiref\"\nversion = \"3.8\"\nsource = { registry = \"https://x/simple\" }\n\
            [[package]]\nname = \"pytest\"\nversion = \"8\"\nsource = { registry = \"https://x/simple\" }\n\
            [[package]]\nname = \"tzdata\"\nversion = \"2024\"\nsource = { registry = \"https://x/simple\" }\n";
        let pinned = |files: &[(&str, &str)]| match requirements(&folder(files), "", "") {
            Some(Requirements::Made { text, .. }) => text,
            other => panic!("{other:?}"),
        };
        let expected = "asgiref==3.8\ndjango==5.2\ntzdata==2024 ; sys_platform == 'win32'\n";
        assert_eq!(pinned(&[("uv.lock", uv), ("requirements.txt", "django")]), expected);
        let poetry = "[[package]]\nname = \"django\"\nversion = \"5.2\"\ngroups = [\"main\"]\n\
            [[package]]\nname = \"pytest\"\nversion = \"8\"\ngroups = [\"dev\"]\n";
        assert_eq!(pinned(&[("poetry.lock", poetry)]), "django==5.2\n");
        let older = "[[package]]\nname = \"Django\"\nversion = \"4.2\"\n[package.dependencies]\n\
            asgiref = \">=3\"\n[[package]]\nname = \"asgiref\"\nversion = \"3.8\"\n\
            [[package]]\nname = \"black\"\nversion = \"24\"\n";
        let project = "[tool.poetry.dependencies]\npython = \"^3.10\"\ndjango = \"^4.2\"\n";
        let text = pinned(&[("poetry.lock", older), ("pyproject.toml", project)]);
        assert_eq!(text, "asgiref==3.8\nDjango==4.2\n");
        assert_eq!(pinned(&[("pyproject.toml", project)]), "django>=4.2,<5\n");
        let pipfile = r#"{"default": {"django": {"version": "==4.2"}, "uvicorn": {"version": "==1",
            "markers": "python_version > '3'"}}, "develop": {"pytest": {"version": "==8"}}}"#;
        let text = pinned(&[("Pipfile.lock", pipfile)]);
        assert_eq!(text, "django==4.2\nuvicorn==1 ; python_version > '3'\n");
        let files =
            [("requirements/base.txt", "django"), ("requirements/local.txt", "-r base.txt")];
        let local = requirements(&folder(&files), "", "config.settings.local");
        assert_eq!(local, Some(Requirements::File("requirements/local.txt".to_owned())));
        assert_eq!(
            requirements(&folder(&files), "", "config.settings"),
            Some(Requirements::File("requirements/base.txt".to_owned()))
        );
        assert_eq!(requirements(&folder(&[]), "", ""), None);
        assert_eq!(oldest_python(&folder(&[("pyproject.toml", project)]), ""), Some("3.10".into()));
    }

    #[test]
    fn seeds_services_and_old_load_files_are_seen() {
        let found = hints(&folder(&[
            ("shop/management/commands/seed_demo.py", ""),
            ("shop/management/commands/create_invoices.py", ""),
            ("shop/management/commands/send_mail.py", ""),
            ("shop/fixtures/products.json", ""),
            ("shop/tests/factories.py", ""),
            ("locustfile.py", ""),
            (
                "docker-compose.yml",
                "services:\n  db:\n    image: postgres:16\n  q:\n    image: \"redis:7\"\n",
            ),
        ]));
        assert_eq!(found.commands, ["seed_demo", "create_invoices"]);
        assert_eq!(found.fixtures, ["shop/fixtures/products.json"]);
        assert_eq!(found.factories, ["shop/tests/factories.py"]);
        assert_eq!(found.load_files, ["locustfile.py"]);
        assert_eq!(found.services, ["postgres:16", "redis:7"]);
    }
}
