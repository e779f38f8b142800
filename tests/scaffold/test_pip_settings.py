"""The settings of pip, as a build is told of them."""

import configparser
import os
import subprocess

import pytest

from genomark.scaffold.pip_settings import PipSettings, pip_settings


@pytest.fixture
def said(monkeypatch):
    """``said(lines)``: what ``pip config list`` says; any file of this machine may say more."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)

    def say(*lines):
        done = subprocess.CompletedProcess((), 0, stdout="\n".join(lines))
        monkeypatch.setattr(subprocess, "run", lambda *words, **more: done)

    return say


def read(text):
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return dict(parser["global"])


def test_pip_says_it_in_the_way_that_is_read(monkeypatch):
    """Pip itself, with no settings but of the environment."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://a.example/it's https://b.example")
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    values = pip_settings().values
    assert values == {"extra-index-url": "https://a.example/it's https://b.example"}


def test_where_packages_come_from_is_told_and_where_they_go_is_not(said):
    said(
        "global.index-url='https://user:pass@index.example/simple'",
        "global.target='/elsewhere'",
        "global.timeout='5'",
        r"install.extra-index-url='\nhttps://a.example\nhttps://b.example'",
        "install.user='true'",
        "list.format='json'",
        ":env:.default-timeout='77'",
        ":env:.require-virtualenv='1'",
        "no line of settings",
    )
    settings = pip_settings()
    assert read(settings.text()) == {
        "index-url": "https://user:pass@index.example/simple",
        "extra-index-url": "https://a.example https://b.example",
        "timeout": "77",
    }
    assert settings.folders == ()
    assert settings.certificates is None


def test_folders_are_told_as_the_build_sees_them(said, tmp_path):
    for name in ("wheels", "index/simple"):
        (tmp_path / name).mkdir(parents=True)
    said(
        f"global.find-links='{tmp_path}/wheels {tmp_path}/none https://c.example/links'",
        f"global.extra-index-url='file://{tmp_path}/index/simple'",
        "global.no-index='true'",
    )
    settings = pip_settings()
    # The pages of an index name files beside them.
    assert settings.mounts() == {
        tmp_path / "wheels": "/run/pip/0",
        tmp_path / "index": "/run/pip/1",
    }
    assert read(settings.text(sees_folders=True)) == {
        "find-links": "/run/pip/0 https://c.example/links",
        "extra-index-url": "file:///run/pip/1/simple",
        "no-index": "true",
    }
    assert read(settings.text()) == {"find-links": "https://c.example/links", "no-index": "true"}
    assert str(tmp_path) not in settings.text(sees_folders=True)


@pytest.mark.parametrize("setting", [True, False])
def test_certificates_come_along(said, tmp_path, monkeypatch, setting):
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("certificates")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/none.pem" if setting else str(bundle))
    said(*([f"global.cert='{bundle}'"] if setting else []))
    settings = pip_settings()
    assert settings.certificates == bundle
    assert read(settings.text("/mnt/pip.pem")) == {"cert": "/mnt/pip.pem"}


def test_without_any_there_is_nothing_to_tell(said):
    said()
    assert pip_settings() == PipSettings()
    assert read(PipSettings().text()) == {}
