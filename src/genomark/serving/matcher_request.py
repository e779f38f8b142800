"""What a Matcher is asked (GAME 1.0, section 6.2), and what it says of a request that is none.

Published Matchers are FastAPI services: a body that does not fit is answered with 422 and a list of
what is wrong and where. Clients read those, so types, places and texts are the same here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from genomark.matching import Category
from genomark.protocol import BadRequestError
from genomark.serving.limits import check_depth

#: In the order of published Matchers' requests.
ORDER: tuple[Category, ...] = ("cell_type", "species", "binding_molecule")
KEYS = tuple(f"{category}_{part}" for category in ORDER for part in ("requested", "list"))

#: Faults that are told, and the longest value that is sent back with one.
_MOST_FAULTS, _LONGEST_SHOWN = 20, 200
#: Nesting of a body.
_DEEPEST = 32

Fault = dict[str, Any]


class InvalidMatchError(BadRequestError):
    """A request that does not fit (422).

    Parameters
    ----------
    faults : list of dict
        ``type``, ``loc``, ``msg`` and mostly ``input``, as FastAPI tells them.
    """

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__([str(fault["msg"]) for fault in faults], status=422)
        self.faults = faults


@dataclass(frozen=True)
class Question:
    """One term of a request.

    Attributes
    ----------
    category : str
    term : str
    choices : list of str
    """

    category: Category
    term: str
    choices: list[str]


def read_questions(body: bytes, content_type: str | None) -> list[Question]:
    """Read the terms of a request.

    Parameters
    ----------
    body : bytes
    content_type : str or None

    Returns
    -------
    list of Question
        One for each category that is asked, at least one; an empty term asks nothing.

    Raises
    ------
    InvalidMatchError
        If there is no such question in it.
    BadRequestError
        400 for a body that is no text or is nested too deep.
    """
    raw = _decoded(body, content_type)
    faults = list(islice(_faults(raw), _MOST_FAULTS))
    if faults:
        raise InvalidMatchError(faults)
    questions = []
    for category in ORDER:
        term, choices = raw.get(f"{category}_requested"), raw.get(f"{category}_list")
        if not term:
            continue
        if not choices:
            raise _value_error(
                f"If '{category}_requested' is provided, '{category}_list' must also be provided "
                "and non-empty.",
                raw,
            )
        questions.append(Question(category, term, choices))
    if not questions:
        raise _value_error(
            "Request must contain at least one category to match (e.g. 'cell_type_requested').", raw
        )
    return questions


def unfit(question: Question, reason: str) -> InvalidMatchError:
    """Say that a question of the right form cannot be taken on."""
    loc = ["body", f"{question.category}_requested"]
    return InvalidMatchError([_fault("value_error", loc, f"Value error, {reason}")])


def read_flag(value: str | None, name: str) -> bool:
    """Read a switch of the URL, in the words that FastAPI knows.

    Raises
    ------
    InvalidMatchError
        If it is neither on nor off.
    """
    if value is None or value.lower() in ("0", "false", "off", "no", "f", "n"):
        return False
    if value.lower() in ("1", "true", "on", "yes", "t", "y"):
        return True
    text = "Input should be a valid boolean, unable to interpret input"
    raise InvalidMatchError([_fault("bool_parsing", ["query", name], text, value)])


def _decoded(body: bytes, content_type: str | None) -> Any:
    if not body:
        raise InvalidMatchError([_fault("missing", ["body"], "Field required", None)])
    if not _is_json(content_type or ""):
        fault = _no_object("a body of the Content-Type application/json is expected")
        raise InvalidMatchError([fault])
    try:
        raw = json.loads(body.decode())
    except json.JSONDecodeError as error:
        fault = _fault("json_invalid", ["body", error.pos], "JSON decode error", {})
        raise InvalidMatchError([{**fault, "ctx": {"error": error.msg}}]) from error
    except UnicodeDecodeError as error:
        raise BadRequestError(
            f"There was an error parsing the body: byte {error.start:,} is not UTF-8"
        ) from error
    except RecursionError as error:
        raise BadRequestError(
            "There was an error parsing the body: it is nested too deep"
        ) from error
    # Such as an integer of thousands of digits.
    except ValueError as error:
        raise BadRequestError(f"There was an error parsing the body: {error}") from error
    check_depth(raw, _DEEPEST)
    if raw is None:
        raise InvalidMatchError([_fault("missing", ["body"], "Field required", None)])
    if not isinstance(raw, dict):
        raise InvalidMatchError([_no_object("an object is expected", raw)])
    return raw


def _is_json(content_type: str) -> bool:
    family, _, kind = content_type.partition(";")[0].strip().lower().partition("/")
    return family == "application" and (kind == "json" or kind.endswith("+json"))


def _faults(raw: dict[str, Any]) -> Iterator[Fault]:
    """Tell what is of the wrong type, or should not be there."""
    for key in KEYS:
        value = raw.get(key)
        if value is None:
            continue
        if key.endswith("_requested"):
            yield from _text_faults(value, ["body", key])
        elif not isinstance(value, list):
            yield _fault("list_type", ["body", key], "Input should be a valid list", value)
        else:
            for place, each in enumerate(value):
                yield from _text_faults(each, ["body", key, place])
    for key in raw:
        if key not in KEYS:
            shown = key.encode(errors="replace").decode()[:_LONGEST_SHOWN]
            text = "Extra inputs are not permitted"
            yield _fault("extra_forbidden", ["body", shown], text, raw[key])


def _text_faults(value: Any, loc: list[str | int]) -> Iterator[Fault]:
    if not isinstance(value, str):
        yield _fault("string_type", loc, "Input should be a valid string", value)
    elif not _is_unicode(value):
        text = "Input should be a valid string, unable to parse raw data as a unicode string"
        yield _fault("string_unicode", loc, text)


def _is_unicode(text: str) -> bool:
    # JSON can write halves of characters, which nothing else can.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _value_error(text: str, raw: dict[str, Any]) -> InvalidMatchError:
    fault = _fault("value_error", ["body"], f"Value error, {text}", raw)
    return InvalidMatchError([{**fault, "ctx": {"error": {}}}])


def _no_object(reason: str, *value: Any) -> Fault:
    text = "Input should be a valid dictionary or object to extract fields from"
    fault = _fault("model_attributes_type", ["body"], text, *value)
    return {**fault, "ctx": {"error": reason}}


def _fault(kind: str, loc: Sequence[str | int], text: str, *value: Any) -> Fault:
    """Describe a fault; what was sent comes along where it is short."""
    fault: Fault = {"type": kind, "loc": list(loc), "msg": text}
    if value and _is_short(value[0]):
        fault["input"] = value[0]
    return fault


def _is_short(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_SHOWN and _is_unicode(value)
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        return len(value) <= _MOST_FAULTS and all(map(_is_short, value))
    # A number may have thousands of digits.
    return not isinstance(value, int) or abs(value) < 1 << 63
