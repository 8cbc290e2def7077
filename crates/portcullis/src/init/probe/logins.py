ADMIN_LOGIN = "/admin/login/"
WANTED = re.compile(r"token|jwt|login|signin|sign-in|auth|session", re.I)
REFUSED = re.compile(r"refresh|verify|blacklist|revoke|logout|password|register|signup|introspect", re.I)
KNOWN = re.compile(r"TokenObtain|ObtainAuthToken|ObtainJSONWebToken|TokenCreate|TokenView|LoginView")
TOKENS = ["access", "token", "access_token", "key", "auth_token", "accessToken", "jwt"]


class Forms(html.parser.HTMLParser):
    """The forms of a page: action, and name, type and value of each input."""

    def __init__(self):
        super().__init__()
        self.forms = []

    def handle_starttag(self, tag, attributes):
        said = dict(attributes)
        if tag == "form":
            self.forms.append({"action": said.get("action") or "", "inputs": []})
        elif tag in ("input", "button") and self.forms and said.get("name"):
            kind = (said.get("type") or ("submit" if tag == "button" else "text")).lower()
            self.forms[-1]["inputs"].append((said["name"], kind, said.get("value") or ""))


def browser():
    """A client that is treated as a stranger's: with protection against forgery."""
    return Client(raise_request_exception=False, HTTP_HOST="127.0.0.1", enforce_csrf_checks=True)


def names_of(user):
    """Field names that a login may ask for, with the value of each, the best first."""
    field = type(user).USERNAME_FIELD
    names = [field, "username", "email", "login"]
    return [(n, str(getattr(user, n, None) or getattr(user, field))) for n in dict.fromkeys(names)]


def token_in(body, prefix=""):
    if not isinstance(body, dict):
        return None
    for name in TOKENS:
        if isinstance(body.get(name), str) and len(body[name]) > 15:
            return prefix + name, body[name]
    for name in ("data", "tokens", "result", "user"):
        found = token_in(body.get(name), prefix + name + ".")
        if found:
            return found
    return None


def prefixes():
    names = []
    try:
        names += list(settings.SIMPLE_JWT.get("AUTH_HEADER_TYPES", ()))
    except Exception:
        pass
    return names + [p for p in ("Bearer", "Token", "JWT") if p not in names]


def bodies(path, view, plan, user):
    """Bodies that a token's path may take: (kind, body), JSON first."""
    password = plan["password"]
    pairs = [{name: value, "password": password} for name, value in names_of(user)]
    for pair in pairs:
        yield "json", pair
    # A login of the kind {"user": {"email": ..., "password": ...}}.
    for pair in pairs:
        yield "nested", {"user": pair}
    name = names_of(user)[0][1]
    form = {"grant_type": "password", "username": name, "password": password}
    yield "form", dict(form, client_id=plan["client"]) if "oauth2_provider" in view else form


def token_from(path, view, plan, user):
    """A login that gives a token at a path, else why it does not."""
    why = None
    for kind, body in bodies(path, view, plan, user):
        if kind == "form":
            more = {"data": body}
        else:
            more = {"data": json.dumps(body), "content_type": "application/json"}
        client = browser()
        answer = call(client, path, {}, "post", **more)
        found = token_in(answer.get("body")) if answer["status"] in (200, 201) else None
        if found:
            told = {"kind": "token", "path": path, "view": view, "status": answer["status"]}
            told.update({"body": kind, "fields": body, "token": found[0], "value": found[1]})
            return told, None
        if answer["status"] in (404, 405):
            return None, None
        if answer["status"] in (200, 201, 204) and client.cookies:
            return None, "it answered %d with a cookie, and without a token" % answer["status"]
        if answer["status"] in (400, 401, 403, 422):
            why = "it answered %d" % answer["status"]
    return None, why


def session_from(path, view, plan, user):
    """A login by the form of a page, as a browser sends it, else why there is none."""
    client = browser()
    answer = call(client, path, {"HTTP_ACCEPT": "text/html"}, keep=True)
    if answer["status"] != 200 or not answer["type"].endswith("html"):
        return None, None, None
    page = Forms()
    page.feed(answer["content"].decode("utf-8", "replace"))
    kinds = lambda form: [kind for _, kind, _ in form["inputs"]]
    forms = [form for form in page.forms if kinds(form).count("password") == 1]
    if not forms:
        return None, None, None
    action = urllib.parse.urljoin(path, forms[0]["action"] or path)
    fields, csrf, name = {}, None, names_of(user)[0][1]
    for field, kind, value in forms[0]["inputs"]:
        if field == "csrfmiddlewaretoken":
            csrf = value
        elif kind == "password":
            fields[field] = plan["password"]
        elif kind in ("text", "email") and name not in fields.values():
            fields[field] = name
        elif kind == "hidden":
            fields[field] = value
    if name not in fields.values():
        return None, None, "its form has no field for a name"
    sent = dict(fields, csrfmiddlewaretoken=csrf) if csrf else fields
    # Some logins answer with JSON, and without a redirect, if the client prefers that.
    answer = call(client, action, {"HTTP_ACCEPT": "text/html"}, "post", data=sent)
    if answer["status"] not in (302, 303):
        return None, None, "the form was sent, and it answered %d" % answer["status"]
    told = {"kind": "session", "path": action, "page": path, "view": view, "fields": fields}
    told["csrf_cookie"] = settings.CSRF_COOKIE_NAME
    told["cookie"] = settings.SESSION_COOKIE_NAME
    return told, client, None


