"""Isolates one run: Django's settings are the project's, with databases and files in the
run's folder, and no other SQLite file is opened. Written for each run, removed with it.

It patches Django where settings are built, so that it does not matter who chooses the
settings module, and when: manage.py, wsgi.py, celery, django-admin, a script.
"""

import copy
import hashlib
import importlib.abc
import importlib.machinery
import json
import os
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(_FOLDER, "isolation.json"), encoding="ascii") as _file:
    _PLAN = json.load(_file)
_RUN = _PLAN["run"]
_ID = hashlib.sha256(os.fsencode(_RUN)).hexdigest()[:12]
_OWN = [os.path.realpath(path) for path in [_RUN] + _PLAN["files"]]
_FOLDERS = [
    ("MEDIA_ROOT", "media"),
    ("STATIC_ROOT", "static"),
    ("SESSION_FILE_PATH", "sessions"),
    ("EMAIL_FILE_PATH", "mail"),
]
# Backends of mail that stay in the run.
_SILENT = [f"django.core.mail.backends.{name}" for name in ("locmem", "console", "dummy", "filebased")]


def like(old, path):
    """The path in the type of what it replaces."""
    if old is None or isinstance(old, str):
        return path
    if isinstance(old, bytes):
        return os.fsencode(path)
    if isinstance(old, os.PathLike):
        return type(old)(path)
    return path


def is_postgresql(database):
    """Whether the engine is PostgreSQL, or one built upon Django's."""
    engine = str(database.get("ENGINE", "")).lower()
    return any(name in engine for name in ("postgresql", "postgis", "psqlextra", "postgrespool"))


def throwaway(alias, database):
    """The same database, in the run's own folder."""
    engine = database.get("ENGINE", "")
    if engine != "django.db.backends.sqlite3":
        refuse(f"{_PLAN['unsupported_mark']} {alias} uses {engine or 'no engine'}")
    path = os.path.join(_RUN, "db", f"{alias}.sqlite3")
    return {**database, "NAME": like(database.get("NAME"), path)}


def refuse(why):
    """End the settings with a reason."""
    from django.core.exceptions import ImproperlyConfigured

    raise ImproperlyConfigured(why)


def throwaways(databases):
    """All databases, each with one of the run's own in its place."""
    served = {alias: one for alias, one in databases.items() if is_postgresql(one)}
    own = {alias: throwaway(alias, one) for alias, one in databases.items() if alias not in served}
    if not served:
        return own
    server, names = _PLAN["server"], _postgresql().names(served, _PLAN["prefix"])
    if server is None:
        # The run starts a server with these databases, and asks again.
        path = os.path.join(_FOLDER, "wanted.json")
        with open(path + ".new", "w", encoding="ascii") as file:
            json.dump({"aliases": list(served), "databases": sorted(set(names.values()))}, file)
        os.rename(path + ".new", path)
        refuse(f"{_PLAN['unserved_mark']} {', '.join(served)}")
    own.update((alias, _postgresql().private(one, names[alias], server)) for alias, one in served.items())
    return {alias: own[alias] for alias in databases}


def _postgresql():
    """The part for PostgreSQL, loaded when it is needed."""
    if "postgresql" not in _PARTS:
        path = os.path.join(_FOLDER, "postgresql.py")
        loader = importlib.machinery.SourceFileLoader("portcullis_postgresql", path)
        spec = importlib.machinery.ModuleSpec(loader.name, loader, origin=path)
        module = type(sys)(loader.name)
        module.__spec__, module.__file__ = spec, path
        loader.exec_module(module)
        _PARTS["postgresql"] = module
    return _PARTS["postgresql"]


_PARTS = {}


def isolated(get):
    """The settings to change, with their new values; `get` reads one."""
    changed = {}

    def value(name):
        return changed[name] if name in changed else get(name)

    logging = value("LOGGING")
    if isinstance(logging, dict):
        logging = changed["LOGGING"] = copy.deepcopy(logging)
        for handler in logging.get("handlers", {}).values():
            if "filename" in handler:
                old = handler["filename"]
                name = os.path.basename(os.fsdecode(old))
                handler["filename"] = like(old, os.path.join(_RUN, "project-logs", name))
    caches = value("CACHES")
    if isinstance(caches, dict):
        caches = changed["CACHES"] = copy.deepcopy(caches)
        for alias, cache in caches.items():
            backend = cache.get("BACKEND", "")
            if backend.endswith("FileBasedCache"):
                place = os.path.join(_RUN, "caches", alias)
                cache["LOCATION"] = like(cache.get("LOCATION"), place)
            elif not backend.endswith("DatabaseCache"):
                # A cache outside of the run must not answer for another run or version. One
                # in the run comes back with its database, so its keys are the same.
                cache["KEY_PREFIX"] = f"{_ID}:{cache.get('KEY_PREFIX', '')}"
    storages = value("STORAGES")
    if isinstance(storages, dict):
        storages = changed["STORAGES"] = copy.deepcopy(storages)
        for alias, storage in storages.items():
            options = storage.get("OPTIONS", {})
            if options.get("location"):
                place = os.path.join(_RUN, "storages", alias)
                options["location"] = like(options["location"], place)
    for name, folder in _FOLDERS:
        old = value(name)
        # Without MEDIA_ROOT files go to the working folder.
        if name == "MEDIA_ROOT" or old:
            changed[name] = like(old, os.path.join(_RUN, folder))
    # A run sends no mail to anybody.
    if str(value("EMAIL_BACKEND") or "").rpartition(".")[0] not in _SILENT:
        changed["EMAIL_BACKEND"] = _SILENT[0] + ".EmailBackend"
    for path, new in _PLAN["overrides"]:
        name, *keys = path.split(".")
        if not keys:
            changed[name] = new
            continue
        target = changed[name] = copy.deepcopy(value(name) or {})
        for key in keys[:-1]:
            target = target.setdefault(key, {})
        target[keys[-1]] = new
    # Last: no override leads to a database of somebody else's.
    databases = value("DATABASES") or {}
    changed["DATABASES"] = throwaways(databases)
    return changed


