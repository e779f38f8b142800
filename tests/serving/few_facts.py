"""What a Matcher of the tests of this folder knows, and what it is asked."""

from __future__ import annotations

from genomark.matching.tables import Concept, Knowledge, Table

CELLS = ["HepG2", "K562", "SK-N-SH"]
CELL = {"cell_type_requested": "k-562", "cell_type_list": CELLS}
SPECIES = {"species_requested": "human", "species_list": ["mus_musculus", "homo_sapiens"]}
MOLECULE = {"binding_molecule_requested": "p300", "binding_molecule_list": ["CTCF", "EP300"]}


def few_facts():
    return Knowledge(
        lines=Table(
            [Concept("K-562", "line"), Concept("Hep-G2", "line"), Concept("SK-N-SH", "line")],
            by_key=True,
        ),
        types=Table([], by_key=False),
        molecules=Table(
            [
                Concept("EP300", "transcription factor", ("p300",)),
                Concept("CTCF", "transcription factor"),
            ],
            by_key=True,
        ),
        species=Table(
            [
                Concept("homo_sapiens", "species", ("human",)),
                Concept("mus_musculus", "species", ("mouse",)),
            ],
            by_key=False,
        ),
        digest="0123456789",
    )
