"""Which build a server is, in images that are not Apptainer's (GAME 1.0, section 9.3)."""

import json

import pytest

from genomark.serving.name import checked_name, versioned_name


@pytest.mark.parametrize(
    ("created", "build"),
    [
        ("2025-11-28T18:06:29Z", "20251128-180629_UTC"),
        ("2025-11-28T18:06:29+00:00", "20251128-180629_UTC"),
        ("2025-11-28T18:06:29-08:00", "20251128-180629_-0800"),
        ("2025-11-28T18:06:29", "20251128-180629_UNK"),
        ("", "unknown"),
        ("yesterday", "unknown"),
        (5, "unknown"),
        (None, "unknown"),
    ],
)
def test_a_name_says_when_its_image_was_built(tmp_path, created, build):
    image = tmp_path / "image.json"
    image.write_text(json.dumps({"org.opencontainers.image.created": created}))
    name = versioned_name("My Model", tmp_path / "none", image)
    assert name == f"My-Model_{build}"
    checked_name(name.replace("+", ""))


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "no JSON"])
def test_an_image_without_a_readable_date_is_of_an_unknown_build(tmp_path, text):
    image = tmp_path / "image.json"
    image.write_text(text)
    assert versioned_name("toy", tmp_path / "none", image) == "toy_unknown"


def test_an_image_that_became_one_of_apptainer_is_of_that_date(tmp_path):
    image, labels = tmp_path / "image.json", tmp_path / "labels.json"
    image.write_text(json.dumps({"org.opencontainers.image.created": "2020-01-01T00:00:00Z"}))
    date = "Friday_28_November_2025_18:6:29_PST"
    labels.write_text(json.dumps({"org.label-schema.build-date": date}))
    assert versioned_name("toy", tmp_path, image) == "toy_20251128-180629_PST"


def test_outside_of_any_image_a_name_says_so(tmp_path):
    assert versioned_name("toy", tmp_path / "none", tmp_path / "nothing.json") == "toy_dev"
