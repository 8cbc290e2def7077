import json
import os

from django.apps import apps
from django.conf import settings
from django.db import connections
from django.urls import resolve


def _pending():
    """Apps whose models differ from their migrations."""
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.questioner import NonInteractiveMigrationQuestioner
    from django.db.migrations.state import ProjectState

    loader = MigrationLoader(None, ignore_no_migrations=True)
    known = {a.label for a in apps.get_app_configs()}
    changes = MigrationAutodetector(
        loader.project_state(),
        ProjectState.from_apps(apps),
        NonInteractiveMigrationQuestioner(specified_apps=known, dry_run=True),
    ).changes(graph=loader.graph)
    own = ("site-packages", "dist-packages")
    return sorted(l for l in changes if not any(o in apps.get_app_config(l).path for o in own))


def _throttles(path):
    """The scopes and rates that apply to a path."""
    callback = resolve(path).func
    view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    found = []
    for throttle in getattr(view, "throttle_classes", None) or []:
        scope = getattr(throttle, "scope", None) or getattr(view, "throttle_scope", None)
        rate = getattr(throttle, "rate", None) or getattr(throttle, "THROTTLE_RATES", {}).get(scope)
        if scope and rate:
            found.append([scope, rate])
    return found


def _facts(plan):
    told = {"engines": {}, "pending": [], "throttles": {}, "debug": bool(settings.DEBUG)}
    told["middleware"] = [str(name) for name in settings.MIDDLEWARE or ()]
    for alias, database in connections.databases.items():
        told["engines"][alias] = database.get("ENGINE", "").rsplit(".", 1)[-1]
    try:
        told["pending"] = _pending()
    except Exception as error:
        told["unknown"] = "%s: %s" % (type(error).__name__, error)
    for task, path in plan["paths"]:
        try:
            told["throttles"][task] = _throttles(path)
        except Exception:
            pass
    with open(plan["out"] + ".new", "w", encoding="utf-8") as file:
        json.dump(told, file)
    os.rename(plan["out"] + ".new", plan["out"])
