"""Matchers as models: which is which by its spec, and what each asks of a language model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from llm_server import LlmServer, busy, picks, reply, writes

from genomark.errors import UnknownNameError, UsageError
from genomark.matching import Matcher
from genomark.matching.llm import LlmChooser
from genomark.matching.llm_endpoint import LlmEndpoint
from genomark.matching.matcher_model import (
    BuiltinMatcher,
    NearestMatcher,
    RemoteMatcher,
    TournamentMatcher,
    matcher,
)
from genomark.matching.tables import Concept, Knowledge, Table
from genomark.models.capabilities import TermAnswer, TermMatcher

CELLS = ["HepG2", "K562", "K562 nuclear fraction", "SK-N-SH"]
LLM = "ollama:http://127.0.0.1:9"


def few_facts() -> Knowledge:
    return Knowledge(
        lines=Table([Concept("K-562", "line"), Concept("Hep-G2", "line")], by_key=True),
        types=Table([], by_key=False),
        molecules=Table([Concept("EP300", "transcription factor", ("p300",))], by_key=True),
        species=Table([Concept("homo_sapiens", "species", ("human",))], by_key=False),
        digest="0123456789",
    )


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer() as server:
        yield server


@pytest.fixture
def endpoint(server: LlmServer) -> LlmEndpoint:
    return replace(LlmEndpoint.of(server.ollama), seconds=5.0, retries=0)


# Specs


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"url": "http://127.0.0.1:9", "llm": LLM}, "url= and llm= are two matchers"),
        ({"model": "gemma3:12b"}, "model=gemma3:12b is of a language model; expected llm="),
        ({"mode": "tournament"}, "mode=tournament is of a language model; expected llm="),
        ({"url": "http://127.0.0.1:9", "retries": "1"}, "retries=1 is of a language model"),
        ({"llm": LLM}, "a language model without a name; expected ollama:"),
        ({"llm": "gemma", "model": "m"}, "that names no language model; expected ollama:"),
        ({"llm": LLM, "model": "m", "seconds": "soon"}, "seconds of a language model has to be"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        matcher(**settings)  # type: ignore[arg-type]


def test_a_spec_says_which_matcher_it_is() -> None:
    assert isinstance(matcher(url="http://127.0.0.1:9"), RemoteMatcher)
    tournament = matcher(llm=LLM, model="m", mode="tournament", retries="0")
    assert isinstance(tournament, TournamentMatcher)
    assert tournament.info.id == f"matcher:llm={LLM},model=m,mode=tournament"
    assert isinstance(tournament, TermMatcher)


def test_what_is_shipped_is_the_built_in_matcher() -> None:
    built_in = matcher()
    assert isinstance(built_in, BuiltinMatcher)
    assert built_in.info.id == "matcher"
    assert built_in.info.version.startswith("genomark-matcher-")
    found = built_in.match_term("cell_type", "k-562", CELLS)
    assert (found.choice, found.calls) == ("K562", 0)
    with_model = matcher(llm=LLM, model="m", mode="last-stage")
    assert isinstance(with_model, BuiltinMatcher)
    assert with_model.info.id == f"matcher:llm={LLM},model=m,mode=last-stage"
    assert isinstance(matcher(llm=LLM, model="m"), NearestMatcher)


def test_each_way_of_asking_is_another_model() -> None:
    endpoint = LlmEndpoint.of(f"{LLM},model=m")
    other = LlmEndpoint.of(f"{LLM},model=n")
    chooser, engine = LlmChooser.of(f"{LLM},model=m"), Matcher(few_facts(), semantic=False)
    asked = Matcher(few_facts(), llm=chooser, semantic=False)
    models = [
        BuiltinMatcher(engine=engine),
        BuiltinMatcher(endpoint, asked),
        NearestMatcher(endpoint, few_facts()),
        NearestMatcher(other, few_facts()),
        TournamentMatcher(endpoint),
    ]
    assert len({each.info.digest for each in models}) == 5
    assert len({each.info.id for each in models}) == 5
    again = NearestMatcher(LlmEndpoint.of(f"{LLM},model=m"), few_facts())
    assert again.info == models[2].info


# What is asked


def test_the_built_in_matcher_asks_nobody(server: LlmServer) -> None:
    built_in = BuiltinMatcher(engine=Matcher(few_facts(), semantic=False))
    found = built_in.match_term("cell_type", "k-562", CELLS)
    assert (found.choice, found.calls, found.fault, found.notes) == ("K562", 0, "", ())
    assert found.confidence is not None
    assert found.confidence > 0.9
    assert built_in.match_term("cell_type", "Vero", CELLS).choice is None
    assert not server.asked


def test_without_its_language_model_the_built_in_matcher_answers_and_says_so(
    server: LlmServer, endpoint: LlmEndpoint
) -> None:
    server.does(busy(503))
    chooser = LlmChooser.of(f"{server.ollama},retries=0")
    built_in = BuiltinMatcher(endpoint, Matcher(few_facts(), llm=chooser, semantic=False))
    found = built_in.match_term("cell_type", "K562 treated with LPS", CELLS)
    assert not found.fault
    assert len(found.notes) == 1
    assert "answered 503" in found.notes[0]


def test_alone_a_language_model_is_asked_of_the_nearest_every_time(
    server: LlmServer, endpoint: LlmEndpoint
) -> None:
    alone = NearestMatcher(endpoint, few_facts())
    server.mind = picks("K562 nuclear fraction")
    assert alone.match_term("cell_type", "k-562", CELLS) == TermAnswer(
        "K562 nuclear fraction", calls=1
    )
    (asked,) = server.asked
    assert asked.term == "k-562"
    assert asked.names == ["K562", "K562 nuclear fraction"]
    server.mind = writes(reply(0, None))
    assert alone.match_term("cell_type", "k-562", CELLS) == TermAnswer(None, calls=1)
    server.mind = writes(reply(1, "HepG2"))
    assert "which is 'K562', and called it 'HepG2'" in (
        alone.match_term("cell_type", "k-562", CELLS).fault
    )
    with pytest.raises(UnknownNameError, match="category of terms"):
        alone.match_term("organ", "k-562", CELLS)


def test_alone_nobody_is_asked_where_nothing_is_near(
    server: LlmServer, endpoint: LlmEndpoint
) -> None:
    found = NearestMatcher(endpoint, few_facts()).match_term("cell_type", "%&/", CELLS)
    assert found == TermAnswer(None, calls=0)
    assert not server.asked


def test_in_a_tournament_all_choices_are_shown(server: LlmServer, endpoint: LlmEndpoint) -> None:
    names = [f"cell {number:02}" for number in range(45)]
    server.mind = picks("cell 44")
    found = TournamentMatcher(endpoint).match_term("cell_type", "the last", names)
    # Parts of 20, 20 and 5; one winner, who needs no last question.
    assert found == TermAnswer("cell 44", calls=3)
    assert [len(each.names) for each in server.asked] == [20, 20, 5]


@pytest.mark.parametrize("mode", ["alone", "tournament"])
def test_an_outage_is_a_fault_and_not_none(
    server: LlmServer, endpoint: LlmEndpoint, mode: str
) -> None:
    server.does(busy(503))
    asking = (
        TournamentMatcher(endpoint)
        if mode == "tournament"
        else NearestMatcher(endpoint, few_facts())
    )
    found = asking.match_term("cell_type", "k-562", CELLS)
    assert (found.choice, found.calls) == (None, 1)
    assert "answered 503" in found.fault


# Names of one's own


def test_files_of_names_are_part_of_which_matcher_it_is(tmp_path: Path) -> None:
    one, other = tmp_path / "one.txt", tmp_path / "o+ther.txt"
    one.write_text("ID   ZX-77\nAC   CVCL_ZX77\nSY   Zelxit 77\n//\n")
    other.write_text("ID   QX-1\nAC   CVCL_QX01\nSY   Quexit\n//\n")
    models = [matcher(), matcher(knowledge=str(one)), matcher(knowledge=str(other))]
    assert len({each.info.digest for each in models}) == 3
    assert len({each.info.version for each in models}) == 3
    assert [each.info.id for each in models] == [
        "matcher",
        f"matcher:knowledge={one}",
        f"matcher:knowledge={other}",
    ]
    asked = "cell_type", "Zelxit-77", ["HepG2", "ZX-77"]
    assert [each.match_term(*asked).choice for each in models] == [None, "ZX-77", None]
    last = matcher(llm=LLM, model="m", mode="last-stage", knowledge=str(one))
    assert last.info.id == f"matcher:llm={LLM},model=m,mode=last-stage,knowledge={one}"
    assert last.info.version.startswith(models[1].info.version)


def test_several_files_of_names_have_a_plus_between_them(tmp_path: Path) -> None:
    for name in ("a", "b"):
        text = f"ID   ZX-77{name}\nAC   CVCL_ZX7{name}\nSY   Zelxit {name}\n//\n"
        (tmp_path / f"{name}.txt").write_text(text)
    both = matcher(knowledge=f"{tmp_path}/a.txt+{tmp_path}/b.txt")
    for name in ("a", "b"):
        found = both.match_term("cell_type", f"Zelxit {name}", ["HepG2", f"ZX-77{name}"])
        assert found.choice == f"ZX-77{name}"


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "http://127.0.0.1:9"},
        {"llm": LLM, "model": "m"},
        {"llm": LLM, "model": "m", "mode": "tournament"},
    ],
)
def test_files_of_names_are_of_the_built_in_stages(settings: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="knowledge= is of the built-in stages"):
        matcher(**settings, knowledge="own.obo")  # type: ignore[arg-type]


def test_a_file_of_names_that_is_not_there_is_told() -> None:
    with pytest.raises(UsageError, match=r"Cannot read own\.obo: No such file"):
        matcher(knowledge="own.obo")
