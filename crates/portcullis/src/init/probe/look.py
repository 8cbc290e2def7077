import base64
import json
import os
import re
import signal
import time

from django.apps import apps
from django.conf import settings
from django.core.management import call_command, get_commands
from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import RoutePattern, URLPattern, URLResolver

SKIPPED = re.compile(
    r"(^|/)(admin|static|media|__debug__|silk|schema|swagger|redoc|docs|openapi|logout|"
    r"api-auth|password|register|signup|confirm|verify|callback|oauth|social|i18n|jsi18n)"
)
ADMIN = "/admin/login/"


class TooLong(Exception):
    pass


def too_long(*_):
    raise TooLong("no answer within 10 s")


def own_apps():
    """The apps of the project itself."""
    installed = ("site-packages", "dist-packages")
    return [a for a in apps.get_app_configs() if not any(i in a.path for i in installed)]


def said(error):
    text = " ".join(str(error).split())
    return ("%s: %s" % (type(error).__name__, text))[:200]


def facts():
    """What the settings say, and what of them would keep a local client out."""
    overrides = {}
    hosts = list(settings.ALLOWED_HOSTS)
    allowed = any(h in ("*", "127.0.0.1") for h in hosts) or (settings.DEBUG and not hosts)
    if not allowed:
        overrides["ALLOWED_HOSTS"] = ["127.0.0.1", "localhost"]
        settings.ALLOWED_HOSTS = overrides["ALLOWED_HOSTS"]
    if settings.SECURE_SSL_REDIRECT:
        overrides["SECURE_SSL_REDIRECT"] = False
        settings.SECURE_SSL_REDIRECT = False
    throttles = {}
    if apps.is_installed("rest_framework") or "REST_FRAMEWORK" in dir(settings):
        try:
            from rest_framework.throttling import SimpleRateThrottle

            throttles = {k: v for k, v in SimpleRateThrottle.THROTTLE_RATES.items() if v}
            SimpleRateThrottle.THROTTLE_RATES = {k: "1000000/hour" for k in throttles}
        except ImportError:
            pass
    names = [a.name for a in apps.get_app_configs()]
    known = {
        "rest_framework": "Django REST framework",
        "ninja": "django-ninja",
        "graphene_django": "GraphQL (graphene)",
        "strawberry_django": "GraphQL (strawberry)",
        "strawberry.django": "GraphQL (strawberry)",
        "wagtail": "Wagtail",
    }
    frameworks = [title for name, title in known.items() if name in names]
    user = apps.get_model(settings.AUTH_USER_MODEL)
    return {
        "debug": settings.DEBUG,
        "overrides": overrides,
        "throttles": throttles,
        "frameworks": frameworks,
        "username_field": user.USERNAME_FIELD,
    }


def seeded(plan):
    """Runs what fills the database; each part with its error."""
    done = []

    def part(kind, name, work):
        try:
            signal.alarm(120)
            result = work()
            done.append({"kind": kind, "name": name, "error": None})
            return result
        except Exception as error:
            done.append({"kind": kind, "name": name, "error": said(error)})
        finally:
            signal.alarm(0)

    user = part("user", plan["user"], lambda: user_named(plan["user"], plan["password"]))
    known = get_commands()
    commands = [c for c in plan["commands"] if c in known]
    for fixture in plan["fixtures"]:
        part("fixture", fixture, lambda: call_command("loaddata", fixture, verbosity=0))
    for command in commands:
        part("command", command, lambda: call_command(command, verbosity=0))
    if user is not None:
        for app in own_apps():
            for model in app.get_models():
                meta = model._meta
                if meta.proxy or not meta.managed or model is type(user):
                    continue
                if model._base_manager.exists():
                    continue
                label = meta.label
                part("rows", label, lambda: rows(label, plan["rows"], user))
    return user, done


def flattened(resolver, prefix="", names=()):
    """Every route as (path with <name> for a parameter, callback, name)."""
    for entry in resolver.url_patterns:
        pattern = entry.pattern
        if isinstance(pattern, RoutePattern):
            text = re.sub(r"<(?:[^<>:]+:)?([^<>]+)>", r"<\1>", str(pattern))
        else:
            text = str(getattr(pattern, "_regex", pattern))
            text = re.sub(r"^\^|\$$|\\Z$", "", text)
            text = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", text)
            text = text.replace("\\.", ".").replace("\\-", "-").replace("\\/", "/")
            text = text.replace("/?", "/")
        path = prefix + text
        if isinstance(entry, URLResolver):
            yield from flattened(entry, path, names)
        elif isinstance(entry, URLPattern):
            yield "/" + path, entry.callback, entry.name


