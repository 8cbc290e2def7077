//! `init` on projects in the habits of public ones: what is written leads to a verdict
//! without an edit, and nothing else of the project changes.

use std::path::Path;
use std::process::Command;

use crate::harness::development_bin;
use crate::made::Made;

const PINS: &str = "Django==5.2.19\ndjangorestframework==3.18.3\n\
                    djangorestframework_simplejwt==5.5.1\n";

const SHOP: &str = r#"
from django.conf import settings
from django.db import models


class Product(models.Model):
    name = models.CharField(max_length=40, unique=True)
    price = models.DecimalField(max_digits=8, decimal_places=2)


class Order(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    product = models.ForeignKey(Product, on_delete=models.CASCADE)


class Odd(models.Model):
    code = models.CharField(max_length=3)

    def save(self, *args, **kwargs):
        raise ValueError("an odd model")
"#;

const VIEWS: &str = r#"
from rest_framework import serializers, viewsets
from shop.models import Order, Product


class ProductSerializer(serializers.ModelSerializer):
    class Meta:
        model = Product
        fields = "__all__"


class OrderSerializer(serializers.ModelSerializer):
    class Meta:
        model = Order
        fields = "__all__"


class ProductViewSet(viewsets.ModelViewSet):
    queryset = Product.objects.order_by("id")
    serializer_class = ProductSerializer


class OrderViewSet(viewsets.ReadOnlyModelViewSet):
    serializer_class = OrderSerializer

    def get_queryset(self):
        return Order.objects.filter(owner=self.request.user).order_by("id")
"#;

const URLS: &str = r#"
from django.http import JsonResponse
from django.urls import include, path
from rest_framework.routers import DefaultRouter
from TOKEN_MODULE import TOKEN_VIEW
from shop import views

router = DefaultRouter()
router.register("products", views.ProductViewSet)
router.register("orders", views.OrderViewSet, basename="order")
urlpatterns = [
    path("healthz", lambda request: JsonResponse({"status": "ok"})),
    path("api/token/", TOKEN_VIEW.as_view()),
    path("api/", include(router.urls)),
]
"#;

/// A shop with Django REST framework, a login, and a throttle that a load exceeds.
fn shop(bin: &Path, below: &str, (module, view): (&str, &str), authentication: &str) -> Made {
    let within =
        |name: &str| if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
    let settings = format!(
        "\nINSTALLED_APPS += [\"rest_framework\", \"rest_framework.authtoken\", \"shop\"]\n\
         REST_FRAMEWORK = {{\n\
         \x20   \"DEFAULT_AUTHENTICATION_CLASSES\": [\"{authentication}\"],\n\
         \x20   \"DEFAULT_PERMISSION_CLASSES\": [\"rest_framework.permissions.IsAuthenticated\"],\n\
         \x20   \"DEFAULT_PAGINATION_CLASS\": \"rest_framework.pagination.PageNumberPagination\",\n\
         \x20   \"PAGE_SIZE\": 20,\n\
         \x20   \"DEFAULT_THROTTLE_CLASSES\": [\"rest_framework.throttling.UserRateThrottle\"],\n\
         \x20   \"DEFAULT_THROTTLE_RATES\": {{\"user\": \"5/min\"}},\n}}\n"
    );
    let made = Made::start(bin, below)
        .append(&within("config/settings.py"), &settings)
        .write(
            &within("config/urls.py"),
            &URLS.replace("TOKEN_MODULE", module).replace("TOKEN_VIEW", view),
        )
        .write(&within("shop/__init__.py"), "")
        .write(&within("shop/models.py"), SHOP)
        .write(&within("shop/views.py"), VIEWS)
        .write(&within("shop/migrations/__init__.py"), "");
    let mut command = Command::new(bin.join("python"));
    command.args(["-B", "manage.py", "makemigrations", "-v0"]).current_dir(made.root().join(below));
    assert!(command.status().unwrap().success());
    made.write(&within("requirements.txt"), PINS)
}

#[test]
fn a_new_project_gets_a_verdict() {
    let Some(bin) = development_bin("init") else { return };
    let made = Made::start(&bin, "").write("requirements.txt", PINS);
    made.expect_verdict(&["health"]);
    let again = made.run(&["init", "--yes"]);
    assert_eq!(again.code, Some(2), "{}", again.text);
    assert!(again.text.contains("not overwritten"), "{}", again.text);
}

#[test]
fn a_jwt_in_a_folder_with_blanks_gets_a_verdict_and_no_problem_from_doctor() {
    let Some(bin) = development_bin("init") else { return };
    let jwt = ("rest_framework_simplejwt.views", "TokenObtainPairView");
    let class = "rest_framework_simplejwt.authentication.JWTAuthentication";
    let made = shop(&bin, "back end/src", jwt, class);
    made.expect_verdict(&["product_list", "product_detail", "order_list", "order_detail"]);
    let text = made.text("perf.toml");
    for part in [
        "root = \"back end/src\"",
        "requirements = [\"back end/src/requirements.txt\"]",
        "health = \"/healthz\"",
        "path = \"/api/token/\"",
        "authorization = \"Bearer {{ token }}\"",
        "check = [{ json = \"results\", min_items = 1 }]",
        "\"REST_FRAMEWORK.DEFAULT_THROTTLE_RATES.user\" = \"1000000/hour\"  # is 5/min",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    let seed = made.text("perf/seed.py");
    assert!(seed.contains("# rows(\"shop.Odd\", 25, _user)  # ValueError: an odd model"), "{seed}");
    let healthy = made.run(&["doctor", "--no-noise", "--port", "auto"]);
    assert_eq!(healthy.code, Some(0), "{}", healthy.text);
    for part in [
        "READY: no problems",
        "task: product_list: GET /api/products/: 200",
        "login: it is accepted",
    ] {
        assert!(healthy.text.contains(part), "no {part} in\n{}", healthy.text);
    }
    expect_planted(&made);
}

/// Problems are planted one after the other; each is found with its remedy.
fn expect_planted(made: &Made) {
    let text = made.text("perf.toml");
    let seed = made.text("perf/seed.py");
    let models = made.text("back end/src/shop/models.py");
    let file = |name: &str, text: &str| std::fs::write(made.root().join(name), text).unwrap();
    let throttle = "\"REST_FRAMEWORK.DEFAULT_THROTTLE_RATES.user\" = \"1000000/hour\"";
    for (from, to, parts) in [
        (throttle, "# none", &["throttle \"user\" allows 5/min", "[django.overrides]"][..]),
        ("perf-only-password", "wrong", &["problem login: ", "seed makes this user"]),
        (
            "path = \"/api/orders/\"",
            "path = \"/api/order/\"",
            &["order_list: GET /api/order/", "correct its path"],
        ),
        ("health = \"/healthz\"", "health = \"/nothing\"", &["/nothing: status 404"]),
        ("settings = \"config.settings\"", "settings = \"config.nothing\"", &["problem migrate"]),
        ("min_items = 1", "min_items = 1000", &["let the seed make rows"]),
        (
            "seed_user = \"portcullis\"",
            "seed_user = \"nobody\"",
            &["no user with username = \"nobody\""],
        ),
    ] {
        assert!(text.contains(from), "no {from} in\n{text}");
        file("perf.toml", &text.replacen(from, to, 1));
        let said = made.run(&[
            "doctor",
            "--no-noise",
            "--port",
            "auto",
            "--set",
            "server.ready_timeout=5s",
        ]);
        assert_eq!(said.code, Some(2), "{from}: {}", said.text);
        for part in parts {
            let is_said = said.text.contains(part)
                || said.text.split_whitespace().collect::<Vec<_>>().join(" ").contains(part);
            assert!(is_said, "{from}: no {part} in\n{}", said.text);
        }
    }
    file("perf.toml", &text);
    file("perf/seed.py", "raise SystemExit(3)\n");
    let said = made.run(&["doctor", "--no-noise", "--format", "json"]);
    assert_eq!(said.code, Some(2), "{}", said.text);
    let json = said.text.split_once("{\n").map(|(_, rest)| format!("{{\n{rest}")).unwrap();
    let json = json.split_once("\n}\n").map(|(json, _)| format!("{json}\n}}")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(
        json["checks"]
            .as_array()
            .unwrap()
            .iter()
            .any(|c| c["check"] == "seed" && c["level"] == "problem"),
        "{json}"
    );
    file("perf/seed.py", &seed);
    // No migration has this column, which the seed would fill.
    let pending = models.replace("price = ", "cost = models.IntegerField(null=True)\n    price = ");
    file("back end/src/shop/models.py", &pending);
    let said = made.run(&["doctor", "--no-noise", "--port", "auto"]);
    assert!(said.text.contains("has no column named cost"), "{}", said.text);
    assert!(said.text.contains("makemigrations"), "{}", said.text);
}

#[test]
fn a_token_of_the_framework_gets_a_verdict_from_a_lock() {
    let Some(bin) = development_bin("init") else { return };
    let token = ("rest_framework.authtoken.views", "ObtainAuthToken");
    let made = shop(&bin, "", token, "rest_framework.authentication.TokenAuthentication");
    std::fs::remove_file(made.root().join("requirements.txt")).unwrap();
    let package = |line: &str| {
        let (name, version) = line.split_once("==").unwrap();
        format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\ngroups = [\"main\"]\n\n")
    };
    let lock: String = PINS.lines().map(package).collect();
    let made = made.write("poetry.lock", &lock).write(
        "pyproject.toml",
        "[tool.poetry]\nname = \"shop\"\n[tool.poetry.dependencies]\npython = \"^3.9\"\nDjango = \"^5\"\n",
    );
    made.expect_verdict(&["product_list", "order_list"]);
    let text = made.text("perf.toml");
    assert!(text.contains("authorization = \"Token {{ token }}\""), "{text}");
    assert!(text.contains("requirements = [\"perf/requirements.txt\"]"), "{text}");
    assert!(text.contains("python = \"3.9\""), "{text}");
}

#[test]
fn a_session_by_a_form_gets_a_verdict() {
    let Some(bin) = development_bin("init") else { return };
    let page = "<form method=post>{% csrf_token %}<input name=username><input type=password \
                name=password></form>";
    let settings =
        "\nTEMPLATES[0][\"DIRS\"] = [BASE_DIR / \"templates\"]\nLOGIN_REDIRECT_URL = \"/\"\n";
    let urls = "\nfrom django.contrib.auth.decorators import login_required\n\
        from django.contrib.auth.views import LoginView\n\
        from django.http import HttpResponse, JsonResponse\n\
        urlpatterns += [\n\
        \x20   path(\"\", lambda request: HttpResponse(\"<h1>home</h1>\"), name=\"home\"),\n\
        \x20   path(\"accounts/login/\", LoginView.as_view(template_name=\"login.html\")),\n\
        \x20   path(\"mine/\", login_required(lambda request: JsonResponse({\"a\": 1}))),\n]\n";
    let made = Made::start(&bin, "")
        .write("requirements.txt", PINS)
        .write("templates/login.html", page)
        .append("config/settings.py", settings)
        .append("config/urls.py", urls);
    made.expect_verdict(&["home", "mine"]);
    let text = made.text("perf.toml");
    for part in [
        "type = \"session\"\npath = \"/accounts/login/\"",
        "username = \"portcullis\"",
        "cookie = \"sessionid\"",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
}

#[test]
fn nothing_is_run_or_written_without_being_asked_for() {
    let Some(bin) = development_bin("init") else { return };
    let made = Made::start(&bin, "").write("requirements.txt", PINS);
    let before = made.files();
    let said = made.run(&["init"]);
    assert_eq!(said.code, Some(2), "{}", said.text);
    assert!(said.text.contains("--yes"), "{}", said.text);
    assert!(made.files() == before, "something was written");
    let looked = made.run(&["init", "--look-only"]);
    assert_eq!(looked.code, Some(0), "{}", looked.text);
    assert!(!looked.text.contains("environment:"), "{}", looked.text);
    let text = made.text("perf.toml");
    portcullis_core::config::load(&text, None, &[]).unwrap();
    let empty = tempfile::tempdir().unwrap();
    let said = made.run(&["init", "--yes", empty.path().to_str().unwrap()]);
    assert!(said.code == Some(2) && said.text.contains("no manage.py"), "{}", said.text);
}
