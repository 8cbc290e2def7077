"""Keeps the databases of one run on a PostgreSQL server that others use too.

    keeper.py hold READY RUN NAME…      creates the databases, and drops them on SIGTERM
    keeper.py analyze NAME…             makes their statistics

The URL is in the environment, because command lines are public. While a run lasts, its
keeper has a session whose application name is the run's: databases of a run without a
session are left by a killed run, and the next run drops them.
"""

import json
import os
import re
import signal
import sys

MADE = "made by Portcullis for one run"
URL = "PORTCULLIS_DATABASE_URL"


def connect(**more):
    url = os.environ[URL]
    try:
        import psycopg
    except ImportError:
        import psycopg2

        connection = psycopg2.connect(url, **more)
        connection.autocommit = True
        return connection
    return psycopg.connect(url, autocommit=True, **more)


def drop(cursor, name):
    cursor.execute("SHOW server_version_num")
    force = " WITH (FORCE)" if int(cursor.fetchone()[0]) >= 130000 else ""
    cursor.execute(f'DROP DATABASE IF EXISTS "{name}"{force}')


def sweep(cursor):
    """Drop what killed runs have left. Sessions are read after databases: a run has its
    session before it has databases."""
    cursor.execute(
        "SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = current_user"
        " AND shobj_description(oid, 'pg_database') = %s",
        [MADE],
    )
    names = [name for (name,) in cursor.fetchall()]
    cursor.execute("SELECT application_name FROM pg_stat_activity")
    alive = {name for (name,) in cursor.fetchall()}
    for name in names:
        run = re.match(r"portcullis_[A-Za-z0-9]+", name)
        if run is not None and run[0] not in alive:
            drop(cursor, name)


def hold(ready, run, *names):
    ends = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    # Blocked until the databases exist, so that none is forgotten.
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    connection = connect(application_name=run)
    cursor = connection.cursor()
    sweep(cursor)
    try:
        for name in names:
            cursor.execute(f'CREATE DATABASE "{name}"')
            cursor.execute(f"COMMENT ON DATABASE \"{name}\" IS '{MADE}'")
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0].split()[0]
        info = connection.info
        options = dict(info.get_parameters() if hasattr(info, "get_parameters") else info.dsn_parameters)
        kept = ("sslmode", "sslrootcert", "sslcert", "sslkey")
        told = {
            "host": info.host,
            "port": info.port,
            "user": info.user,
            "password": info.password or "",
            "version": version,
            "options": {key: options[key] for key in kept if options.get(key)},
        }
        descriptor = os.open(ready + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(told, file)
        os.rename(ready + ".new", ready)
        signal.sigwait(ends)
    finally:
        for name in names:
            drop(cursor, name)


def analyze(*names):
    for name in names:
        connection = connect(dbname=name)
        connection.cursor().execute("VACUUM ANALYZE")
        connection.close()


if __name__ == "__main__":
    {"hold": hold, "analyze": analyze}[sys.argv[1]](*sys.argv[2:])
