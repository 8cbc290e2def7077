import asyncio
import importlib
import io
import json
import os
import re
import sys
import time
import urllib.parse

SKIPPED = re.compile(
    r"(^|/)(admin|static|media|schema|swagger|redoc|docs|openapi|logout|password|register|signup|"
    r"confirm|verify|callback|oauth|test404|test500)"
)


class Asgi:
    """A client of an ASGI application, without a server."""

    def __init__(self, app):
        self.app, self.loop = app, asyncio.new_event_loop()
        self.loop.run_until_complete(self.start())

    async def start(self):
        """The startup of the application, which opens its database."""
        told, started = asyncio.Queue(), asyncio.Event()
        await told.put({"type": "lifespan.startup"})

        async def send(message):
            started.set()

        async def life():
            try:
                await self.app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, told.get, send)
            except Exception:
                pass
            started.set()

        self.life = asyncio.ensure_future(life())
        await asyncio.wait_for(started.wait(), 30)

    def get(self, path, query):
        return self.loop.run_until_complete(asyncio.wait_for(self.call(path, query), 10))

    async def call(self, path, query):
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
                 "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "", "state": {},
                 "query_string": urllib.parse.urlencode(query).encode(),
                 "headers": [(b"host", b"127.0.0.1"), (b"accept", b"application/json")],
                 "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1)}
        parts, head, sent = [], {}, False

        async def receive():
            nonlocal sent
            if sent:
                await asyncio.sleep(60)
            sent = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            if message["type"] == "http.response.start":
                head.update(status=message["status"], fields=dict(message.get("headers") or ()))
            elif message["type"] == "http.response.body":
                parts.append(message.get("body") or b"")

        await self.app(scope, receive, send)
        kind = head["fields"].get(b"content-type", b"").decode()
        return head["status"], kind, b"".join(parts)


class Wsgi:
    """A client of a WSGI application, without a server."""

    def __init__(self, app):
        self.app = app

    def get(self, path, query):
        head = {}

        def start(status, fields, error=None):
            head.update(status=int(status.split()[0]), fields={k.lower(): v for k, v in fields})

        body = self.app({
            "REQUEST_METHOD": "GET", "PATH_INFO": path, "SCRIPT_NAME": "", "HTTP_HOST": "127.0.0.1",
            "QUERY_STRING": urllib.parse.urlencode(query), "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_ACCEPT": "application/json", "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr, "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
            "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False}, start)
        content = b"".join(body)
        return head["status"], head["fields"].get("content-type", ""), content


def said(error):
    text = " ".join(str(error).split())
    return ("%s: %s" % (type(error).__name__, text))[:200]


def flattened(app):
    """Every route that answers GET: path with <name> for a parameter, and its name."""
    if hasattr(app, "url_map"):
        for rule in app.url_map.iter_rules():
            if "GET" in rule.methods and rule.endpoint != "static":
                yield re.sub(r"<(?:[^<>:]+:)?([^<>]+)>", r"<\1>", rule.rule), rule.endpoint
        return
    for route in getattr(app, "routes", ()):
        path, methods = getattr(route, "path", ""), getattr(route, "methods", None) or ()
        if isinstance(path, str) and "GET" in methods:
            yield re.sub(r"\{(\w+)(?::\w+)?\}", r"<\1>", path), getattr(route, "name", None)


def asked(client, route):
    path = route["path"]
    for name, choices in (route["values"] or {}).items():
        path = path.replace("<%s>" % name, str(choices[0]))
    try:
        status, kind, content = client.get(path, route["query"])
    except Exception as error:
        return {"status": 0, "error": said(error)}
    answer = {"status": status, "error": None}
    if "json" in kind:
        try:
            array = array_of(json.loads(content.decode("utf-8")))
        except ValueError:
            array = None
        if array:
            answer["array"], answer["items"] = array
    return answer


def main(plan):
    sys.path.insert(0, os.getcwd())
    app = getattr(importlib.import_module(plan["module"]), plan["name"])
    app = app() if plan["factory"] else app
    client = Wsgi(app) if hasattr(app, "url_map") else Asgi(app)
    known = {}
    try:
        known = described(app.openapi() if hasattr(app, "openapi") else {})
    except Exception:
        pass
    routes, skipped, paths = [], [], set()
    for path, name in flattened(app):
        if SKIPPED.search(path) or path in paths:
            continue
        paths.add(path)
        examples, query = known.get(path, ({}, {}))
        names = re.findall(r"<(\w+)>", path)
        values = {n: examples.get(n) or ([1, 2, 3] if re.search(r"id$|pk$", n) else None) for n in names}
        if len(names) > 1 or not all(values.values()):
            skipped.append({"path": path, "why": "no value is known for its parameter"})
            continue
        route = {"path": path, "name": name, "values": values or None, "view": "", "query": query}
        route["answer"] = asked(client, route)
        routes.append(route)
    health = re.compile(r"health|ready|live|ping|status|heartbeat", re.I)
    good = [r["path"] for r in routes if not r["values"] and not r["query"] and 200 <= r["answer"]["status"] < 300]
    good.sort(key=lambda p: (not health.search(p), p != "/", len(p)))
    facts = {"debug": False, "overrides": {}, "throttles": {}, "frameworks": [plan["framework"]]}
    told = {"facts": facts, "seed": [], "login": None, "failed_logins": [], "graphql": [], "user": None,
            "health": good[0] if good else None, "routes": routes[:200], "skipped": skipped}
    with open(plan["out"] + ".new", "w", encoding="utf-8") as file:
        json.dump(told, file)
    os.rename(plan["out"] + ".new", plan["out"])
