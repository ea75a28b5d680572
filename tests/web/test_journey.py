"""The whole way of somebody who has only a browser: find a model, read whether what was published holds, try it on a
picture of one's own, see the job finish, compare two machines.
"""

from __future__ import annotations

import re

import kept_runs
from playwright.sync_api import expect

#: A job starts processes; other tests may take the machine meanwhile.
PATIENCE_MS = 120_000


def test_find_a_model_read_its_claims_try_it_and_compare_machines(page, digits):
    page.goto("/")
    page.get_by_role("searchbox").first.fill("squeezenet")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("main").get_by_role("link", name="squeezenet-1.1").first.click()

    # What was published about it, and whether that holds.
    expect(page.get_by_role("heading", level=1)).to_have_text("squeezenet-1.1")
    claims = page.get_by_role("region", name="Claims").first
    row = claims.get_by_role("row").filter(has_text="squeezenet-top1")
    expect(row).to_contain_text("58.382")
    expect(row).to_contain_text("README.md")
    expect(row).to_contain_text(re.compile("confirmed|refuted|inconclusive"))
    page.get_by_role("link", name="squeezenet-top1").first.click()
    expect(page.get_by_role("main")).to_contain_text("| Top 1 | 58.382%|")
    page.go_back()

    # Try it, on a photograph.
    page.get_by_role("link", name="Try it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Try squeezenet-1.1")
    page.get_by_role("link", name="a flower").click()
    expect(page.locator("[data-chosen]")).to_have_text("flower.jpg, 640 x 427 pixels")
    for box in page.get_by_role("checkbox").all():
        box.set_checked(box.get_attribute("value") == "onnxruntime")
    page.get_by_role("button", name="Ask the model").click()
    expect(page.locator("[data-answers]")).to_be_visible(timeout=PATIENCE_MS)
    best = page.locator("[data-place] tbody th").first.text_content()

    # The answers have a page that can be passed on.
    page.get_by_role("link", name="A page of its own").click()
    expect(page).to_have_url(re.compile("/jobs/[0-9a-f]{32}$"))
    expect(page.get_by_role("main")).to_contain_text("finished")
    expect(page.locator(".answers tbody th").first).to_have_text(best)

    # Two machines side by side.
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Compare").click()
    page.get_by_role("button", name="Compare machines").click()
    for machine_class in kept_runs.MACHINES:
        expect(page.get_by_role("main")).to_contain_text(machine_class)
    expect(page.get_by_role("main")).to_contain_text("fashion-cnn-latency")
