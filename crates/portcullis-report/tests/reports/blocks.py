"""The blocks for CI systems that docs/guide/in-your-ci.md shows: YAML that is read, and
that names files which a run writes. Prints the names of the files."""

import pathlib
import re
import sys

import yaml

page = pathlib.Path(sys.argv[1], "docs/guide/in-your-ci.md").read_text()
blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", page, re.DOTALL)
read = {name: yaml.safe_load(text) for name, text in blocks}
assert list(read) == [
    ".github/workflows/performance.yml",
    ".gitlab-ci.yml",
    "azure-pipelines.yml",
], list(read)
steps = read[".github/workflows/performance.yml"]["jobs"]["performance"]["steps"]
assert all(("run" in step) != ("uses" in step) for step in steps), steps
pins = [step["uses"].partition("@")[2] for step in steps]
assert pins[-1] == "COMMIT" and steps[-1]["uses"].endswith("/portcullis@COMMIT"), steps
assert all(re.fullmatch("[0-9a-f]{40}", pin) for pin in pins[:-1]), pins
inputs = yaml.safe_load(pathlib.Path(sys.argv[1], "action.yml").read_text())["inputs"]
told = set(re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE))
assert told == set(inputs) - {"program", "token"}, told ^ set(inputs)

reports = read[".gitlab-ci.yml"]["performance"]["artifacts"]["reports"]
assert set(reports) == {"junit", "codequality", "metrics"}, reports
assert read[".gitlab-ci.yml"]["performance"]["artifacts"]["when"] == "always"
tasks = [step for step in read["azure-pipelines.yml"]["steps"] if "condition" in step]
assert len(tasks) == 3, tasks
print("\n".join(sorted(set(re.findall(r"\.portcullis/([\w.]+)", page)))))
