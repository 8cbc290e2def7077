//! `doctor` on a real project: nothing is found on a healthy one, and each planted problem is
//! found with its remedy.

use std::net::TcpListener;
use std::path::Path;

use crate::harness::development_bin;
use crate::made::{Made, Said};

const PINS: &str = "Django==5.2.19\ndjangorestframework==3.18.3\n\
                    djangorestframework_simplejwt==5.5.1\n";

const URLS: &str = r#"
from django.contrib.auth.models import User
from django.http import HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from rest_framework import permissions, serializers, viewsets
from rest_framework.routers import DefaultRouter
from rest_framework_simplejwt.views import TokenObtainPairView
from shop.models import Product


class ProductSerializer(serializers.ModelSerializer):
    class Meta:
        model = Product
        fields = "__all__"


class ProductViewSet(viewsets.ModelViewSet):
    queryset = Product.objects.order_by("id")
    serializer_class = ProductSerializer


class Nobody(permissions.BasePermission):
    def has_permission(self, request, view):
        return False


class SecretViewSet(ProductViewSet):
    permission_classes = [Nobody]


def broken(request):
    raise RuntimeError("broken on purpose")


router = DefaultRouter()
router.register("products", ProductViewSet)
router.register("secrets", SecretViewSet, basename="secret")
urlpatterns = [
    path("healthz", lambda request: JsonResponse({"status": "ok"})),
    path("broken", broken),
    path("empty/", lambda request: JsonResponse({"results": []})),
    path("page/", csrf_exempt(lambda request: HttpResponse("<html>an error page</html>"))),
    path("api/token/", TokenObtainPairView.as_view()),
    path("api/", include(router.urls)),
]
"#;

const SETTINGS: &str = r#"
DEBUG = False
INSTALLED_APPS += ["rest_framework", "shop"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 20,
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": "5/min"},
}
"#;

const CONFIGURATION: &str = r#"
[project]
root = "."
requirements = ["requirements.txt"]

[django]
settings = "config.settings"
seed = "seed.py"
seed_user = "anna"

[django.overrides]
ALLOWED_HOSTS = ["127.0.0.1"]
"REST_FRAMEWORK.DEFAULT_THROTTLE_RATES.user" = "1000000/hour"

[server]
port = "auto"
health = "/healthz"
ready_timeout = "8s"

[scenario.login]
path = "/api/token/"
json = { username = "anna", password = "perf-only-password" }
token = "access"

[[scenario.task]]
name = "products"
path = "/api/products/"
check = { json = "results", min_items = 1 }

[[scenario.task]]
name = "product"
path = "/api/products/{{ id }}/"
query = { n = "{{ id }}" }
values = { id = [1, 2] }

[[scenario.task]]
name = "more"
path = "/api/products/?page=1"

[thresholds]
fail = ["error_rate <= 1%"]
"#;

const SEED: &str = "from django.contrib.auth.models import User\nfrom shop.models import Product\n\
    User.objects.create_user(\"anna\", password=\"perf-only-password\")\n\
    Product.objects.bulk_create(Product(name=f\"p{n}\") for n in range(5))\n";

const MODELS: &str = "from django.db import models\n\n\
    class Product(models.Model):\n    name = models.CharField(max_length=40)\n";

const MIGRATION: &str = "from django.db import migrations, models\n\n\
    class Migration(migrations.Migration):\n    initial = True\n    dependencies = []\n    \
    operations = [migrations.CreateModel(name=\"Product\", fields=[\n        \
    (\"id\", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name=\"ID\")),\n        \
    (\"name\", models.CharField(max_length=40))])]\n";

fn made(bin: &Path) -> Made {
    Made::start(bin, "")
        .append("config/settings.py", SETTINGS)
        .write("config/urls.py", URLS)
        .write("shop/__init__.py", "")
        .write("shop/models.py", MODELS)
        .write("shop/migrations/__init__.py", "")
        .write("shop/migrations/0001_initial.py", MIGRATION)
        .write("requirements.txt", PINS)
        .write("seed.py", SEED)
        .write(
            "perf.toml",
            &CONFIGURATION
                .replace("/api/products/?page=1\"", "/api/products/\"\nquery = { page = \"1\" }"),
        )
}

const DOCTOR: [&str; 4] = ["doctor", "--no-noise", "--format", "json"];

