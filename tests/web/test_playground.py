"""The playground, by a real browser: what somebody gives is asked of real models, on real frameworks."""

from __future__ import annotations

import re

import pytest
import sights
from playwright.sync_api import expect

#: A job starts processes; other tests may take the machine meanwhile.
PATIENCE_MS = 120_000


def ask(page):
    page.get_by_role("button", name="Ask the model").click()
    expect(page.locator("[data-answers]")).to_be_visible(timeout=PATIENCE_MS)
    return page.locator("[data-place]")


def trial(open_page, model, **how):
    return open_page(f"/playground?model={model}", **how)


def pick(page, name, content, media):
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": media, "buffer": content})


def test_a_model_is_found_and_leads_to_its_form(page):
    page.goto("/playground")
    page.get_by_role("searchbox").fill("digits nearest")
    page.get_by_role("button", name="Search").click()
    names = page.locator("main h3 a").all_text_contents()
    assert names == ["digits-means", "digits-seen"]
    page.get_by_role("link", name="digits-seen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Try digits-seen")


def test_models_stand_by_task_with_what_they_want(page):
    page.goto("/playground")
    section = page.get_by_role("region", name="Voice activity detection")
    expect(section.get_by_role("listitem").filter(has_text="silero-vad").first).to_contain_text("a recording")


def test_one_whose_files_are_elsewhere_is_not_offered(open_page):
    page = open_page("/playground")
    assert page.get_by_role("link", name="finn-mnist-max").count() == 0
    page = trial(open_page, "finn-mnist-max")
    expect(page.get_by_role("button", name="Ask the model")).to_be_disabled()
    expect(page.locator(".warning")).to_contain_text("a prototype on a ZC706 board")


def test_a_search_that_finds_nothing_says_so(page):
    page.goto("/playground?text=nosuchthing")
    expect(page.locator(".empty")).to_contain_text("No model matches “nosuchthing”")


def test_there_is_no_such_model(open_page):
    page = open_page(may_say="404")
    assert page.goto("/playground?model=squeezenet").status == 404
    assert "squeezenet-1.1" in page.content()


def test_a_picture_from_disk_on_two_frameworks_side_by_side(open_page, digits, accessible):
    page = trial(open_page, sights.NAME)
    pick(page, "mine.png", sights.picture(digits, 3), "image/png")
    expect(page.locator("[data-chosen]")).to_have_text("mine.png, 320 x 320 pixels")
    expect(page.locator("canvas")).to_be_visible()
    answers = ask(page)
    expect(answers.locator(".said")).to_have_text("All 2 frameworks give the same answer first.")
    table = answers.get_by_role("table").first
    assert table.locator("thead th").all_text_contents() == ["Label", *sights.FRAMEWORKS]
    assert table.locator("tbody th").first.text_content() == "three"
    assert len(table.locator("tbody tr").all()) == 5
    assert table.get_by_text("differs", exact=True).count() == 0
    latency = answers.get_by_role("table").last
    assert len(latency.get_by_text(re.compile(r"^[\d.]+ (ms|µs|s)$")).all()) == 2
    accessible(page)


def test_a_picture_of_the_camera_is_asked_for_only_on_a_click(open_page, fits, accessible):
    page = trial(open_page, sights.NAME, size="phone", dark=True)
    asked = "navigator.mediaDevices.getUserMedia"
    page.evaluate(
        f"() => {{ window.asked = 0; const get = {asked}.bind(navigator.mediaDevices);"
        f"{asked} = (what) => {{ window.asked += 1; return get(what); }} }}"
    )
    page.get_by_role("button", name="Use the camera").focus()
    assert page.evaluate("window.asked") == 0
    page.keyboard.press("Enter")
    shoot = page.get_by_role("button", name="Take the picture")
    expect(shoot).to_be_focused()
    accessible(page)
    page.keyboard.press("Enter")
    expect(page.locator("[data-chosen]")).to_have_text(re.compile(r"camera\.jpg, \d+ x \d+ pixels"))
    assert page.evaluate("window.asked") == 1
    expect(page.get_by_label("What the camera sees")).to_be_hidden()
    page.get_by_label("opencv").uncheck()
    answers = ask(page)
    expect(answers.get_by_role("table").first.locator("tbody tr")).to_have_count(5)
    fits(page)
    accessible(page)


def test_a_picture_is_dropped(open_page, digits):
    page = trial(open_page, sights.NAME)
    content = list(sights.picture(digits, 1))
    page.evaluate(
        """(content) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([new Uint8Array(content)], "dropped.png", {type: "image/png"}));
            const event = new DragEvent("drop", {dataTransfer, cancelable: true});
            document.querySelector("[data-drop]").dispatchEvent(event);
        }""",
        content,
    )
    expect(page.locator("[data-chosen]")).to_have_text("dropped.png, 320 x 320 pixels")


def test_what_is_no_picture_is_refused_with_the_reason(open_page):
    page = trial(open_page, sights.NAME, may_say="422")
    pick(page, "mine.png", b"no picture at all", "image/png")
    page.get_by_role("button", name="Ask the model").click()
    expect(page.get_by_role("alert")).to_contain_text("is not a picture that can be read")
    expect(page.get_by_role("button", name="Ask the model")).to_be_enabled()


