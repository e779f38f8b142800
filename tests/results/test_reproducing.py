from __future__ import annotations

import shlex

from kept_runs import EVIL, made, question

from genomark.benchmarks import SUITES
from genomark.probes import Probe, parse_probe, settings_of
from genomark.results.reproducing import cautions, commands, installing


def words(command):
    return shlex.split(command)


def test_benchmarks_put_alike_to_the_same_models_are_one_command():
    names = list(SUITES["gue"])[:2]
    asked = [question(made(name, "gc"), made(name, "kmer:k=5")) for name in names]
    (command,) = commands(asked)
    assert words(command) == [
        *("genomark", "run", "-m", "gc", "-m", "kmer:k=5"),
        *("-b", names[0], "-b", names[1], "--seed", "0"),
    ]


def test_a_whole_suite_is_named_as_one():
    (command,) = commands([question(made(name)) for name in SUITES["quickstart"]])
    assert "-b suite:quickstart" in command
    assert command.count("-b") == 1


def test_limits_seeds_fits_and_protocols_are_told():
    gue = SUITES["gue"][0]
    asked = [
        question(made(limit=10, seed=3)),
        question(made(gue, fits=1), made(gue, "hf:x (zero-shot, likelihood)", fits=1)),
        question(made(gue, "usual", fits=3)),
    ]
    first, second, third, fourth = map(words, commands(asked))
    assert first[-4:] == ["--seed", "3", "--limit", "10"]
    assert f"{gue}:fits=1" in second
    assert third[third.index("-m") + 1] == "hf:x"
    assert third[-2:] == ["--protocol", "zero-shot"]
    assert gue in fourth


def test_a_probe_is_written_so_that_it_reads_as_it_was():
    for spec in ("linear", "linear:C=nested,folds=4", "knn:n_neighbors=3", "sklearn"):
        probe = parse_probe(spec)
        asked = question(made("genes/x", probe=settings_of(probe), missing="zero"))
        (command,) = map(words, commands([asked]))
        given = command[command.index("--probe") + 1] if probe != Probe() else "linear"
        assert parse_probe(given) == probe
        assert command[command.index("--missing") + 1] == "zero"
    (usual,) = commands([question(made("genes/x", probe=settings_of(Probe()), missing="drop"))])
    assert "--probe" not in usual
    assert "--missing" not in usual


def test_names_of_strangers_are_quoted_for_the_shell():
    (command,) = commands(
        [
            question(made(model="a; rm -rf $HOME")),
        ]
    )
    assert words(command)[3] == "a; rm -rf $HOME"
    (evil,) = commands([question(made(model=EVIL))])
    assert "\x1b" not in evil
    assert len(words(evil)) == 8


def test_no_word_of_a_stranger_ends_the_line():
    evil = made("genes/x", probe={"head": EVIL + "\n```", "C": "\n# title"}, missing="\n```")
    evil.environment["packages"] = {"a\n```\n<script>": "1\n2"}
    for command in (*installing([evil]), *commands([question(evil)])):
        assert "\n" not in command
        assert "\x1b" not in command


def test_what_others_published_has_no_command():
    assert commands([question(made(source="a table"))]) == []


def test_packages_are_those_of_the_results_the_most_frequent_first():
    other = made(model="other")
    other.environment["packages"] = {"genomark": "0.0.9"}
    found = installing([other, made(), made(model="cpg")])
    assert found == [
        "pip install genomark==0.1.0 torch==2.6.0",
        "pip install genomark==0.0.9",
    ]


def test_what_a_command_cannot_tell_is_said():
    own = question(made("tasks:mine", "py:./m.py:f"), made("tasks:mine", "gc"))
    first, second = cautions([own])
    assert first.startswith("py:./m.py:f: files, servers and objects")
    assert second.startswith("tasks:mine: tasks of whoever ran it")
    assert cautions([question(made())]) == []


def test_usual_fits_are_left_out_and_no_other_setting_with_them():
    gue = SUITES["gue"][0]
    guanine = next(iter(SUITES["guanine"]))
    for result, benchmark in (
        (made(gue, fits=3), gue),
        (made(gue, fits=30), f"{gue}:fits=30"),
        (made(guanine, fits=3, jitter_runs=2), f"{guanine}:jitter=2"),
        (made(guanine, fits=30, jitter_runs=2), f"{guanine}:fits=30,jitter=2"),
    ):
        (command,) = commands([question(result)])
        assert words(command)[4:6] == ["-b", benchmark]


def test_only_names_and_versions_of_packages_are_installed():
    evil = made()
    evil.environment["packages"] = {
        "genomark": "0.1.0",
        "zope.interface": "1!7.0rc1.post2",
        "--index-url": "1",
        "evil @ https://127.0.0.1/evil.whl #": "1",
        "git+https://127.0.0.1/evil": "1",
        "name-": "1",
        "extra[x]": "1",
        "a": "1 --pre",
        "b": "1,>0",
        "c": "*",
        "d": "",
        "e": "1\n",
    }
    (command,) = installing([evil])
    assert words(command) == [
        *("pip", "install", "genomark==0.1.0", "zope.interface==1!7.0rc1.post2")
    ]
    evil.environment["packages"] = {"-r": "1"}
    assert installing([evil]) == []
