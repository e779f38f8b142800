"""Pages hang together: links and anchors lead somewhere, all pages are in the menu, it builds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from doc_pages import ROOT, fences, pages, read
from markdown.extensions.toc import slugify

_LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)", re.MULTILINE)
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)


@cache
def anchors(page: Path) -> frozenset[str]:
    """Anchors of the headings of a page, as the site makes them."""
    text = re.sub(r"^( *)```.*?^\1```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    names: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        name = slugify(plain, "-")
        names.append(f"{name}_{names.count(name)}" if name in names else name)
    return frozenset(names)


def menu() -> list[str]:
    class Loader(yaml.SafeLoader):
        """Leaves tags of Python alone."""

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
    found: list[str] = []

    def walk(entry: Any) -> None:
        for each in entry.values() if isinstance(entry, dict) else entry:
            if isinstance(each, str):
                found.append(each)
            else:
                walk(each)

    walk(yaml.load((ROOT / "mkdocs.yml").read_text(), Loader)["nav"])
    return found


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page: str) -> None:
    broken = []
    for match in _LINK.finditer(_CODE.sub("", read(page))):
        link = match[1] or match[2]
        if re.match(r"https?:|mailto:", link):
            continue
        name, _, anchor = link.partition("#")
        target = ((ROOT / page).parent / name).resolve() if name else ROOT / page
        # Anchors of the reference are made as the site is built, which looks at them.
        if anchor and target.parent.name == "api":
            anchor = ""
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_every_page_is_in_the_menu_once() -> None:
    there = {page.removeprefix("docs/") for page in pages() if page.startswith("docs/")}
    listed = menu()
    assert sorted(listed) == sorted(set(listed))
    assert set(listed) == there


@pytest.mark.parametrize("page", pages())
def test_commands_and_output_are_in_fences_that_say_so(page: str) -> None:
    """A command in a fence without a language would be tried by nobody."""
    for fence in fences(read(page)):
        if fence.language == "":
            assert not re.search(r"^(\$ )?genomark [a-z]+ ", fence.body, re.MULTILINE), fence.line
    indented = re.findall(r"\n\n    (genomark [a-z]+ .*)", _CODE.sub("", read(page)))
    assert not indented


@pytest.mark.parametrize("target", re.findall(r"`make ([a-z-]+)`", read("README.md")))
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_server_of_the_readme_has_ten_lines() -> None:
    (script,) = (fence.body for fence in fences(read("README.md")) if "port=8000" in fence.body)
    assert len([line for line in script.splitlines() if line.strip()]) <= 10


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [Path(sys.executable).with_name("mkdocs"), "build", "--strict", "-q", "-d", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert "WARNING" not in built.stderr
    return folder


@pytest.mark.slow
def test_the_site_asks_no_other_host_for_anything(site: Path) -> None:
    """What a page loads by itself, not what a reader may follow."""
    loads = re.compile(
        r"<(?:script|img|iframe|source)[^>]+src=\"?(https?:)?//[^\" >]+"
        r"|<link[^>]+rel=\"?(?:stylesheet|preconnect|icon|preload)\"?[^>]+href=\"?(https?:)?//"
        r"|@import\s+url\(\"?https?:|url\(\"?https?://",
    )
    for page in site.rglob("*.html"):
        assert not loads.search(page.read_text()), page
    for style in site.rglob("*.css"):
        assert not re.search(r"@import|url\(\"?https?://", style.read_text()), style
