"""Opens the reports of a run with readers that are not ours, and says what they saw."""

import pathlib
import re
import shlex
import sys

import html5lib
import junitparser
import markdown_it
import xmlschema

SCHEMA = xmlschema.XMLSchema(str(pathlib.Path(__file__).with_name("junit.xsd")))


def junit(path):
    SCHEMA.validate(str(path))
    file = junitparser.JUnitXml.fromfile(str(path))
    failed = broken = skipped = cases = 0
    for suite in file:
        ends = [type(end).__name__ for case in suite for end in case.result]
        count = len(list(suite))
        assert suite.tests == count, (suite.name, suite.tests, count)
        assert suite.failures == ends.count("Failure") and suite.errors == ends.count("Error")
        assert suite.skipped == ends.count("Skipped")
        failed, broken = failed + suite.failures, broken + suite.errors
        skipped, cases = skipped + suite.skipped, cases + count
    assert (file.tests, file.failures, file.errors) == (cases, failed, broken)
    return f"{cases} cases, {failed} failed, {broken} broken, {skipped} skipped"


def page(path):
    html5lib.HTMLParser(strict=True).parse(path.read_text())


def markdown(path):
    text = path.read_text()
    assert text.startswith("<!-- portcullis -->\n") and len(text.encode()) <= 64 * 1024
    tokens = markdown_it.MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    allowed = {"<code>", "</code>", "<details>", "</details>", "<!-- portcullis -->"}
    for token in tokens:
        for inner in token.children or []:
            assert inner.type not in ("link_open", "image", "softbreak"), inner
            assert inner.type != "html_inline" or inner.content in allowed, inner
        if token.type == "html_block":
            tags = set(re.findall(r"<[^>]*>", token.content))
            assert tags <= allowed | {"<summary>", "</summary>"}, tags
    rows, columns = [], 0
    for token, inside in zip(tokens, tokens[1:]):
        if token.type == "table_open":
            rows.append(0)
            columns = 0
        elif token.type == "th_open":
            columns += 1
        elif token.type == "tr_open":
            cells = 0
        elif token.type == "td_open":
            cells += 1
            # Cells too many are dropped without a word; they push others away.
            is_number = "right" in str(token.attrs)
            assert not is_number or re.fullmatch(r"[0-9.–() %ms]+", inside.content), inside.content
        elif token.type == "tr_close" and cells:
            assert cells == columns, (cells, columns)
            rows[-1] += 1
    return ("tables " + ", ".join(map(str, rows))).strip()


SAMPLE = re.compile(r'portcullis_\w+(\{(\w+="([^"\\]|\\.)*",?)*\})? -?[0-9.e+-]+')


def prometheus(path):
    text = path.read_text()
    samples = [line for line in text.split("\n")[:-1] if not line.startswith("#")]
    assert text.endswith("\n") and all(SAMPLE.fullmatch(line) for line in samples), text
    # GitLab reads a metrics report in words of a shell, without what follows a "#".
    words = [shlex.split(re.sub("#.*$", "", line)) for line in samples]
    assert all(len(one) == 2 and float(one[1]) is not None for one in words), words
    names = [line.rsplit(" ", 1)[0] for line in samples]
    assert len(names) == len(set(names)), "a sample is there twice"


folder = pathlib.Path(sys.argv[1])
page(folder / "run.html")
prometheus(folder / "run.prom")
print(junit(folder / "run.xml") + "; " + markdown(folder / "run.md"))
