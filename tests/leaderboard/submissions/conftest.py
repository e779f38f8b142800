from __future__ import annotations

import pytest
from submitting import LIMITS, Door, Office, Submitter

from genomark.results.store import Store
from listening import listening


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def submitter(tmp_path):
    return Submitter(tmp_path)


@pytest.fixture
def door(store, tmp_path):
    with (
        listening((made := Door(store, tmp_path, LIMITS)).app) as made.url,
    ):
        yield made


@pytest.fixture
def office(store, tmp_path):
    return Office(store, tmp_path)