def view_of(callback):
    for name in ("cls", "view_class"):
        if getattr(callback, name, None):
            return getattr(callback, name)
    return callback


def model_of(view):
    for look in (
        lambda: view.queryset.model,
        lambda: view.model,
        lambda: view.serializer_class.Meta.model,
        lambda: view.form_class.Meta.model,
    ):
        try:
            model = look()
            if model is not None:
                return model
        except Exception:
            pass
    return None


def describe_view(callback):
    view = view_of(callback)
    return "%s.%s" % (getattr(view, "__module__", ""), getattr(view, "__name__", type(view).__name__))


def parameters(path):
    return re.findall(r"<(\w+)>", path)


def values_for(path, callback, user):
    """The values of the only parameter of a path; None if none are known."""
    names = parameters(path)
    view = view_of(callback)
    model = model_of(view)
    if len(names) != 1:
        return None
    if model is None:
        return {names[0]: [1, 2, 3]} if re.search(r"id$|pk$", names[0]) else None
    field = getattr(view, "lookup_field", None) or getattr(view, "slug_field", None) or "pk"
    if names[0] in ("pk", "id") or field == "slug" and names[0] != getattr(view, "slug_url_kwarg", "slug"):
        field = "pk"
    try:
        found = list(model._default_manager.order_by("pk").values_list(field, flat=True)[:10])
    except Exception:
        return None
    found = [v if isinstance(v, int) else str(v) for v in found]
    found = [v for v in found if isinstance(v, int) or re.match(r"^[\w.~-]+$", v)]
    return {names[0]: found} if found else None


def array_of(body, depth=2):
    """The dotted path and the length of the list in a JSON body."""
    if isinstance(body, list):
        return "", len(body)
    if isinstance(body, dict) and depth:
        usual = ["results", "data", "items", "objects"]
        keys = sorted(body, key=lambda k: usual.index(k) if k in usual else len(usual))
        for key in keys:
            if isinstance(body[key], list) and "." not in key:
                return key, len(body[key])
        for key in usual:
            found = array_of(body.get(key), depth - 1)
            if found:
                return (key + "." + found[0]).rstrip("."), found[1]
    return None


def call(client, path, headers, method="get", **more):
    """One answer, as far as it matters."""
    start = time.monotonic()
    try:
        signal.alarm(10)
        accept = {"HTTP_ACCEPT": "application/json"}
        answer = getattr(client, method)(path, **dict(accept, **headers), **more)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    except Exception as error:
        return {"status": 0, "error": said(error)}
    finally:
        signal.alarm(0)
    kind = answer.get("Content-Type", "").split(";")[0]
    told = {"status": answer.status_code, "type": kind, "size": len(content), "error": None}
    told["seconds"] = time.monotonic() - start
    told["location"] = answer.get("Location", "")
    if kind.endswith("json"):
        try:
            told["body"] = json.loads(content.decode("utf-8"))
        except ValueError:
            pass
    return told


def filled(path, values):
    for name, choices in (values or {}).items():
        path = path.replace("<%s>" % name, str(choices[0]))
    return path


TOKENS = ["access", "token", "access_token", "key", "auth_token", "accessToken", "jwt"]


def token_in(body, prefix=""):
    if not isinstance(body, dict):
        return None
    for name in TOKENS:
        if isinstance(body.get(name), str) and len(body[name]) > 15:
            return prefix + name, body[name]
    for name in ("data", "tokens", "result", "user"):
        found = token_in(body.get(name), name + ".")
        if found:
            return found
    return None


def logins(routes, plan, user):
    """Logins that gave a token, best first, and the session login if there is one."""
    wanted = re.compile(r"token|jwt|login|signin|sign-in|auth|session", re.I)
    refused = re.compile(r"refresh|verify|blacklist|revoke|logout|password|register|admin/", re.I)
    known = re.compile(r"TokenObtain|ObtainAuthToken|ObtainJSONWebToken|TokenCreate|LoginView")
    session = None
    candidates = []
    for path, callback, name in routes:
        if parameters(path) or refused.search(path):
            continue
        view = describe_view(callback)
        if view.startswith(("django.contrib.auth.views.LoginView", "allauth.account.views.LoginView")):
            session = session or {"path": path, "view": view}
        elif wanted.search(path) or known.search(view):
            candidates.append((not known.search(view), len(path), path, view))
    names = [type(user).USERNAME_FIELD, "username", "email"]
    names = sorted(set(names), key=names.index)
    name_of = {n: getattr(user, n, None) or getattr(user, type(user).USERNAME_FIELD) for n in names}
    found = []
    for _, _, path, view in sorted(candidates)[:12]:
        for name in names:
            body = {name: name_of[name], "password": plan["password"]}
            answer = call(
                Client(raise_request_exception=False, HTTP_HOST="127.0.0.1", enforce_csrf_checks=True),
                path, {}, "post", data=json.dumps(body), content_type="application/json",
            )
            token = token_in(answer.get("body")) if answer["status"] in (200, 201) else None
            if token:
                found.append({"path": path, "view": view, "json": body, "status": answer["status"],
                              "token": token[0], "value": token[1]})
                break
    return found, session


