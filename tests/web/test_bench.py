"""The bench itself: a test fails where a page complains, cannot be used by everybody, or does not fit."""

import pytest

LABELLED = "<!doctype html><html lang=en><title>t</title><main><h1>Title of it</h1><label>Name <input></label></main>"


def test_the_hub_answers_in_the_browser(open_page):
    page = open_page("/", may_say="favicon.ico")
    assert "MLModelScope" in page.title()


def test_what_the_hub_knows_is_in_its_database(hub_folder, hub_runs):
    from pytest_mlmodelscope.store import runs
    from pytest_mlmodelscope.store.database import Database

    with Database(hub_folder / "hub.sqlite") as database, database.reading() as session:
        record = runs.read(session, hub_runs[-1])
        kept = {record.digest for record in runs.newest(session, 1000)}
    # Beside those that other tests had verified.
    assert kept >= set(hub_runs)
    assert {case["verdict"] for case in record["mlms"]["cases"]} >= {"confirmed", "refuted"}


def test_the_records_are_valid(hub_shelf):
    import jsonschema
    import kept_runs

    from pytest_mlmodelscope.core.schema import schema

    for machine_class in kept_runs.MACHINES:
        record = kept_runs.record_of(hub_shelf, machine_class)
        jsonschema.Draft202012Validator(schema("record")).validate(record)


def test_a_field_without_a_label_is_told(page, accessible):
    page.set_content(LABELLED)
    accessible(page)
    page.set_content(LABELLED.replace("<label>Name <input></label>", "<input>"))
    with pytest.raises(AssertionError, match=r"label \(critical\).*\n +input"):
        accessible(page)


def test_faint_text_is_told(open_page, accessible):
    page = open_page(dark=True)
    page.set_content(LABELLED.replace("<h1>", "<h1 style='background: #222; color: #444'>"))
    with pytest.raises(AssertionError, match="color-contrast"):
        accessible(page)


def test_what_stands_out_of_a_phone_is_told(open_page, fits):
    page = open_page(size="phone")
    page.set_content("<!doctype html><meta name=viewport content='width=device-width'><p>short")
    fits(page)
    page.set_content("<!doctype html><meta name=viewport content='width=device-width'><p>short<pre>" + "wide " * 99)
    with pytest.raises(AssertionError, match="<pre"):
        fits(page)


def test_axe_gets_past_a_strict_policy(open_page, accessible):
    page = open_page()
    policy = {"Content-Security-Policy": "default-src 'none'; script-src 'self'", "Content-Type": "text/html"}
    page.route("**/strict", lambda route: route.fulfill(body=LABELLED, headers=policy))
    page.goto("/strict")
    accessible(page)


def test_an_error_in_a_script_is_heard(open_page):
    heard = []
    page = open_page(may_say="oh dear")
    page.on("pageerror", lambda error: heard.append(error.message))
    page.set_content("<script>setTimeout(() => { throw new Error('oh dear') })</script>")
    page.wait_for_timeout(50)
    assert heard == ["oh dear"]
