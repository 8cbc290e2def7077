"""The blocks for CI systems that docs/guide/in-your-ci.md shows: YAML that is read, and
that names files which a run writes. Prints the names of the files."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

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
pins = [step["uses"].partition("@")[2] for step in steps if "uses" in step]
assert all(re.fullmatch("[0-9a-f]{40}", pin) for pin in pins), pins
for step in steps:
    subprocess.run(["bash", "-n", "-c", step.get("run", "")], check=True)


def commented(found):
    """What the comment's step asks of GitHub, where there is such a comment or none."""
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        (place / "target/perf").mkdir(parents=True)
        (place / "target/perf/perf_results.md").write_text("<!-- portcullis -->\n")
        gh = place / "gh"
        gh.write_text('#!/bin/sh\necho "$*" >> asked\n'
                      'case "$*" in *--paginate*) echo "$FOUND";; esac\n')
        gh.chmod(0o755)
        path = f"{place}:{os.environ['PATH']}"
        env = {"PATH": path, "FOUND": found, "PULL": "repos/a/b/issues", "NUMBER": "7"}
        subprocess.run(["bash", "-e", "-c", steps[-1]["run"]], cwd=place, env=env, check=True)
        return (place / "asked").read_text().splitlines()


# The expression has a line of its own.
asked = commented("41\n42")
assert 'select(.user.login == "github-actions[bot]")' in asked[0], asked
assert asked[-1].startswith("api -X PATCH repos/a/b/issues/comments/41 -F body=@"), asked
asked = commented("")
assert asked[-1].startswith("api repos/a/b/issues/7/comments -F body=@"), asked

reports = read[".gitlab-ci.yml"]["performance"]["artifacts"]["reports"]
assert set(reports) == {"junit", "codequality", "metrics"}, reports
assert read[".gitlab-ci.yml"]["performance"]["artifacts"]["when"] == "always"
tasks = [step for step in read["azure-pipelines.yml"]["steps"] if "condition" in step]
assert len(tasks) == 3, tasks
print("\n".join(sorted(set(re.findall(r"target/perf/([\w.]+)", page)))))
