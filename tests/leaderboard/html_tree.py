"""HTML as a tree, read strictly: a tag that is left open, or closes another, is an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(("meta", "link", "input", "br", "hr", "img"))
#: Elements of these names never lie in one of the same name.
_NEVER_NESTED = frozenset(
    ("a", "button", "form", "main", "label", "h1", "h2", "h3", "p", "caption")
)


@dataclass
class Element:
    """An element; `children` are elements and text."""

    name: str
    attributes: dict[str, str | None]
    children: list[Element | str] = field(default_factory=list)
    parent: Element | None = None

    @property
    def text(self) -> str:
        """All text in it."""
        return "".join(each if isinstance(each, str) else each.text for each in self.children)

    def get(self, name: str) -> str:
        """Give an attribute; empty if it is not there."""
        return self.attributes.get(name) or ""

    def all(self, *names: str) -> list[Element]:
        """Give the elements below of these names, or all, in their order."""
        return [each for each in self.walk() if not names or each.name in names]

    def one(self, name: str) -> Element:
        """Give the only element of a name."""
        (found,) = self.all(name)
        return found

    def walk(self) -> Iterator[Element]:
        """Go through all elements below."""
        for each in self.children:
            if isinstance(each, Element):
                yield each
                yield from each.walk()

    def within(self, name: str) -> bool:
        """Whether an element of a name holds it."""
        at = self.parent
        while at is not None and at.name != name:
            at = at.parent
        return at is not None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.at = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        made = Element(tag, dict(attrs), parent=self.at)
        assert tag not in _NEVER_NESTED or not (self.at.name == tag or made.within(tag)), (
            f"<{tag}> in <{tag}>"
        )
        self.at.children.append(made)
        if tag not in VOID:
            self.at = made

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.at.name == tag, f"</{tag}> where <{self.at.name}> is open"
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.children.append(data)


def read_html(text: str) -> Element:
    """Read a page.

    Raises
    ------
    AssertionError
        If a tag is left open or closes another, or an attribute is given twice.
    """
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.at is reader.root, f"<{reader.at.name}> is left open"
    assert text.startswith("<!DOCTYPE html>")
    return reader.root.one("html")