/// What `doctor` found: (check, level, message and remedy).
fn found(said: &Said) -> Vec<(String, String, String)> {
    let document: serde_json::Value = serde_json::from_str(&said.out)
        .unwrap_or_else(|error| panic!("{error}: {}\n{}", said.out, said.text));
    let text =
        |one: &serde_json::Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let checks = document["checks"].as_array().unwrap().iter();
    checks
        .map(|one| {
            let words = format!("{} | try: {}", text(one, "message"), text(one, "remedy"));
            (text(one, "check"), text(one, "level"), words)
        })
        .collect()
}

/// A problem: the file, what is replaced (all of it if empty), by what; then the check that
/// finds it, its level, and words of its message or remedy.
type Planted<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, &'a [&'a str]);

const OF_FILES: [Planted<'_>; 29] = [
    ("perf.toml", "[server]", "[server]\nprot = 1", "configuration", "problem", &["port"]),
    (
        "perf.toml",
        "\"requirements.txt\"",
        "\"none.txt\"",
        "configuration",
        "problem",
        &["none.txt"],
    ),
    (
        "perf.toml",
        "root = \".\"",
        "root = \".\"\npython = \"3.99\"",
        "environment",
        "problem",
        &["3.99"],
    ),
    ("requirements.txt", "Django", "./nothing\nDjango", "install", "problem", &["nothing"]),
    (
        "requirements.txt",
        "Django",
        "asgiref\nDjango",
        "requirements",
        "warning",
        &["asgiref", "pip"],
    ),
    ("perf.toml", "config.settings", "config.nothing", "migrate", "problem", &["config.nothing"]),
    (
        "config/settings.py",
        "DEBUG = False",
        "import os\nos.environ[\"NEEDED_KEY\"]",
        "migrate",
        "problem",
        &["NEEDED_KEY"],
    ),
    (
        "config/settings.py",
        "DEBUG = False",
        "raise OSError(\"cannot load library 'libcairo.so.2': error 0x7e\")",
        "migrate",
        "problem",
        &["libcairo2"],
    ),
    ("shop/models.py", "40", "50", "migrations", "warning", &["shop", "makemigrations"]),
    (
        "shop/models.py",
        "name = ",
        "cost = models.IntegerField(null=True)\n    name = ",
        "seed",
        "problem",
        &["cost", "makemigrations"],
    ),
    (
        "shop/migrations/0001_initial.py",
        "operations = [",
        "operations = [migrations.RunPython(lambda a, e: 1 / 0), ",
        "migrate",
        "problem",
        &["ZeroDivisionError"],
    ),
    ("seed.py", "", "raise SystemExit(3)\n", "seed", "problem", &["seed"]),
    (
        "perf.toml",
        "seed_user = \"anna\"",
        "seed_user = \"bert\"",
        "seed",
        "problem",
        &["bert", "anna"],
    ),
    ("perf.toml", "\"/healthz\"", "\"/nothing\"", "ready", "problem", &["status 404"]),
    (
        "perf.toml",
        "\"/healthz\"",
        "\"/api/products\"",
        "ready",
        "problem",
        &["status 301", "/api/products/"],
    ),
    ("perf.toml", "\"/healthz\"", "\"/broken\"", "ready", "problem", &["status 500"]),
    ("perf.toml", "ALLOWED_HOSTS = [\"127.0.0.1\"]", "", "ready", "problem", &["ALLOWED_HOSTS"]),
    ("perf.toml", "\"perf-only-password\"", "\"wrong\"", "login", "problem", &["401", "seed"]),
    ("perf.toml", "path = \"/api/token/\"", "path = \"/page/\"", "login", "problem", &["page"]),
    (
        "perf.toml",
        "path = \"/api/products/\"",
        "path = \"/api/product/\"",
        "task",
        "problem",
        &["404", "path"],
    ),
    (
        "perf.toml",
        "\"/api/products/{{ id }}/\"",
        "\"/api/secrets/{{ id }}/\"",
        "task",
        "problem",
        &["403", "permission"],
    ),
    ("perf.toml", "\"/api/products/{{ id }}/\"", "\"/broken\"", "task", "problem", &["500", "log"]),
    (
        "perf.toml",
        "\"/api/products/{{ id }}/\"",
        "\"/page/\"",
        "task",
        "warning",
        &["a page", "JSON"],
    ),
    (
        "perf.toml",
        "\"/api/products/{{ id }}/\"",
        "\"/empty/\"",
        "task",
        "warning",
        &["0 items", "seed"],
    ),
    ("perf.toml", "min_items = 1", "min_items = 100", "task", "problem", &["5 items", "seed"]),
    (
        "perf.toml",
        "\"REST_FRAMEWORK.DEFAULT_THROTTLE_RATES.user\"",
        "\"REST_FRAMEWORK.DEFAULT_THROTTLE_RATES.other\"",
        "throttles",
        "problem",
        &["5/min", "[django.overrides]"],
    ),
    ("config/settings.py", "DEBUG = False", "DEBUG = True", "settings", "warning", &["DEBUG"]),
    (
        "config/settings.py",
        "DEBUG = False",
        "DEBUG = False\nMIDDLEWARE += [\"config.debug_toolbar.Bar\"]",
        "settings",
        "warning",
        &["debug_toolbar"],
    ),
    (
        "perf.toml",
        "health = ",
        "argv = [\"{python}\", \"nothing.py\", \"{port}\"]\nhealth = ",
        "serve",
        "problem",
        &["nothing.py"],
    ),
];