def static_ones(plan, user):
    """Keys that the seed itself can make: (part of the seed, its work, the header)."""
    if apps.is_installed("rest_framework.authtoken"):
        yield "token", lambda: token_of(user, plan["key"]), "Token " + plan["key"]
    if apps.is_installed("rest_framework_api_key"):
        yield "api_key", lambda: api_key(plan["key"]), "Api-Key portcull." + plan["key"]


def is_closed(answer):
    """Whether an answer asks for a login."""
    place = answer.get("location") or ""
    leads = answer["status"] in (301, 302, 303, 307) and re.search(r"login|signin|sign-in", place)
    return answer["status"] in (401, 403) or bool(leads)


class Access:
    """How the routes are asked: a client, and the fields that it sends."""

    def __init__(self, client=None, headers=None):
        self.client = client or Client(raise_request_exception=False, HTTP_HOST="127.0.0.1")
        self.headers = headers or {}

    def ask(self, path, method="get", **more):
        headers = dict(self.headers)
        cookie = self.client.cookies.get(settings.CSRF_COOKIE_NAME)
        if method != "get" and cookie:
            headers["HTTP_X_CSRFTOKEN"] = cookie.value
        return call(self.client, path, headers, method, **more)

    def opened(self, routes):
        """How many of some closed routes it opens."""
        answers = [self.ask(filled(r["path"], r["values"])) for r in routes]
        return sum(200 <= answer["status"] < 300 for answer in answers)


def candidates(everything):
    """Paths that may be a login, those with a known view first."""
    found = []
    for path, callback, _ in everything:
        if parameters(path) or REFUSED.search(path) or re.search(r"[\\()\[\]*+?|^$]", path):
            continue
        view = describe_view(callback)
        if WANTED.search(path) or KNOWN.search(view):
            is_page = path.endswith(ADMIN_LOGIN) or "api-auth" in path
            found.append((is_page, not KNOWN.search(view), len(path), path, view))
    return [(path, view) for *_, path, view in sorted(found)[:14]]


def best_login(everything, closed, plan, user, done):
    """The login that opens most of the closed routes, how to use it, and why others failed."""
    best, access, most, failed = None, Access(), 0, []
    if user is None or not closed:
        return best, access, failed
    closed = sorted(closed, key=lambda r: r["values"] is not None)[:6]

    def consider(login, way):
        nonlocal best, access, most
        opened = way.opened(closed)
        if opened > most:
            best, access, most = login, way, opened
        return opened

    if apps.is_installed("oauth2_provider"):
        part(done, "oauth", plan["client"], lambda: oauth_client(plan["client"], user))
    pages = candidates(everything)
    for path, view in pages:
        login, why = token_from(path, view, plan, user)
        value = login.pop("value") if login else None
        used = [
            consider(dict(login, prefix=p), Access(headers={"HTTP_AUTHORIZATION": "%s %s" % (p, value)}))
            for p in (prefixes() if login else [])
        ]
        if why or login and not any(used):
            failed.append({"path": path, "why": why or "its token opened no route"})
    for kind, work, header in static_ones(plan, user) if not most else ():
        before = len(done)
        if part(done, kind, plan["key"], work) is not None:
            way = Access(headers={"HTTP_AUTHORIZATION": header})
            if not consider({"kind": "static", "authorization": header}, way):
                del done[before:]
    for path, view in pages if most < len(closed) else ():
        login, client, why = session_from(path, view, plan, user)
        if login:
            opened = consider(login, Access(client))
            why = None if opened else "the form was sent, and the session opened no route"
        if why:
            failed.append({"path": path, "why": why})
    name = names_of(user)[0][1]
    pair = base64.b64encode(("%s:%s" % (name, plan["password"])).encode()).decode()
    basic = {"kind": "basic", "fields": {"username": name, "password": plan["password"]}}
    if not most:
        consider(basic, Access(headers={"HTTP_AUTHORIZATION": "Basic " + pair}))
    return best, access, failed if best is None else []
