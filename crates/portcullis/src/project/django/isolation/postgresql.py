"""PostgreSQL of a run: the databases that its settings name are replaced by databases of
the run's own server, and no other server is connected to. Loaded by the hook for projects
that use PostgreSQL. It has no connections of its own.
"""

import os
import re

# Where a connection leads to, and who makes it: the run's own server has its own answers.
# Everything else in OPTIONS stays, such as pools and isolation levels.
_PLACES = {
    "assume_role",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "gssencmode",
    "host",
    "hostaddr",
    "krbsrvname",
    "load_balance_hosts",
    "passfile",
    "password",
    "port",
    "require_auth",
    "requirepeer",
    "requiressl",
    "service",
    "servicefile",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "target_session_attrs",
    "user",
}


def names(databases, prefix):
    """The name of each alias's own database. Aliases that share one keep sharing it: a
    mirror of another alias, and aliases with the same NAME, such as a replica."""

    def owner(alias):
        """The alias whose database it shows: its own, unless it mirrors another."""
        for _ in databases:
            mirror = (databases[alias].get("TEST") or {}).get("MIRROR")
            if mirror not in databases:
                break
            alias = mirror
        return alias

    known, found = {}, {}
    for alias in databases:
        own = owner(alias)
        key = str(databases[own].get("NAME") or "") or ("alias", own)
        if key not in known:
            slug = re.sub(r"[^a-z0-9]+", "_", own.lower()).strip("_")[:24] or "database"
            name = f"{prefix}_{slug}"
            known[key] = f"{name}_{len(known)}" if name in known.values() else name
        found[alias] = known[key]
    return found


def private(database, name, server):
    """The same database on the run's own server."""
    options = database.get("OPTIONS") or {}
    options = {key: value for key, value in options.items() if key not in _PLACES}
    return {
        **database,
        "NAME": name,
        "HOST": server["host"],
        "PORT": str(server["port"]),
        "USER": server["user"],
        "PASSWORD": server["password"],
        "OPTIONS": {**options, **server.get("options", {})},
    }


def surround(server, name):
    """What libpq reads besides the arguments of a connection: it leads to the run's own
    server, also in child processes."""
    for variable in ("PGHOSTADDR", "PGSERVICE", "PGSERVICEFILE", "PGPASSFILE", "PGOPTIONS"):
        os.environ.pop(variable, None)
    os.environ.update(
        PGHOST=server["host"],
        PGPORT=str(server["port"]),
        PGUSER=server["user"],
        PGPASSWORD=server["password"],
        PGDATABASE=name,
    )


class Border:
    """Refuses connections to any server but the run's own."""

    def __init__(self, server, prefix, mark):
        self.server, self.prefix, self.mark = server, prefix, mark

    def check(self, given):
        """Refuse the parameters of a connection that leads elsewhere; `None` counts as
        not given."""
        variables = {"host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE"}
        host, port, name = (
            str(given.get(key) or os.environ.get(variable) or "")
            for key, variable in variables.items()
        )
        is_own = (
            (host, port) == (self.server["host"], str(self.server["port"]))
            and not given.get("service")
            and given.get("hostaddr") in (None, "", host)
            # A server that others use too: only the run's own databases there.
            and (not self.server.get("shared") or name.startswith(self.prefix))
        )
        if not is_own:
            raise PermissionError(f"{self.mark} postgresql://{host}:{port}/{name}")

    def around_psycopg2(self, module):
        """Check each connection of psycopg2."""
        connect = module.connect

        def checked(dsn=None, *arguments, **keywords):
            own = ("connection_factory", "cursor_factory", "async", "async_")
            places = {key: value for key, value in keywords.items() if key not in own}
            text = module.extensions.make_dsn(dsn, **places)
            self.check(module.extensions.parse_dsn(text))
            return connect(dsn, *arguments, **keywords)

        module.connect = checked

    def around_psycopg(self, module):
        """Check each connection of psycopg 3."""
        own = (
            "autocommit",
            "context",
            "cursor_factory",
            "prepare_threshold",
            "row_factory",
        )

        def checked(connect, kind):
            def checking(cls, conninfo="", **keywords):
                places = {key: value for key, value in keywords.items() if key not in own}
                self.check(module.conninfo.conninfo_to_dict(conninfo, **places))
                return connect.__func__(cls, conninfo, **keywords)

            kind.connect = classmethod(checking)

        for kind in (module.Connection, module.AsyncConnection):
            checked(kind.__dict__["connect"], kind)
        module.connect = module.Connection.connect
