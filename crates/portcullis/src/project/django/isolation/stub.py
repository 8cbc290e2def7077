"""Part of an environment that Portcullis made: no Django settings without a run.

Python loads this at every start (`portcullis.pth`, and `portcullis.start` from 3.15 on).
What isolates a run stands in the run's own folder, so that a cached environment is never
older than the program. Without a run nothing here may reach a database.
"""

import os
import sys

_LOADED = False


def install():
    """Load the run's hook, or refuse settings and databases; once in a process."""
    global _LOADED
    if _LOADED:
        return
    _LOADED = True
    hook = os.environ.get("PORTCULLIS_ISOLATION", "")
    scope = {"__name__": "portcullis_isolation_hook", "__file__": hook}
    try:
        with open(hook, encoding="utf-8") as file:
            source = file.read()
    except OSError:
        refuse()
        return
    exec(compile(source, hook, "exec"), scope)


def refuse():
    """Let nothing build settings, and nothing open a database file."""

    class Refusal:
        def find_spec(self, name, path=None, target=None):
            if name == "django.conf":
                raise RuntimeError(REFUSED)
            return None

    def audit(event, arguments):
        if event == "sqlite3.connect" and arguments[0] not in (":memory:", ""):
            raise RuntimeError(REFUSED)

    sys.meta_path.insert(0, Refusal())
    if hasattr(sys, "addaudithook"):
        sys.addaudithook(audit)


REFUSED = (
    "this environment belongs to Portcullis: it serves the runs that set PORTCULLIS_ISOLATION, "
    "which a child process must keep"
)

install()
