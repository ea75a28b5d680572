"""Downloads over connections and from servers as they are."""

from __future__ import annotations

import gzip

import pytest

from pytest_mlmodelscope.core.errors import AssetError, ChecksumError
from pytest_mlmodelscope.manifest.sources import download as downloads
from pytest_mlmodelscope.manifest.sources.download import Ticker, download, session, shown

from .conftest import Page, asset_of

CONTENT = bytes(range(256)) * 4000


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(downloads, "PAUSE_S", 0.0)


@pytest.fixture
def fetched(site, tmp_path):
    def fetch(page, limit=None):
        site.pages["w"] = page
        return download(site.url("w"), tmp_path / "w", limit, lambda text: None)

    return fetch


def test_what_comes_is_what_the_server_has(fetched, tmp_path):
    assert fetched(Page(CONTENT)).read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["w"]


def test_a_broken_connection_goes_on_where_it_broke_off(fetched, site):
    assert fetched(Page(CONTENT, break_at=600_000)).read_bytes() == CONTENT
    assert [asked for _, asked in site.asked] == [None, "bytes=600000-"]


def test_without_a_tag_a_broken_download_starts_again(fetched, site):
    assert fetched(Page(CONTENT, break_at=600_000, etag=None)).read_bytes() == CONTENT
    assert [asked for _, asked in site.asked] == [None, None]


def test_a_file_that_changed_in_between_is_not_glued_together(fetched, site, tmp_path):
    (tmp_path / "w.part").write_bytes(b"old" * 100)
    (tmp_path / "w.part.json").write_text(f'{{"address": "{site.url("w")}", "validator": "\\"0\\""}}')
    assert fetched(Page(CONTENT)).read_bytes() == CONTENT
    assert [asked for _, asked in site.asked] == ["bytes=300-"]


def test_an_earlier_try_for_the_same_address_is_continued(fetched, site, tmp_path):
    (tmp_path / "w.part").write_bytes(CONTENT[:1000])
    (tmp_path / "w.part.json").write_text(f'{{"address": "{site.url("w")}", "validator": "\\"1\\""}}')
    assert fetched(Page(CONTENT)).read_bytes() == CONTENT
    assert [asked for _, asked in site.asked] == ["bytes=1000-"]


@pytest.mark.parametrize("about", ["", "[]", '{"address": "http://other/", "validator": "x"}'])
def test_bytes_of_another_address_are_not_continued(fetched, site, tmp_path, about):
    (tmp_path / "w.part").write_bytes(b"other")
    (tmp_path / "w.part.json").write_text(about)
    assert fetched(Page(CONTENT)).read_bytes() == CONTENT
    assert [asked for _, asked in site.asked] == [None]


def test_a_server_that_never_delivers_is_given_up(site, fetched):
    class Stubborn(Page):
        @property
        def break_at(self):
            return 1000

        @break_at.setter
        def break_at(self, value):
            pass

    with pytest.raises(AssetError, match="cannot be reached") as caught:
        fetched(Stubborn(CONTENT, etag=None))
    assert "run again" in caught.value.hint
    assert len(site.asked) <= 2 * downloads.ATTEMPTS


def test_a_busy_server_is_asked_again(fetched, site):
    assert fetched(Page(CONTENT, failures=2)).read_bytes() == CONTENT
    assert len(site.asked) == 3


def test_a_server_that_stays_busy_is_an_error(fetched):
    with pytest.raises(AssetError, match="answers 503"):
        fetched(Page(CONTENT, failures=100))


def test_a_missing_page_is_an_error_with_its_number(site, tmp_path):
    with pytest.raises(AssetError, match="answers 404") as caught:
        download(site.url("none"), tmp_path / "w", None, lambda text: None)
    assert "mirrors" in caught.value.hint


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/w", "http://[::1", "http://no.such.host.invalid/w"])
def test_an_address_that_leads_nowhere_is_an_error(tmp_path, address):
    with pytest.raises(AssetError, match="cannot be reached"):
        download(address, tmp_path / "w", None, lambda text: None)


def test_a_body_without_end_stops_at_the_limit(site, tmp_path):
    site.pages["w"] = Page(endless=True)
    with pytest.raises(ChecksumError, match="longer than the manifest says"):
        download(site.url("w"), tmp_path / "w", 1_000_000, lambda text: None)
    assert not list(tmp_path.glob("w*"))


def test_a_body_that_says_it_is_too_long_is_not_fetched(fetched):
    with pytest.raises(ChecksumError) as caught:
        fetched(Page(CONTENT), limit=1000)
    assert caught.value.expected == "1000 bytes"


def test_bytes_are_kept_as_they_are_there_though_the_server_calls_them_packed(fetched):
    packed = gzip.compress(CONTENT)
    assert fetched(Page(packed, encoding="gzip")).read_bytes() == packed


def test_a_mirror_is_tried_when_the_first_address_fails(site, fetcher):
    site.pages["good"] = Page(CONTENT)
    asset = asset_of(CONTENT, url=site.url("gone"), mirrors=(site.url("gone2"), site.url("good")))
    assert fetcher.fetch(asset).read_bytes() == CONTENT
    assert [path for path, _ in site.asked] == ["gone", "gone2", "good"]


def test_a_mirror_is_tried_when_the_first_address_gives_other_bytes(site, fetcher):
    site.pages |= {"bad": Page(CONTENT[::-1]), "long": Page(CONTENT + b"x"), "good": Page(CONTENT)}
    asset = asset_of(CONTENT, url=site.url("bad"), mirrors=(site.url("long"), site.url("good")))
    assert fetcher.fetch(asset).read_bytes() == CONTENT


def test_when_all_mirrors_fail_wrong_bytes_matter_most(site, fetcher):
    site.pages["bad"] = Page(CONTENT[::-1])
    asset = asset_of(CONTENT, url=site.url("gone"), mirrors=(site.url("bad"),))
    with pytest.raises(ChecksumError) as caught:
        fetcher.fetch(asset)
    assert "answers 404" in caught.value.what
    assert caught.value.where == asset.where


def test_a_file_address_that_is_not_there_is_an_error(tmp_path, fetcher):
    with pytest.raises(AssetError, match="cannot be read: No such file"):
        fetcher.fetch(asset_of(CONTENT, url=(tmp_path / "none").as_uri()))


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "PIP_CERT", "SSL_CERT_FILE"])
def test_certificates_are_those_that_other_tools_are_told_of(monkeypatch, name):
    for variable in ("REQUESTS_CA_BUNDLE", "PIP_CERT", "SSL_CERT_FILE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    assert session().verify is True
    monkeypatch.setenv(name, "/some/bundle.pem")
    assert session().verify == "/some/bundle.pem"


def test_passwords_in_addresses_are_not_shown():
    assert shown("https://user:secret@host/path@x") == "https://host/path@x"
    assert shown("https://host/path") == "https://host/path"


def test_a_long_download_says_now_and_then_how_far_it_is(monkeypatch):
    lines = []
    clock = iter([0.0, 1.0, 4.0, 4.0, 5.0])
    monkeypatch.setattr(downloads.time, "monotonic", lambda: next(clock))
    ticker = Ticker("w", 10_000_000, lines.append)
    for done in (1_000_000, 2_000_000, 3_000_000):
        ticker.at(done)
    assert lines == ["fetching w: 2.0 of 10.0 MB"]