def prefixes():
    names = []
    try:
        names += list(settings.SIMPLE_JWT.get("AUTH_HEADER_TYPES", ()))
    except Exception:
        pass
    return names + [p for p in ("Bearer", "Token", "JWT") if p not in names]


def looked(plan):
    told = {"facts": facts()}
    user, told["seed"] = seeded(plan)
    client = Client(raise_request_exception=False, HTTP_HOST="127.0.0.1")
    everything = list(flattened(get_resolver()))
    routes, skipped, paths = [], [], set()
    for path, callback, name in everything:
        if SKIPPED.search(path) or "format>" in path or path in paths:
            continue
        paths.add(path)
        if re.search(r"[\\()\[\]*+?|^$]", path):
            skipped.append({"path": path, "why": "its pattern has no single form"})
            continue
        values = None
        if parameters(path):
            values = values_for(path, callback, user)
            if values is None:
                skipped.append({"path": path, "why": "no value is known for its parameter"})
                continue
        routes.append({"path": path, "name": name, "values": values, "view": describe_view(callback)})
    for route in routes[:200]:
        route["anonymous"] = call(client, filled(route["path"], route["values"]), {})
    closed = [r for r in routes[:200] if r["anonymous"]["status"] in (401, 403)]
    closed.sort(key=lambda r: r["values"] is not None)
    found, session = logins(everything, plan, user) if user is not None else ([], None)
    login, headers = None, {}
    for candidate in found:
        for prefix in prefixes():
            attempt = {"HTTP_AUTHORIZATION": "%s %s" % (prefix, candidate["value"])}
            opened = [r for r in closed[:5]
                      if 200 <= call(client, filled(r["path"], r["values"]), attempt)["status"] < 300]
            if opened and login is None:
                login, headers = dict(candidate, prefix=prefix, kind="token"), attempt
    if login is None and closed and user is not None:
        name = getattr(user, type(user).USERNAME_FIELD)
        pair = base64.b64encode(("%s:%s" % (name, plan["password"])).encode()).decode()
        attempt = {"HTTP_AUTHORIZATION": "Basic " + pair}
        if any(200 <= call(client, filled(r["path"], r["values"]), attempt)["status"] < 300
               for r in closed[:5]):
            login, headers = {"kind": "basic", "authorization": "Basic " + pair}, attempt
    if login:
        login.pop("value", None)
    told["login"], told["session"] = login, session
    told["user"] = getattr(user, type(user).USERNAME_FIELD) if user is not None else None
    for route in routes[:200]:
        answer = route["anonymous"]
        if headers and answer["status"] in (401, 403):
            answer = call(client, filled(route["path"], route["values"]), headers)
        for one in (answer, route["anonymous"]):
            array = array_of(one.pop("body", None))
            if array:
                one["array"], one["items"] = array
        route["answer"] = answer
    told["routes"], told["skipped"] = routes[:200], skipped
    health = re.compile(r"health|ready|live|ping|status|heartbeat", re.I)
    open_ones = [r for r in routes if not r["values"] and 200 <= r["anonymous"]["status"] < 300]
    open_ones.sort(key=lambda r: (not health.search(r["path"]), r["path"] != "/", len(r["path"])))
    told["health"] = open_ones[0]["path"] if open_ones else None
    # Without a route of its own, the project still has its admin, or the page of Django.
    for path in ([] if open_ones else [ADMIN, "/"]):
        answer = call(client, path, {})
        answer.pop("body", None)
        if 200 <= answer["status"] < 300:
            told["health"] = path
            if not any(200 <= r["answer"]["status"] < 300 for r in routes):
                routes.append({"path": path, "name": None, "values": None, "view": "",
                               "anonymous": answer, "answer": answer})
            break
    return told


def main(plan):
    signal.signal(signal.SIGALRM, too_long)
    told = looked(plan)
    with open(plan["out"] + ".new", "w", encoding="utf-8") as file:
        json.dump(told, file)
    os.rename(plan["out"] + ".new", plan["out"])
