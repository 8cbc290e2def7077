"""Validates files against a JSON Schema with a validator that is not ours:
[--drift] SCHEMA FILE...; with --drift the last one also with a field too many, everywhere."""

import json
import pathlib
import sys

import jsonschema

arguments = sys.argv[1:]
looks_for_drift = arguments[0] == "--drift"
if looks_for_drift:
    del arguments[0]
schema = json.loads(pathlib.Path(arguments[0]).read_text())
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())

# Maps by name, in which every name may be.
MAPS = ("percentiles_ms", "failures_by_kind")


def refuse(value, what):
    for error in validator.iter_errors(value):
        # Of several kinds of object, the one that was nearest.
        error = jsonschema.exceptions.best_match([error])
        sys.exit(f"{what}, {error.json_path}: {error.message:.500}")


def drifts(value):
    """Adds a field to each object in turn, and yields the whole."""
    whole = value

    def walk(part):
        if isinstance(part, list):
            parts = part[:1]
        else:
            part["new_field"] = 1
            yield whole
            del part["new_field"]
            parts = [inner for name, inner in part.items() if name not in MAPS]
        for inner in parts:
            if isinstance(inner, (dict, list)):
                yield from walk(inner)

    yield from walk(value)


for path in map(pathlib.Path, arguments[1:]):
    text = path.read_text()
    documents = text.splitlines() if path.suffix == ".jsonl" else [text]
    for number, document in enumerate(documents, 1):
        value = json.loads(document)
        refuse(value, f"{path.name}:{number}")

for drifted in drifts(value) if looks_for_drift else ():
    assert not validator.is_valid(drifted), f"{path.name}: a new field is not refused"
