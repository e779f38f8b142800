"""What is taken for a command, a file and an output; and that what is wrong is noticed."""

from __future__ import annotations

from pathlib import Path

import doc_pages
import pytest
from command_words import faults_of
from doc_pages import Saved, Script, Typed, fences, matches, mentioned, steps, typed
from reader import Reader

PAGE = """# A page

Save as `my_model.py`; it takes sequences. Another sentence.

```python
no_file = 1
```

Save as `my_model.py`:

```python
def f(): ...
```

```toml title="a/b.toml"
x = 1
```

```sh
# a comment
one --flag \\
  more
for x in 1 2; do
  echo "$x"
done    # says two lines
```

```text
1
...
```

```text title="elsewhere"
not compared
```

```console
$ two
printed
$ three
```
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "page.md").write_text(PAGE)
    monkeypatch.setattr(doc_pages, "ROOT", tmp_path)
    return "page.md"


def test_a_page_becomes_what_its_reader_does(page: str) -> None:
    script, saved, titled, one, loop, two, three = steps(page)
    assert isinstance(script, Script)
    assert script.code == "no_file = 1\n"
    assert saved == Saved("my_model.py", "def f(): ...\n", 11)
    assert isinstance(titled, Saved)
    assert titled.name == "a/b.toml"
    assert isinstance(one, Typed)
    assert one.command == "one --flag \\\n  more"
    assert one.prints is None
    assert isinstance(loop, Typed)
    assert loop.command.startswith("for x")
    assert loop.prints == "1\n...\n"
    assert [two.command, two.prints] == ["two", "printed\n"]
    assert [three.command, three.prints] == ["three", None]


def test_a_command_that_ends_within_is_refused() -> None:
    (fence,) = fences("```sh\necho 'one\n```\n")
    with pytest.raises(AssertionError, match="ends within"):
        typed(fence)


@pytest.mark.parametrize(
    ("told", "same"),
    [
        ("b\n", True),
        ("\nb\nc\n", True),
        ("a\n...\nd\n", True),
        ("a\n...\nb\n", True),
        ("c 1... s\n", False),
        ("a\nc\n", False),
        ("d\na\n", False),
        ("a\n...\ne\n", False),
    ],
)
def test_output_is_lines_in_one_piece(told: str, same: bool) -> None:
    assert matches(told, "a\nb  \nc\nd\n") is same


def test_an_ellipsis_in_a_line_stands_for_letters_of_it() -> None:
    assert matches("took ... s of 2\n", "took 1.5 s of 2\n")
    assert not matches("took ... s\n", "took 1.5\n s\n")


def test_an_id_stands_for_any_id() -> None:
    assert matches(f"{'0a' * 16} gc\n", f"{'f1' * 16} gc\n")
    assert not matches(f"{'0a' * 16} gc\n", f"{'f1' * 16} cpg\n")
    assert not matches("0a0a gc\n", "f1f1 gc\n")


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("genomark run -m gc --limits 3", "genomark run: No such option: --limits"),
        ("genomark runs", "genomark has no command runs"),
        ("genomark store lost x", "genomark store has no command lost"),
        (
            "genomark compare a.json && genomark report --pag",
            "genomark report: No such option: --pag",
        ),
        ("x=$(genomark data pathe a)", "genomark data has no command pathe"),
        ("FOO=1 genomark check a b c", "takes no"),
        ("genomark run --limit", None),
        ("genomark run -m gc > out.txt | head -3", None),
        ("genomark list models --json # a comment", None),
        ("echo genomark runs", None),
    ],
)
def test_commands_that_do_not_exist_are_named(command: str, fault: str | None) -> None:
    found = faults_of(command)
    assert not found if fault is None else fault in found[0]


def test_commands_within_sentences_are_found(page: str) -> None:
    path = doc_pages.ROOT / page
    path.write_text(
        "Type `genomark run -m gc`, or\n`genomark cache info\\|verify`.\n\n```sh\nx\n```\n"
    )
    assert mentioned(page) == [(1, "genomark run -m gc"), (2, "genomark cache info|verify")]


def test_a_command_that_fails_or_prints_otherwise_is_told(page: str, tmp_path: Path) -> None:
    (doc_pages.ROOT / page).write_text(
        "```sh\necho one\n```\n\n```text\ntwo\n```\n\n"
        "```sh\nexport A=5\nmkdir here\ncd here\n```\n\n"
        "```sh\necho $A $(basename $PWD)\n```\n\n```text\n5 here\n```\n\n"
        "```sh\nexit 3\n```\n\n```python\nraise SystemExit(4)\n```\n"
    )
    reader = Reader.of(page, tmp_path / "place", tmp_path / "cache")
    reader.read()
    first, second, third = reader.faults
    assert "page.md:2: echo one\n  prints something else" in first
    assert "page.md:24: exit 3\n  ended with 3" in second
    assert "this script\n  ended with 4" in third


def test_a_server_runs_until_the_page_ends_or_its_port_is_taken(page: str, tmp_path: Path) -> None:
    (doc_pages.ROOT / page).write_text(
        '```python title="serve.py"\n'
        "import http.server\n"
        'print("here at http://127.0.0.1:8000", flush=True)\n'
        'http.server.HTTPServer(("127.0.0.1", 8000), http.server.SimpleHTTPRequestHandler)'
        ".serve_forever()\n```\n\n"
        "```sh\npython serve.py\n```\n\n```text\nhere at http://127.0.0.1:8000\n```\n\n"
        "```sh\ncurl -sf http://127.0.0.1:8000/serve.py\n```\n"
    )
    reader = Reader.of(page, tmp_path / "place", tmp_path / "cache")
    reader.read()
    assert not reader.faults
    assert not reader._servers
