//! Projects in the habits of public ones: `init --yes` leads to a verdict without an edit.
//! Each is one folder of a few files; what they share is a shop with two models.

use crate::harness::development_bin;
use crate::made::Made;

/// A project: packages, files by name, what is appended to the settings, the tasks that it
/// gets, and texts of `perf.toml`.
struct Habit<'a> {
    packages: &'a [&'a str],
    settings: &'a str,
    files: &'a [(&'a str, &'a str)],
    tasks: &'a [&'a str],
    parts: &'a [&'a str],
}

const DJANGO: &str = "Django==5.2.19";
const DRF: &str = "djangorestframework==3.18.3";

const MODELS: &str = r#"
from django.conf import settings
from django.db import models


class Product(models.Model):
    name = models.CharField(max_length=40, unique=True)


class Order(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    product = models.ForeignKey(Product, on_delete=models.CASCADE)
"#;

const MIGRATION: &str = r#"
from django.conf import settings
from django.db import migrations, models

class Migration(migrations.Migration):
    initial = True
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel(name="Product", fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=40, unique=True))]),
        migrations.CreateModel(name="Order", fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, to=settings.AUTH_USER_MODEL)),
            ("product", models.ForeignKey(on_delete=models.CASCADE, to="shop.product"))]),
    ]
"#;

/// Views of Django REST framework on the shop, with `MORE` routes.
const API: &str = r#"
from django.http import JsonResponse
from django.urls import include, path
from rest_framework import serializers, viewsets
from rest_framework.routers import DefaultRouter
from shop.models import Order, Product


def of(model):
    meta = type("Meta", (), {"model": model, "fields": "__all__"})
    serializer = type(model.__name__ + "Serializer", (serializers.ModelSerializer,), {"Meta": meta})
    return type(model.__name__ + "ViewSet", (viewsets.ModelViewSet,),
                {"queryset": model.objects.order_by("id"), "serializer_class": serializer})


router = DefaultRouter()
router.register("products", of(Product))
router.register("orders", of(Order))
urlpatterns = [
    path("healthz", lambda request: JsonResponse({"status": "ok"})),
    path("api/", include(router.urls)),
]
"#;

/// Only users may see the API.
fn closed(class: &str) -> String {
    format!(
        "\nREST_FRAMEWORK = {{\"DEFAULT_AUTHENTICATION_CLASSES\": [\"{class}\"],\n\
         \x20   \"DEFAULT_PERMISSION_CLASSES\": [\"rest_framework.permissions.IsAuthenticated\"],\n\
         \x20   \"DEFAULT_PAGINATION_CLASS\": \"rest_framework.pagination.PageNumberPagination\",\n\
         \x20   \"PAGE_SIZE\": 20}}\n"
    )
}