def prove(module):
    """Leave the name of the settings: without this trace a server is asked nothing."""
    path = os.path.join(_RUN, "loaded", str(os.getpid()))
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(str(module or ""))
    os.rename(path + ".new", path)


def patch(conf):
    """Lay the run's settings over whatever settings Django builds."""
    build, configure = conf.Settings.__init__, conf.LazySettings.configure

    def settings(self, settings_module):
        build(self, settings_module)
        module = sys.modules.get(settings_module)
        for name, value in isolated(lambda name: getattr(self, name, None)).items():
            setattr(self, name, value)
            getattr(self, "_explicit_settings", set()).add(name)
            # Code that imports the module itself must see the same.
            if module is not None:
                setattr(module, name, value)
        prove(settings_module)

    def configured(self, default_settings=conf.global_settings, **options):
        configure(self, default_settings, **options)
        holder = self._wrapped
        for name, value in isolated(lambda name: getattr(holder, name, None)).items():
            setattr(holder, name, value)
        prove(None)

    conf.Settings.__init__ = settings
    conf.LazySettings.configure = configured


class Finder(importlib.abc.MetaPathFinder):
    """Patches a module as it is imported."""

    def __init__(self, module, patch):
        self.module, self.patch = module, patch

    def find_spec(self, name, path=None, target=None):
        if name != self.module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module):
                load(module)
                self.patch(module)

            spec.loader.exec_module = exec_module
        return spec


_KNOWN = set()


def refuse_foreign(database):
    """Refuse a SQLite file that is not the run's own."""
    if database in _KNOWN:
        return
    given = database
    if isinstance(database, os.PathLike):
        database = os.fspath(database)
    database = os.fsdecode(database)
    if database in ("", ":memory:"):
        return
    if database.startswith("file:"):
        from urllib.parse import unquote, urlsplit

        parts = urlsplit(database)
        if parts.path in ("", ":memory:") or "mode=memory" in parts.query:
            return
        database = unquote(parts.path)
    path = os.path.realpath(database)
    if not any(path == own or path.startswith(own + os.sep) for own in _OWN):
        raise PermissionError(f"{_PLAN['foreign_mark']} {path}")
    # A server opens the same file for each request. A relative path depends on the folder.
    if isinstance(given, str) and os.path.isabs(given):
        _KNOWN.add(given)


def audit(event, arguments):
    """Look at every connection to SQLite, however it is made."""
    if event == "sqlite3.connect":
        refuse_foreign(arguments[0])


def guard(dbapi2):
    """Look at the connections that are made by `sqlite3.connect`."""
    connect = dbapi2.connect

    def connect_to_own(database, *arguments, **options):
        refuse_foreign(database)
        return connect(database, *arguments, **options)

    dbapi2.connect = connect_to_own
    package = sys.modules.get("sqlite3")
    if getattr(package, "connect", None) is connect:
        package.connect = connect_to_own


def silence(sentry):
    """Let Sentry report nothing: its errors and traces are not those of production."""
    init = sentry.init

    def init_without_dsn(*arguments, **options):
        return init(*arguments[1:], **{**options, "dsn": ""})

    sentry.init = init_without_dsn


def patch_when_loaded(module, patch):
    """Patch a module now, or as it is imported."""
    loaded = sys.modules.get(module)
    if loaded is not None:
        patch(loaded)
    else:
        sys.meta_path.insert(0, Finder(module, patch))


if getattr(sys, "pycache_prefix", "") is None:
    # `-I` and `-E` let Python ignore the variable, and it would compile beside the sources.
    sys.pycache_prefix = os.environ.get("PYTHONPYCACHEPREFIX")
patch_when_loaded("django.conf", patch)
patch_when_loaded("sentry_sdk", silence)
if _PLAN["server"] is not None:
    _own = _postgresql()
    _own.surround(_PLAN["server"], _PLAN["prefix"] + "_default")
    _border = _own.Border(_PLAN["server"], _PLAN["prefix"], _PLAN["foreign_mark"])
    patch_when_loaded("psycopg2", _border.around_psycopg2)
    patch_when_loaded("psycopg", _border.around_psycopg)
if "PORTCULLIS_TIMED" in os.environ or not hasattr(sys, "addaudithook"):
    # An audit hook is called some two hundred times in a request, which costs the timed server
    # one per cent. Connections that are made otherwise are found among its open files.
    patch_when_loaded("sqlite3.dbapi2", guard)
else:
    sys.addaudithook(audit)
