import base64
import html.parser
import importlib
import json
import os
import re
import signal
import time
import urllib.parse

from django.apps import apps
from django.conf import settings
from django.core.management import call_command, get_commands
from django.test import Client
from django.urls import get_resolver, resolve
from django.urls.resolvers import RoutePattern, URLPattern, URLResolver

SKIPPED = re.compile(
    r"(^|/)(admin|static|media|__debug__|silk|schema|swagger|redoc|docs|openapi|logout|"
    r"api-auth|password|register|signup|confirm|verify|callback|oauth|social|i18n|jsi18n|"
    r"test404|test500|404|500|autocomplete)"
)
# Pages of these are for a few people, and have many routes.
OFFICES = ("django.contrib.admin", "wagtail.admin", "wagtail.users", "silk", "debug_toolbar")

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
    for name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"):
        if getattr(settings, name, False):
            overrides[name] = False
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


def part(done, kind, name, work):
    """Does a part of the seed, and notes it with its error."""
    try:
        signal.alarm(120)
        result = work()
        done.append({"kind": kind, "name": name, "error": None})
        return result
    except Exception as error:
        done.append({"kind": kind, "name": name, "error": said(error)})
    finally:
        signal.alarm(0)


def seeded(plan, done):
    """Runs what fills the database; returns the user."""
    user = part(done, "user", plan["user"], lambda: user_named(plan["user"], plan["password"]))
    known = get_commands()
    left = plan["fixtures"]
    # Once more for those that need rows of others.
    for _ in range(2):
        done[:] = [d for d in done if d["kind"] != "fixture" or not d["error"]]
        for fixture in left:
            part(done, "fixture", fixture, lambda: call_command("loaddata", fixture, verbosity=0))
        left = [d["name"] for d in done if d["kind"] == "fixture" and d["error"]]
    for command in (c for c in plan["commands"] if c in known):
        part(done, "command", command, lambda: call_command(command, verbosity=0))
    if user is None:
        return None
    for module in plan["factories"]:
        for name in part(done, "factories", module, lambda: factories(module)) or ():
            part(done, "factory", "%s.%s" % (module, name), lambda: factory_rows(module, name, plan["rows"]))
        done[:] = [d for d in done if d["kind"] != "factories" or d["error"]]
    for app in own_apps():
        for model in app.get_models():
            meta = model._meta
            if meta.proxy or not meta.managed or model is type(user):
                continue
            if model._base_manager.exists():
                continue
            label = meta.label
            part(done, "rows", label, lambda: rows(label, plan["rows"], user))
    return user


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


def call(client, path, headers, method="get", keep=False, **more):
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
    if keep:
        told["content"] = content
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


def collected(everything, known, user):
    """The routes to ask, and those that cannot be asked, each with its reason."""
    routes, skipped, paths = [], [], set()
    for path, callback, name in everything:
        if SKIPPED.search(path) or "format>" in path or path in paths:
            continue
        paths.add(path)
        view = describe_view(callback)
        if view.startswith(OFFICES):
            continue
        if re.search(r"[\\()\[\]*+?|^$]", path):
            # A pattern of anything, such as that of a tree of pages, also fits its own folder.
            top = path[: path.index("(")] if "(" in path else path
            if top.endswith("/") and top not in paths and reaches(top, callback):
                paths.add(top)
                routes.append({"path": top, "name": name, "values": None, "view": view, "query": {}})
            else:
                skipped.append({"path": path, "why": "its pattern has no single form"})
            continue
        examples, query = known.get(path, ({}, {}))
        values = None
        if parameters(path):
            values = values_for(path, callback, user) or examples or None
            if values is None or set(values) != set(parameters(path)):
                skipped.append({"path": path, "why": "no value is known for its parameter"})
                continue
        routes.append({"path": path, "name": name, "values": values, "view": view, "query": {},
                       "needs": query})
    return routes, skipped


def reaches(path, callback):
    try:
        return resolve(path).func is callback
    except Exception:
        return False