#[test]
#[ignore = "long: cargo xtask test --full"]
fn each_planted_problem_is_found_and_nothing_on_a_healthy_project() {
    let Some(bin) = development_bin("doctor") else { return };
    let made = made(&bin).write("config/debug_toolbar.py", "def Bar(next):\n    return next\n");
    let healthy = made.run(&DOCTOR);
    let others: Vec<_> =
        found(&healthy).into_iter().filter(|(_, level, _)| level != "ok").collect();
    // Whatever this machine is, it is not the project's.
    let of_project =
        |(check, ..): &&(String, String, String)| !["disk", "governor"].contains(&check.as_str());
    assert!(!others.iter().any(|one| of_project(&one)), "{others:?}");
    assert_eq!(healthy.code, Some(0), "{}", healthy.text);
    let mut missed = Vec::new();
    for (file, from, to, check, level, words) in OF_FILES {
        let before = made.text(file);
        assert!(before.contains(from), "no {from} in {file}");
        let text = if from.is_empty() { to.to_owned() } else { before.replacen(from, to, 1) };
        std::fs::write(made.root().join(file), text).unwrap();
        let said = made.run(&DOCTOR);
        std::fs::write(made.root().join(file), before).unwrap();
        missed.extend(
            missing(&said, (check, level, words)).map(|why| format!("{file}: {to}: {why}")),
        );
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = port.local_addr().unwrap().port().to_string();
    let arguments: Vec<&str> = DOCTOR.into_iter().chain(["--port", &number]).collect();
    missed.extend(missing(&made.run(&arguments), ("port", "problem", &["is held by", "auto"])));
    let many: Vec<&str> = DOCTOR.into_iter().chain(["-u", "4000000"]).collect();
    missed.extend(missing(&made.run(&many), ("configuration", "problem", &["users"])));
    let few = made.run_as(&DOCTOR, |command| {
        let program = command.get_program().to_owned();
        let mut limited = std::process::Command::new("sh");
        limited
            .args(["-c", "ulimit -n 40; exec \"$0\" \"$@\""])
            .arg(program)
            .args(command.get_args());
        limited
    });
    missed.extend(missing(&few, ("descriptors", "problem", &["ulimit"])));
    let file = made.root().join("perf.toml").to_str().unwrap().to_owned();
    let unwritable = made.run_as(&DOCTOR, |mut command| {
        command.env("PORTCULLIS_CACHE", Path::new(&file).join("cache"));
        command
    });
    missed.extend(missing(&unwritable, ("environment", "problem", &["cache"])));
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n\n"));
}

/// Why a planted problem was not found.
fn missing(said: &Said, (check, level, words): (&str, &str, &[&str])) -> Option<String> {
    let code = if level == "problem" { 2 } else { 0 };
    let all = found(said);
    let is_it = |(name, found, text): &(String, String, String)| {
        name == check && found == level && words.iter().all(|word| text.contains(word))
    };
    let is_found = all.iter().any(is_it) && said.code == Some(code);
    (!is_found).then(|| {
        let other: Vec<_> = all.iter().filter(|(_, level, _)| level != "ok").collect();
        format!("exit {:?}, no {level} {check} with {words:?} in {other:#?}", said.code)
    })
}
