ASKED = """{ __schema { queryType { name } types { name kind fields { name
  args { name defaultValue type { kind } } type { ...T ofType { ...T ofType { ...T ofType { ...T } } } } } } } }
  fragment T on __Type { kind name }"""


def base_of(kind):
    """The named type within lists and "not null"."""
    while kind and kind.get("ofType"):
        kind = kind["ofType"]
    return kind or {}


def needs_nothing(field):
    needed = [a for a in field["args"] if a["type"]["kind"] == "NON_NULL" and a["defaultValue"] is None]
    return not needed


def plain(types, name):
    """Fields of a type that have no fields of their own."""
    fields = (types.get(name) or {}).get("fields") or []
    kinds = ("SCALAR", "ENUM")
    return [f["name"] for f in fields if base_of(f["type"])["kind"] in kinds and needs_nothing(f)][:6]


def selections(types, name):
    """What can be selected of a type: its own fields, or those of the rows it leads to."""
    own = plain(types, name)
    yield own and "{ %s }" % " ".join(own)
    for field in (types.get(name) or {}).get("fields") or []:
        if field["name"] in ("edges", "results", "items"):
            row = base_of(field["type"])["name"]
            if field["name"] != "edges":
                inner = plain(types, row)
                yield inner and "{ %s { %s } }" % (field["name"], " ".join(inner))
            for node in (types.get(row) or {}).get("fields") or []:
                inner = plain(types, base_of(node["type"])["name"]) if node["name"] == "node" else []
                yield inner and "{ edges { node { %s } } }" % " ".join(inner)


def queries(body):
    """Harmless queries of a schema: (name, text)."""
    schema = (body.get("data") or {}).get("__schema") or {}
    types = {t["name"]: t for t in schema.get("types", [])}
    root = types.get((schema.get("queryType") or {}).get("name")) or {}
    for field in root.get("fields") or []:
        name, kind = field["name"], base_of(field["type"])
        if not needs_nothing(field) or name.startswith("_") or name == "node":
            continue
        if kind["kind"] in ("SCALAR", "ENUM"):
            yield name, "{ %s }" % name
        for selected in reversed([s for s in selections(types, kind["name"]) if s]):
            yield name, "{ %s %s }" % (name, selected)


def graphql(everything, ways):
    """Queries that answered without errors, at the first path that understands them."""
    for path, _, _ in everything:
        if not re.search(r"graphql|/gql", path, re.I) or parameters(path) or "(" in path:
            continue
        path = path.rstrip("$")
        for is_open, way in ways:

            def ask(query):
                sent = json.dumps({"query": query})
                answer = way.ask(path, "post", data=sent, content_type="application/json")
                body = answer.get("body")
                good = answer["status"] == 200 and isinstance(body, dict) and body.get("data")
                return body if good and not body.get("errors") else None

            if not ask("{ __typename }"):
                continue
            found, names = [], set()
            for name, query in queries(ask(ASKED) or {}):
                body = None if name in names or len(found) == 5 else ask(query)
                if body:
                    names.add(name)
                    array = array_of(body["data"].get(name))
                    found.append({"path": path, "name": name, "query": query, "open": is_open,
                                  "array": ("data.%s.%s" % (name, array[0])).rstrip(".") if array else None,
                                  "items": array[1] if array else None})
            whole = {"path": path, "name": "typename", "query": "{ __typename }", "open": is_open,
                     "array": None, "items": None}
            return found or [whole]
    return []