def test_a_text_without_scripts(open_page):
    page = trial(open_page, "eld-m", script=False)
    page.get_by_label("Text", exact=True).fill("El perro duerme en la casa de mi abuela.")
    page.get_by_role("button", name="Ask the model").click()
    expect(page).to_have_url(re.compile("/jobs/[0-9a-f]{32}$"))
    # The page looks again by itself.
    expect(page.locator("main")).to_contain_text("finished", timeout=PATIENCE_MS)
    expect(page.locator(".answers .answer")).to_have_text("es")


def test_a_mistake_without_scripts_comes_back_with_the_reason(open_page):
    page = trial(open_page, "eld-m", script=False, may_say="422")
    page.get_by_role("button", name="Ask the model").click()
    expect(page.get_by_role("alert")).to_contain_text("a job asks about one input")
    expect(page.get_by_role("button", name="Ask the model")).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_an_example_of_a_text_is_one_click(open_page, script):
    page = trial(open_page, "eld-m", script=script)
    page.get_by_role("link", name="a French sentence").click()
    expect(page.get_by_label("Text", exact=True)).to_have_value(re.compile("^Le petit chat"))


def test_numbers_of_a_spreadsheet(open_page, digits):
    pictures, labels = digits
    page = trial(open_page, "digits-means")
    numbers = pictures[labels == 7][0].astype(int).reshape(8, 8)
    page.get_by_role("textbox", name="Numbers").fill("\n".join(",".join(map(str, row)) for row in numbers))
    answers = ask(page)
    assert answers.get_by_role("table").first.locator("tbody th").first.text_content() == "7"


def test_a_sound_file_of_another_rate(open_page, accessible):
    page = trial(open_page, "silero-vad")
    pick(page, "noise.wav", sights.sound(1.5), "audio/wav")
    expect(page.locator("[data-chosen]")).to_have_text("noise.wav, 1.5 s")
    page.get_by_label("pytorch").uncheck()
    answers = ask(page)
    expect(answers.get_by_role("img", name="onnxruntime: a line from")).to_be_visible()
    accessible(page)


def test_the_microphone_becomes_a_wav_file(open_page):
    page = trial(open_page, "silero-vad")
    page.get_by_role("button", name="Record with the microphone").click()
    stop = page.get_by_role("button", name="Stop recording")
    page.wait_for_timeout(400)
    stop.click()
    expect(page.locator("[data-chosen]")).to_have_text(re.compile(r"recording\.wav, 0\.\d s"))
    head = page.evaluate("document.querySelector('[type=file]').files[0].slice(0, 12).text()")
    assert (head[:4], head[8:]) == ("RIFF", "WAVE")


def test_an_example_of_a_sound_is_one_click(open_page):
    page = trial(open_page, "silero-vad")
    page.get_by_role("link", name="a sine wave").click()
    expect(page.locator("[data-chosen]")).to_have_text("sine.wav, 1.0 s")
    expect(page.get_by_role("button", name="Play it")).to_be_visible()


def test_text_that_was_found_is_drawn_over_its_picture(open_page, accessible, fits):
    page = trial(open_page, "ppocr-v4", size="phone")
    page.get_by_role("link", name="a sign").click()
    expect(page.locator("[data-chosen]")).to_have_text("sign.png, 640 x 400 pixels")
    page.get_by_label("openvino").uncheck()
    answers = ask(page)
    expect(answers.locator(".answer")).to_contain_text("Museum of Tides")
    drawing = answers.get_by_role("img", name="onnxruntime: 4 places in the picture")
    expect(drawing.locator("polygon")).to_have_count(4)
    # Over the picture, and as large as it.
    over, under = drawing.bounding_box(), answers.locator(".seen canvas").bounding_box()
    assert {side: round(over[side]) for side in over} == {side: round(under[side]) for side in under}
    answers.get_by_text("4 places", exact=True).click()
    expect(answers.get_by_role("listitem").first).to_contain_text("% from the left")
    accessible(page)
    fits(page)


def test_a_form_says_what_is_ready_and_what_cannot_be_had(open_page, accessible):
    page = trial(open_page, "fashion-cnn")
    expect(page.locator(".checks li").filter(has_text="onnxruntime")).to_contain_text("ready")
    expect(page.get_by_label("onnxruntime")).to_be_checked()
    if page.get_by_label("tensorrt").is_disabled():  # unless this machine has a GPU
        expect(page.locator(".checks li").filter(has_text="tensorrt")).to_contain_text("not on this hub: ")
    accessible(page)


@pytest.mark.parametrize("path", ["/playground", f"/playground?model={sights.NAME}"])
def test_for_everybody(any_page, path, accessible, fits):
    any_page.goto(path)
    accessible(any_page)
    fits(any_page)


def test_by_the_keyboard_alone(page):
    page.goto("/playground?model=eld-m")
    page.get_by_label("Text", exact=True).focus()
    page.keyboard.type("Ceci est une phrase.")
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))
    assert [name for name in ("file", "frameworks", "Ask the model") if name not in reached] == []
