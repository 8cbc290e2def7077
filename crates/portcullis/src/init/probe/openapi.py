def schema_of(everything, ways):
    """The OpenAPI schema of the project, from a route of its own, else from its library."""
    for path, _, _ in everything:
        if not re.search(r"schema|openapi|swagger", path) or parameters(path) or "(" in path:
            continue
        for _, way in ways:
            body = way.ask(path).get("body")
            if isinstance(body, dict) and isinstance(body.get("paths"), dict):
                return body
    try:
        from drf_spectacular.generators import SchemaGenerator

        return SchemaGenerator().get_schema(request=None, public=True)
    except Exception:
        return {}


def example(parameter):
    """A value that a schema names for a parameter; None without one."""
    kind = parameter.get("schema") or parameter
    for value in (parameter.get("example"), kind.get("example"), kind.get("default")):
        if value is not None:
            return value
    for values in (parameter.get("examples"), kind.get("enum"), kind.get("examples")):
        if isinstance(values, dict):
            values = [v.get("value") for v in values.values() if isinstance(v, dict)]
        if values:
            return values[0]
    return None


def usual(parameter):
    """A value by the type of a parameter."""
    kind = parameter.get("schema") or parameter
    if kind.get("type") in ("integer", "number"):
        return kind.get("minimum") or 1
    if kind.get("type") == "boolean":
        return True
    return {"date": "2024-01-01", "date-time": "2024-01-01T00:00:00Z"}.get(kind.get("format"), "a")


def described(schema):
    """For each path with <name>: examples of its parameters, and the query that it needs."""
    known = {}
    base = (schema.get("basePath") or "").rstrip("/")
    for path, operations in (schema.get("paths") or {}).items():
        get = operations.get("get") if isinstance(operations, dict) else None
        if not isinstance(get, dict):
            continue
        values, query = {}, {}
        for one in list(operations.get("parameters") or []) + list(get.get("parameters") or []):
            place, name = one.get("in"), one.get("name")
            value = example(one)
            if place == "path" and value is not None:
                values[name] = [value]
            if place == "query" and one.get("required"):
                value = usual(one) if value is None else value
                query[name] = str(value).lower() if isinstance(value, bool) else str(value)
        known[re.sub(r"\{(\w+)\}", r"<\1>", base + path)] = (values, query)
    return known
