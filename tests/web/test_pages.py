"""The hub's pages in a browser: everybody can use them, on every screen, by keyboard, and without JavaScript."""

from __future__ import annotations

import kept_runs
import pytest

EPYC, ARM = kept_runs.MACHINES
PAGES = {
    "home": "/",
    "matrix": "/matrix",
    "claims in the matrix": "/matrix?rows=claim&framework=onnxruntime",
    "models": "/models",
    "model": "/models/silero-vad",
    "pipeline": "/models/ppocr-v4",
    "claims": "/claims",
    "claim": "/claims/silero-vad-latency",
    "records": "/records",
    "compare": "/compare",
    "two machines": f"/compare?a={EPYC}&b={ARM}",
    "machines": "/machines",
    "datasets": "/datasets",
    "frameworks": "/frameworks",
    "targets": "/targets",
}
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = "rgb(251, 250, 247)", "rgb(19, 21, 25)"
#: The first chart starts the engine that draws, the first comparison imports all that statistics need; on a machine
#: that others keep busy that takes a while.
FIRST_MS = 90_000
#: Of what has the focus: its name, whether it stands out, and where it leads.
FOCUSED = """() => {
    const element = document.activeElement;
    const shown = element.matches("input[type=radio]") ? element.nextElementSibling : element;
    const box = shown.getBoundingClientRect();
    return {
        tag: element.tagName, name: element.name || element.textContent.trim(),
        outline: getComputedStyle(shown).outlineStyle, visible: box.width > 0 && box.bottom > 0,
    };
}"""


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize(("size", "dark"), [("desktop", False), ("phone", True)], ids=["desktop-light", "phone-dark"])
def test_a_page_can_be_used_by_everybody(open_page, accessible, fits, path, size, dark):
    page = open_page(size=size, dark=dark)
    page.set_default_navigation_timeout(FIRST_MS)
    page.goto(path)
    assert page.locator("h1").count() == 1
    fits(page)
    accessible(page)


@pytest.mark.parametrize(("size", "dark"), [("desktop", True), ("phone", False)], ids=["desktop-dark", "phone-light"])
def test_the_other_two_ways_to_look_at_it(open_page, accessible, fits, size, dark):
    page = open_page(size=size, dark=dark)
    for path in (PAGES["matrix"], PAGES["claim"], PAGES["two machines"]):
        page.goto(path)
        fits(page)
        accessible(page)


def test_a_record_and_two_records(open_page, accessible, fits, hub_runs):
    page = open_page(f"/records/{hub_runs[-1]}", size="phone")
    page.set_default_navigation_timeout(FIRST_MS)
    fits(page)
    accessible(page)
    page.goto(f"/compare?a={hub_runs[0]}&b={hub_runs[-1]}")
    assert "What may explain it" in page.locator("main").inner_text()
    fits(page)
    accessible(page)


def test_what_is_not_there_is_a_page_for_everybody(open_page, accessible, fits):
    page = open_page("/models/silero-vat", size="phone", may_say="404")
    assert 'did you mean "silero-vad"?' in page.locator("main").inner_text()
    fits(page)
    accessible(page)


def test_the_matrix_is_filtered_by_keyboard_and_the_focus_is_always_seen(page):
    page.goto("/matrix")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED)["name"] == "Skip to the content"
    assert page.evaluate(FOCUSED)["visible"]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    seen = []
    while not seen or seen[-1]["name"] != "framework":
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
        assert len(seen) < 10, seen
    assert [one["name"] for one in seen] == ["text", "task", "framework"]
    assert all(one["outline"] == "solid" for one in seen), seen
    page.keyboard.type("onnx")
    page.keyboard.press("Enter")
    if "framework=" not in page.url:  # Enter opens a list in some versions, and closes it again
        page.get_by_role("button", name="Show").press("Enter")
    page.wait_for_url("**framework=onnxruntime*")
    heads = page.locator(".matrix thead tr").first.locator("th").all_inner_texts()
    assert [head.strip() for head in heads] == ["Model", "onnxruntime"]


def test_every_stop_of_the_tabulator_is_seen(page):
    page.goto("/claims/silero-vad-latency")
    for _ in range(25):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused["tag"] == "BODY":
            break
        assert focused["outline"] != "none", focused


def test_the_way_from_a_cell_to_the_evidence(page):
    page.goto("/matrix")
    row = page.locator(".matrix tbody tr", has=page.get_by_role("link", name="silero-vad", exact=True))
    row.get_by_role("link", name="silero-vad on pytorch, cpu").click()
    page.get_by_role("link", name="silero-vad-latency").first.click()
    assert page.locator("#published").is_visible()
    page.get_by_text("The numbers of").first.click()
    assert page.get_by_role("region", name="The numbers of").first.is_visible()
    record = page.locator("main a.mono").first
    record.click()
    assert "Record" in page.locator("h1").inner_text()


def test_without_javascript_all_of_it_works(open_page):
    page = open_page("/models", script=False)
    page.get_by_label("Text").fill("voice")
    page.get_by_role("button", name="Show").click()
    assert page.locator(".card").count() == 1
    page.get_by_role("link", name="silero-vad").click()
    assert page.locator(".drawing").first.is_visible()
    page.get_by_text("silero-vad-latency: 4 results").click()
    assert page.get_by_role("region", name="Results of silero-vad-latency").is_visible()


def test_the_switch_of_colours_works_without_javascript(open_page):
    page = open_page("/", script=False)
    assert page.evaluate(BACKGROUND) == LIGHT
    page.locator("label[for=scheme-dark]").click()
    assert page.evaluate(BACKGROUND) == DARK


def test_the_colours_that_were_chosen_stay_on_the_next_page(open_page):
    page = open_page("/", dark=True)
    assert page.evaluate(BACKGROUND) == DARK
    page.locator("label[for=scheme-light]").click()
    page.goto("/claims")
    assert page.evaluate(BACKGROUND) == LIGHT
    page.locator("label[for=scheme-auto]").click()
    page.goto("/models")
    assert page.evaluate(BACKGROUND) == DARK


def test_paper_has_what_is_said_and_no_knobs(open_page):
    page = open_page("/claims/silero-vad-latency", dark=True)
    page.emulate_media(media="print")
    assert not page.locator("nav[aria-label=Main]").is_visible()
    assert not page.locator(".scheme").is_visible()
    assert page.locator(".drawing").first.is_visible()
    assert page.evaluate(BACKGROUND) == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


def test_a_chart_is_drawn_for_the_width_that_there_is(open_page):
    for size, shown, hidden in (("desktop", ".for-desk", ".for-phone"), ("phone", ".for-phone", ".for-desk")):
        page = open_page("/claims/silero-vad-latency", size=size)
        assert page.locator(f"{shown} .drawing").first.is_visible()
        assert not page.locator(f"{hidden} .drawing").first.is_visible()
