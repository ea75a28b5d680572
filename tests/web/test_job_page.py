"""A job's page: it waits, runs and is finished before one's eyes, with scripts and without."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

FRAMEWORKS = ("onnxruntime", "opencv")
JOB = re.compile("/jobs/[0-9a-f]{32}$")
#: Remembers each text that the page shows as the job's state, also beyond a reload.
REMEMBER = """
document.addEventListener("DOMContentLoaded", () => {
  const remember = () => {
    const now = document.querySelector("[data-job=state]")?.textContent;
    const told = JSON.parse(sessionStorage.getItem("states") ?? "[]");
    if (now && told.at(-1) !== now) sessionStorage.setItem("states", JSON.stringify([...told, now]));
  };
  remember();
  new MutationObserver(remember).observe(document.body, {subtree: true, childList: true, characterData: true});
});
"""


def picture() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (28, 28), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def ask(page, hub_address):
    """Gives the hub a picture to look at; the path of the job's page."""

    def one(*frameworks: str) -> str:
        form = {"kind": "predict", "model": "fashion-cnn", "frameworks": ",".join(frameworks)}
        sent = {"name": "shoe.png", "mimeType": "image/png", "buffer": picture()}
        answer = page.request.post("/api/jobs", multipart={**form, "file": sent})
        assert answer.status == 202, answer.text()
        return f"/jobs/{answer.json()['id']}"

    return one


def test_a_job_is_seen_waiting_running_and_finished(page, ask, accessible, fits) -> None:
    before = ask("onnxruntime")
    path = ask(*FRAMEWORKS)
    page.add_init_script(REMEMBER)
    page.goto(path)
    expect(page.get_by_role("status")).to_contain_text("queued, number")
    accessible(page)
    expect(page.get_by_role("heading", name="Answers")).to_be_visible(timeout=120_000)
    told = page.evaluate("JSON.parse(sessionStorage.getItem('states'))")
    assert told == ["queued", "running", "finished"]
    rows = page.get_by_role("region", name="Answers, side by side").get_by_role("row")
    expect(rows).to_have_count(6)
    expect(rows.first).to_have_text(re.compile(r"Label\s*" + r"\s*".join(FRAMEWORKS)))
    expect(page.get_by_role("region", name="Latency").get_by_role("row")).to_have_count(1 + len(FRAMEWORKS))
    expect(page.get_by_role("progressbar")).to_have_count(0)
    accessible(page)
    fits(page)
    page.goto(before)
    expect(page.get_by_role("status")).to_contain_text("finished")


def test_without_scripts_the_page_looks_again_by_itself(open_page, ask) -> None:
    page = open_page(ask("onnxruntime"), size="phone", dark=True, script=False)
    expect(page.get_by_role("heading", name="Answers")).to_be_visible(timeout=120_000)


def test_a_job_is_cancelled_with_a_button(page, ask) -> None:
    ask("onnxruntime")
    page.goto(ask("onnxruntime"))
    page.get_by_role("button", name="Cancel").click()
    expect(page).to_have_url(JOB)
    expect(page.get_by_role("status")).to_contain_text("cancelled", timeout=60_000)


def test_the_page_of_all_jobs_is_for_everybody(any_page, accessible, fits) -> None:
    any_page.goto("/jobs")
    expect(any_page.get_by_role("heading", name="Verify a claim")).to_be_visible()
    accessible(any_page)
    fits(any_page)


def test_a_claim_is_verified_from_a_form(page, accessible, fits) -> None:
    page.goto("/jobs?claim=fashion-cnn-parameters")
    expect(page.get_by_label("Claim", exact=True)).to_have_value("fashion-cnn-parameters")
    page.get_by_role("textbox", name="Framework").fill("onnxruntime")
    page.get_by_role("button", name="Verify").click()
    expect(page).to_have_url(JOB)
    expect(page.get_by_role("heading", name="Verdict")).to_be_visible(timeout=120_000)
    expect(page.get_by_role("link", name="fashion-cnn-parameters").first).to_be_visible()
    accessible(page)
    fits(page)


def test_a_job_that_is_no_more_is_told_of(open_page) -> None:
    page = open_page(may_say="404")
    assert page.goto(f"/jobs/{'0' * 32}").status == 404