impl Habit<'_> {
    fn make(&self, name: &str) -> Option<Made> {
        let bin = development_bin(name)?;
        let requirements = format!("{DJANGO}\n{}\n", self.packages.join("\n"));
        let mut made = Made::start(&bin, "")
            .append(
                "config/settings.py",
                &format!("\nINSTALLED_APPS += [\"shop\"]\n{}", self.settings),
            )
            .write("requirements.txt", &requirements)
            .write("shop/__init__.py", "")
            .write("shop/models.py", MODELS)
            .write("shop/migrations/__init__.py", "")
            .write("shop/migrations/0001_initial.py", MIGRATION);
        for (name, text) in self.files {
            made = made.write(name, text);
        }
        Some(made)
    }

    /// The project gets a verdict, and its configuration has these parts.
    fn expect(&self, name: &str) {
        let Some(made) = self.make(name) else { return };
        made.expect_verdict(self.tasks);
        made.expect_parts(self.parts);
    }
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn django_ninja_with_jwt() {
    let urls = r#"
from django.urls import path
from ninja_extra import NinjaExtraAPI
from ninja_jwt.authentication import JWTAuth
from ninja_jwt.controller import NinjaJWTDefaultController
from shop.models import Product

api = NinjaExtraAPI()
api.register_controllers(NinjaJWTDefaultController)


@api.get("/products", auth=JWTAuth())
def list_products(request):
    return [{"id": p.id, "name": p.name} for p in Product.objects.all()[:20]]


@api.get("/products/{int:product_id}", auth=JWTAuth())
def one_product(request, product_id: int):
    return {"name": Product.objects.get(id=product_id).name}


@api.get("/search")
def search(request, q: str, limit: int):
    return {"results": [{"name": p.name} for p in Product.objects.all()[:limit]]}


urlpatterns = [path("api/", api.urls)]
"#;
    Habit {
        packages: &["django-ninja==1.7.1", "django-ninja-jwt==5.4.5"],
        settings: "INSTALLED_APPS += [\"ninja_extra\", \"ninja_jwt\"]\n",
        files: &[("config/urls.py", urls)],
        tasks: &["list_products", "one_product", "search"],
        parts: &[
            "path = \"/api/token/pair\"",
            "token = \"access\"",
            "check = [{ min_items = 1 }]",
            "limit = \"1\"",
        ],
    }
    .expect("django_ninja_with_jwt");
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn a_login_by_email() {
    let users = "from django.contrib.auth.models import AbstractUser, UserManager\nfrom django.db import models\n\n\
        class Manager(UserManager):\n    pass\n\n\
        class User(AbstractUser):\n    username = None\n    email = models.EmailField(unique=True)\n    \
        USERNAME_FIELD = \"email\"\n    REQUIRED_FIELDS = []\n    objects = Manager()\n";
    let migration = "from django.db import migrations, models\nimport people.models\n\n\
        class Migration(migrations.Migration):\n    initial = True\n    dependencies = [(\"auth\", \"0012_alter_user_first_name_max_length\")]\n    \
        operations = [migrations.CreateModel(name=\"User\", fields=[\n        \
        (\"id\", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name=\"ID\")),\n        \
        (\"password\", models.CharField(max_length=128)),\n        (\"last_login\", models.DateTimeField(blank=True, null=True)),\n        \
        (\"is_superuser\", models.BooleanField(default=False)),\n        (\"first_name\", models.CharField(blank=True, max_length=150)),\n        \
        (\"last_name\", models.CharField(blank=True, max_length=150)),\n        (\"is_staff\", models.BooleanField(default=False)),\n        \
        (\"is_active\", models.BooleanField(default=True)),\n        (\"date_joined\", models.DateTimeField(auto_now_add=True)),\n        \
        (\"email\", models.EmailField(max_length=254, unique=True)),\n        \
        (\"groups\", models.ManyToManyField(blank=True, to=\"auth.group\")),\n        \
        (\"user_permissions\", models.ManyToManyField(blank=True, to=\"auth.permission\"))],\n        \
        managers=[(\"objects\", people.models.Manager())])]\n";
    let urls = format!(
        "{API}\nfrom rest_framework_simplejwt.views import TokenObtainPairView\n\
         urlpatterns += [path(\"auth/jwt/create\", TokenObtainPairView.as_view())]\n"
    );
    let settings =
        "AUTH_USER_MODEL = \"people.User\"\nINSTALLED_APPS += [\"people\", \"rest_framework\"]\n"
            .to_owned()
            + &closed("rest_framework_simplejwt.authentication.JWTAuthentication");
    Habit {
        packages: &[DRF, "djangorestframework_simplejwt==5.5.1"],
        settings: &settings,
        files: &[
            ("config/urls.py", &urls),
            ("people/__init__.py", ""),
            ("people/models.py", users),
            ("people/migrations/__init__.py", ""),
            ("people/migrations/0001_initial.py", migration),
        ],
        tasks: &["product_list", "order_list", "order_detail"],
        parts: &["json = { email = \"portcullis@example.com\", password = "],
    }
    .expect("a_login_by_email");
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn graphql() {
    let schema = r#"
import graphene
from graphene_django import DjangoObjectType
from shop.models import Product


class ProductType(DjangoObjectType):
    class Meta:
        model = Product
        fields = ("id", "name")


class Query(graphene.ObjectType):
    products = graphene.List(ProductType)
    product = graphene.Field(ProductType, id=graphene.Int(required=True))

    def resolve_products(self, info):
        return Product.objects.all()[:20]


schema = graphene.Schema(query=Query)
"#;
    let urls = "from django.urls import path\nfrom django.views.decorators.csrf import csrf_exempt\n\
        from graphene_django.views import GraphQLView\n\
        urlpatterns = [path(\"graphql\", csrf_exempt(GraphQLView.as_view(graphiql=True)))]\n";
    Habit {
        packages: &["graphene-django==3.2.3"],
        settings: "INSTALLED_APPS += [\"graphene_django\"]\nGRAPHENE = {\"SCHEMA\": \"shop.schema.schema\"}\n",
        files: &[("config/urls.py", urls), ("shop/schema.py", schema)],
        tasks: &["graphql_products"],
        parts: &[
            "graphql = { query = \"{ products { id name } }\" }",
            "check = [{ absent = \"errors\" }, { json = \"data.products\", min_items = 1 }]",
        ],
    }
    .expect("graphql");
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn dj_rest_auth_and_a_factory_and_a_locustfile() {
    let urls = format!("{API}\nurlpatterns += [path(\"auth/\", include(\"dj_rest_auth.urls\"))]\n");
    let factories = "import factory\nfrom shop.models import Product\n\n\
        class ProductFactory(factory.django.DjangoModelFactory):\n    class Meta:\n        model = Product\n    \
        name = factory.Sequence(lambda n: f\"made {n}\")\n";
    let locust = "class U(HttpUser):\n    @task\n    def a(self):\n        self.client.get(\"/api/products/?page=2\")\n";
    let settings =
        "INSTALLED_APPS += [\"rest_framework\", \"rest_framework.authtoken\", \"dj_rest_auth\"]\n"
            .to_owned()
            + &closed("rest_framework.authentication.TokenAuthentication");
    let habit = Habit {
        packages: &[DRF, "dj-rest-auth==7.2.0", "factory_boy==3.3.3"],
        settings: &settings,
        files: &[
            ("config/urls.py", &urls),
            ("shop/factories.py", factories),
            ("locustfile.py", locust),
        ],
        tasks: &["product_list", "order_list"],
        parts: &[
            "path = \"/auth/login/\"",
            "token = \"key\"",
            "\"Token {{ token }}\"",
            "query = { page = \"2\" }",
        ],
    };
    let Some(made) = habit.make("dj_rest_auth") else { return };
    made.expect_verdict(habit.tasks);
    made.expect_parts(habit.parts);
    let seed = made.text("perf/seed.py");
    assert!(seed.contains("factory_rows(\"shop.factories\", \"ProductFactory\", 25)\n"), "{seed}");
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn a_password_exchanged_for_a_token_of_oauth2() {
    let urls = format!(
        "{API}\nurlpatterns += [path(\"o/\", include(\"oauth2_provider.urls\", namespace=\"oauth2_provider\"))]\n"
    );
    let settings = "INSTALLED_APPS += [\"rest_framework\", \"oauth2_provider\"]\n".to_owned()
        + &closed("oauth2_provider.contrib.rest_framework.OAuth2Authentication");
    Habit {
        packages: &[DRF, "django-oauth-toolkit==3.4.1"],
        settings: &settings,
        files: &[("config/urls.py", &urls)],
        tasks: &["product_list", "order_list"],
        parts: &[
            "path = \"/o/token/\"",
            "form = { client_id = \"portcullis\", grant_type = \"password\"",
        ],
    }
    .expect("oauth2");
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn the_form_of_allauth() {
    let urls = format!("{API}\nurlpatterns += [path(\"accounts/\", include(\"allauth.urls\"))]\n");
    let settings = "INSTALLED_APPS += [\"rest_framework\", \"allauth\", \"allauth.account\"]\n\
        MIDDLEWARE += [\"allauth.account.middleware.AccountMiddleware\"]\n\
        AUTHENTICATION_BACKENDS = [\"allauth.account.auth_backends.AuthenticationBackend\"]\n\
        ACCOUNT_EMAIL_VERIFICATION = \"none\"\n"
        .to_owned()
        + &closed("rest_framework.authentication.SessionAuthentication");
    Habit {
        packages: &[DRF, "django-allauth==65.22.1"],
        settings: &settings,
        files: &[("config/urls.py", &urls)],
        tasks: &["product_list", "order_list"],
        parts: &[
            "type = \"session\"\npath = \"/accounts/login/\"",
            "login = \"portcullis\"",
            "Accept = \"text/html\"",
        ],
    }
    .expect("allauth");
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn logins_without_a_path() {
    for (apps, class, parts) in [
        (
            "\"rest_framework.authtoken\"",
            "rest_framework.authentication.TokenAuthentication",
            &["type = \"static\"", "authorization = \"Token perf-only-key"][..],
        ),
        ("", "rest_framework.authentication.BasicAuthentication", &["type = \"basic\""]),
    ] {
        let settings = format!("INSTALLED_APPS += [\"rest_framework\", {apps}]\n{}", closed(class));
        Habit {
            packages: &[DRF],
            settings: &settings,
            files: &[("config/urls.py", API)],
            tasks: &["product_list", "order_list"],
            parts,
        }
        .expect("static");
    }
}

/// `uv.lock`, without a build backend.
#[test]
#[ignore = "long: cargo xtask test --full"]
fn uv_and_pipenv_locks() {
    let listed = [("django", "5.2.19"), ("asgiref", "3.13.0"), ("sqlparse", "0.6.1")];
    let needs = "dependencies = [{ name = \"asgiref\" }, { name = \"sqlparse\" }]\n";
    let mut uv = "version = 1\nrequires-python = \">=3.11\"\n\n[[package]]\nname = \"site\"\n\
        version = \"0.1.0\"\nsource = { virtual = \".\" }\ndependencies = [{ name = \"django\" }]\n\n"
        .to_owned();
    for (name, version) in listed {
        let below = if name == "django" { needs } else { "" };
        uv += &format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\
                        source = {{ registry = \"https://example.org/simple\" }}\n{below}\n"
        );
    }
    let pyproject = "[project]\nname = \"site\"\nversion = \"0.1.0\"\nrequires-python = \">=3.11\"\n\
                     dependencies = [\"django>=5\"]\n";
    let pipenv = serde_json::json!({"_meta": {"pipfile-spec": 6}, "develop": {},
        "default": {"django": {"version": "==5.2.19"}, "asgiref": {"version": "==3.13.0"}, "sqlparse": {"version": "==0.6.1"}}});
    let pipfile = "[packages]\ndjango = \"*\"\n";
    for files in [
        [("uv.lock", uv.as_str()), ("pyproject.toml", pyproject)],
        [("Pipfile.lock", pipenv.to_string().as_str()), ("Pipfile", pipfile)],
    ] {
        let urls = "from django.http import JsonResponse\nfrom django.urls import path\n\
            urlpatterns = [path(\"items/\", lambda r: JsonResponse({\"items\": [1, 2]}), name=\"items\")]\n";
        let habit = Habit {
            packages: &[],
            settings: "",
            files: &[("config/urls.py", urls)],
            tasks: &["items"],
            parts: &[],
        };
        let Some(mut made) = habit.make("locks") else { return };
        std::fs::remove_file(made.root().join("requirements.txt")).unwrap();
        for (name, text) in files {
            made = made.write(name, text);
        }
        made.expect_verdict(habit.tasks);
    }
}

/// The settings are split, and the local ones need PostgreSQL and name Redis for Celery.
#[test]
#[ignore = "long: cargo xtask test --full"]
fn split_settings_on_postgresql_with_celery() {
    let base = "import environ\nenv = environ.Env()\nfrom config.plain import *\n\
        SECRET_KEY = env(\"DJANGO_SECRET_KEY\")\nDATABASES = {\"default\": env.db(\"DATABASE_URL\")}\n\
        CELERY_BROKER_URL = env(\"CELERY_BROKER_URL\")\n";
    let local = "from .base import *\nDEBUG = False\nALLOWED_HOSTS = [\"example.org\"]\n";
    let celery = "import os\nfrom celery import Celery\n\
        os.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"config.settings.local\")\n\
        app = Celery(\"config\")\napp.config_from_object(\"django.conf:settings\", namespace=\"CELERY\")\n";
    let compose = "services:\n  db:\n    image: postgres:16\n  redis:\n    image: redis:7\n";
    let settings = "INSTALLED_APPS += [\"rest_framework\"]\n".to_owned()
        + &closed("rest_framework.authentication.BasicAuthentication");
    let habit = Habit {
        packages: &[
            DRF,
            "psycopg[binary]==3.3.9",
            "django-environ==0.14.0",
            "celery==5.7.0",
            "redis==8.1.0",
        ],
        settings: &settings,
        files: &[
            ("config/urls.py", API),
            ("config/settings/__init__.py", ""),
            ("config/settings/base.py", base),
            ("config/settings/local.py", local),
            ("config/celery.py", celery),
            ("config/__init__.py", "from .celery import app as celery_app\n"),
            ("docker-compose.yml", compose),
        ],
        tasks: &["product_list", "order_list"],
        parts: &[
            "settings = \"config.settings.local\"",
            "DATABASE_URL = \"postgres://",
            "ALLOWED_HOSTS",
        ],
    };
    let Some(made) = habit.make("split") else { return };
    let root = made.root();
    std::fs::rename(root.join("config/settings.py"), root.join("config/plain.py")).unwrap();
    let manage = made.text("manage.py").replace("config.settings", "config.settings.local");
    let made = made.write("manage.py", &manage);
    made.expect_verdict(habit.tasks);
    made.expect_parts(habit.parts);
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn fastapi_with_a_database() {
    let Some(_) = development_bin("fastapi") else { return };
    let main = r#"
import os
from fastapi import FastAPI
from sqlalchemy import create_engine, text

engine = create_engine(os.environ["DATABASE_URL"])
app = FastAPI()


@app.get("/health")
def health():
    with engine.connect() as connection:
        return {"status": connection.execute(text("SELECT 1")).scalar()}


@app.get("/items")
def items(limit: int):
    return {"items": [{"id": n} for n in range(limit)]}


@app.get("/items/{item_id}")
def item(item_id: int):
    return {"id": item_id}
"#;
    let made = Made::empty()
        .write("requirements.txt", "fastapi>=0.115\nuvicorn>=0.30\nsqlalchemy>=2\n")
        .write("app/__init__.py", "")
        .write("app/main.py", main);
    made.expect_verdict(&["items", "item"]);
    made.expect_parts(&[
        "kind = \"command\"",
        "app = \"app.main:app\"",
        "engine = \"sqlite\"",
        "query = { limit = \"1\" }",
        "health = \"/health\"",
    ]);
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn flask_with_a_factory() {
    let Some(_) = development_bin("flask") else { return };
    let site = "from flask import Flask, jsonify\n\n\ndef create_app():\n    app = Flask(__name__)\n\n    \
        @app.route(\"/api/notes\")\n    def notes():\n        return jsonify([{\"id\": 1}])\n\n    return app\n";
    let made =
        Made::empty().write("requirements.txt", "flask>=3\n").write("notebook/__init__.py", site);
    made.expect_verdict(&["notes"]);
    made.expect_parts(&["kind = \"gunicorn\"", "app = \"notebook:create_app()\"", "min_items = 1"]);
}