def addresses(skipped):
    """Pages of rows that say their own address, for patterns whose values are not known."""
    found, views = [], set()
    for model in apps.get_models():
        if not hasattr(model, "get_absolute_url") and not hasattr(model, "get_url"):
            continue
        try:
            for row in model._default_manager.order_by("pk")[:3]:
                url = row.get_absolute_url() if hasattr(row, "get_absolute_url") else row.get_url()
                path = urllib.parse.urlsplit(url or "").path
                match = resolve(path)
                key = (match.route, model)
                if key not in views and re.match(r"^/[\w/.~%-]*$", path) and not SKIPPED.search(path):
                    views.add(key)
                    found.append({"path": path, "name": match.url_name or model._meta.model_name,
                                  "values": None, "view": describe_view(match.func), "query": {}})
        except Exception:
            pass
    return found


def health_of(routes, everything):
    """A path that answers without a login, a health check first."""
    health = re.compile(r"health|ready|live|ping|status|heartbeat", re.I)
    good = [r for r in routes if not r["values"] and 200 <= r["anonymous"]["status"] < 300]
    good = [r for r in good if not r["query"]]
    good.sort(key=lambda r: (not health.search(r["path"]), r["path"] != "/", len(r["path"])))
    if good:
        return good[0]["path"]
    # Without such a route, the project still has a login page, the pages of its API, an
    # endpoint of GraphQL, or the page of Django.
    plain = [p for p, *_ in everything if not re.search(r"[<>\\()\[\]*+?|^$]", p)]
    pages = [p for p in plain if re.search(r"login|docs|openapi|schema", p) and "logout" not in p]
    queries = [p + "?query=%7B__typename%7D" for p in plain if "graphql" in p.lower()]
    filled_in = [r["path"] + "?" + urllib.parse.urlencode(r["query"]) for r in routes if r["query"]]
    for path in [ADMIN_LOGIN, "/"] + filled_in + sorted(pages, key=len) + queries:
        if 200 <= Access().ask(path)["status"] < 300:
            return path
    return None


def asked(way, route):
    """The answer of a route; once more with the query that its schema needs."""
    path = filled(route["path"], route["values"])
    answer = way.ask(path, data=route["query"])
    if answer["status"] in (400, 422) and route.get("needs"):
        again = way.ask(path, data=route["needs"])
        if 200 <= again["status"] < 300:
            route["query"], answer = route["needs"], again
    return answer


def looked(plan):
    done = []
    told = {"facts": facts(), "seed": done}
    user = seeded(plan, done)
    everything = list(flattened(get_resolver()))
    stranger = Access()
    known = described(schema_of(everything, [(True, stranger)]))
    routes, skipped = collected(everything, known, user)
    paths = {r["path"] for r in routes}
    more = addresses(skipped)
    for one in plan["requests"]:
        more.append({"path": one["path"], "name": None, "values": None, "view": "",
                     "query": dict(one["query"])})
    for route in more:
        if not any(r["path"] == route["path"] and r["query"] == route["query"] for r in routes):
            paths.add(route["path"])
            routes.append(route)
    routes = routes[:200]
    for route in routes:
        route["anonymous"] = asked(stranger, route)
    closed = [r for r in routes if is_closed(r["anonymous"])]
    login, access, failed = best_login(everything, closed, plan, user, done)
    told["login"], told["failed_logins"] = login, failed
    told["user"] = getattr(user, type(user).USERNAME_FIELD) if user is not None else None
    for route in routes:
        # A run sends the login with every request, which can also close a route.
        answer = asked(access, route) if login else route["anonymous"]
        for one in (answer, route["anonymous"]):
            array = array_of(one.pop("body", None))
            if array:
                one["array"], one["items"] = array
        route["answer"] = answer
    told["graphql"] = graphql(everything, [(True, Access(browser()))] + ([(False, access)] if login else []))
    told["routes"], told["skipped"] = routes, skipped
    told["health"] = health_of(routes, everything)
    return told


def main(plan):
    signal.signal(signal.SIGALRM, too_long)
    told = looked(plan)
    with open(plan["out"] + ".new", "w", encoding="utf-8") as file:
        json.dump(told, file)
    os.rename(plan["out"] + ".new", plan["out"])
