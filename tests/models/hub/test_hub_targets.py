"""Tables of targets, written as their authors write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from genomark.errors import UsageError
from genomark.models.hub.targets import asked_table, numbered_tracks, read_targets, tracks_of
from genomark.models.tracks import Track

TYPES = {"DNASE": ("accessibility",), "CAGE": ("expression",)}
FULL = """\
index\tgenome\tidentifier\tfile\tclip\tscale\tsum_stat\tdescription
5313\t1\tE1\t/a.w5\t32\t2\tmean\tDNASE:C57BL/6 "wild type" liver
5314\t1\tE2\t/b.w5\t32\t2\tmean\tCHIP:eGFP-NR4A1:K562
5315\t1\tE3\t/c.w5\t32\t2\tmean\tCHIP:BMAL1:U2OS / stably expressing Bmal1:Luc
5316\t1\tE4\t/d.w5\t32\t2\tmean\tCHIP:.:liver
5317\t1\tE5\t/e.w5\t384\t1\tsum\tCAGE:chronic myelogenous leukemia cell line:K562
"""
SIMPLIFIED = """\
\tAssay\tCell Type\tMolecule
0\tDNASE\tC57BL/6 "wild type" liver\t
1\tCHIP\tK562\teGFP-NR4A1
2\tCHIP\tU2OS / stably expressing Bmal1:Luc\tBMAL1
3\tCHIP\tliver\t.
4\tCAGE\tchronic myelogenous leukemia cell line:K562\t
"""
EXPECTED = (
    Track("DNASE", ("accessibility",), 'C57BL/6 "wild type" liver', "mus_musculus"),
    Track("CHIP_egfpnr4a1", ("binding_egfpnr4a1",), "K562", "mus_musculus"),
    Track("CHIP_bmal1", ("binding_bmal1",), "U2OS / stably expressing Bmal1:Luc", "mus_musculus"),
    # A molecule without a name stands for nothing one could ask for.
    Track("CHIP_", (), "liver", "mus_musculus"),
    Track("CAGE", ("expression",), "chronic myelogenous leukemia cell line:K562", "mus_musculus"),
)


def written(folder: Path, text: str) -> Path:
    path = folder / "targets.txt"
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", [FULL, SIMPLIFIED, FULL.replace("index", "", 1)])
def test_both_forms_name_the_same_tracks(tmp_path, text) -> None:
    table = read_targets(written(tmp_path, text), 5, "x")
    assert tracks_of(table, TYPES, "mouse", "x") == EXPECTED


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("index\tdescription\n0\tDNASE:K562\n", "names 1 tracks; the checkpoint has 6"),
        ("a\tb\n" + "1\t2\n" * 6, "neither a column 'description' nor columns 'Assay'"),
        (
            "description\n" + "DNASE:K562\n" * 5 + "K562\n",
            "line 7: description 'K562'; expected ASSAY:CELL TYPE",
        ),
        ("description\n" + "CHIP:K562\n" * 6, "line 2: description 'CHIP:K562'; expected ASSAY"),
        (
            "description\n" + "CAGE:a\n" * 2 + "RNA:a\n" * 4,
            "line 4: no assay 'RNA'; expected one of CAGE, CHIP, DNASE",
        ),
        (
            "index\tdescription\n" + "0\tDNASE:K562\n" * 6,
            "expected one row for each track, numbered in order",
        ),
        ("index\tdescription\n" + "\tDNASE:K562\n" * 6, "numbered in order"),
        ("", "is no table of targets"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, content, message) -> None:
    path = written(tmp_path, content)
    with pytest.raises(UsageError, match=message) as caught:
        tracks_of(read_targets(path, 6, "x"), TYPES, "human", f"x: {path}")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_is_of_one_species_and_a_folder_of_several(tmp_path) -> None:
    file = tmp_path / "targets_human.txt"
    file.write_text(FULL)
    assert asked_table(str(tmp_path), "human", 2, "x") == file
    assert asked_table(str(file), "mouse", 1, "x") == file
    with pytest.raises(UsageError, match=r"holds no targets_mouse\.txt"):
        asked_table(str(tmp_path), "mouse", 2, "x")
    with pytest.raises(UsageError, match="of which species"):
        asked_table(str(file), "human", 2, "x")
    with pytest.raises(UsageError, match="targets=nowhere: no such file or folder"):
        asked_table("nowhere", "human", 1, "x")


def test_tracks_nobody_named_have_numbers() -> None:
    tracks = numbered_tracks(3, "human")
    assert [track.cell_type for track in tracks] == ["track 0", "track 1", "track 2"]
    assert all({"accessibility", "expression"} < {*track.types} for track in tracks)
