"""Runs a file of SQL statements on the default database of the run."""

import re

from django.db import connections


def statements(text):
    """The file in pieces: statements, and the rows that follow each COPY.

    Commands of psql are not SQL. pg_dump writes two that only protect psql."""
    piece, lines = [], iter(text.split("\n"))
    for line in lines:
        if line.startswith(("\\restrict", "\\unrestrict")):
            continue
        piece.append(line)
        if re.match(r"COPY .* FROM stdin", line, re.IGNORECASE):
            copy, rows = piece.pop(), []
            for row in lines:
                if row.rstrip("\r") == "\\.":
                    break
                rows.append(row + "\n")
            yield "\n".join(piece), None
            yield copy.rstrip("; \r"), "".join(rows)
            piece = []
    yield "\n".join(piece), None


def copy(cursor, command, rows):
    """Send rows, with psycopg 3 or psycopg2."""
    if hasattr(cursor, "copy_expert"):
        import io

        cursor.copy_expert(command, io.StringIO(rows))
        return
    with cursor.copy(command) as stream:
        stream.write(rows)


def fill(path):
    """Run the file."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        text = file.read()
    connection = connections["default"]
    connection.ensure_connection()
    raw = connection.connection
    if connection.vendor == "sqlite":
        raw.executescript(text)
        return
    cursor = raw.cursor()
    for statement, rows in statements(text):
        if rows is not None:
            copy(cursor, statement, rows)
        elif re.sub(r"(?m)^\s*--.*$", "", statement).strip():
            cursor.execute(statement)
    if not connection.get_autocommit():
        raw.commit()
    connection.close()


fill("PATH")
