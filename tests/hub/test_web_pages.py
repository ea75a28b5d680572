"""Pages as they are sent: of real runs, made-up ones on two machines, and a stranger's with a script in every name."""

from __future__ import annotations

import copy
import json
import math
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import kept_runs
import pytest
from fastapi.testclient import TestClient

from pytest_mlmodelscope.hub import charts
from pytest_mlmodelscope.hub.app import create_app
from pytest_mlmodelscope.hub.rendering import STATIC, link, static
from pytest_mlmodelscope.hub.settings import Settings
from pytest_mlmodelscope.hub.views import claims, latencies, machines, matrix, models
from pytest_mlmodelscope.hub.views.asking import Filters
from pytest_mlmodelscope.hub.views.outcomes import NOTHING_TOLD
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.library.verifying import record_of, verify
from pytest_mlmodelscope.store import predictions, runs
from pytest_mlmodelscope.store.canonical import digest_of
from pytest_mlmodelscope.store.database import Database

EVIL = "\"'><script>alert(1)</script>{{7*7}}{%x%}"
EPYC, ARM = kept_runs.MACHINES
PAGES = ("/", "/matrix", "/matrix?rows=claim", "/models", "/claims", "/records", "/compare", "/machines")
LISTS = ("/datasets", "/frameworks", "/targets")


@pytest.fixture(scope="module")
def shelf():
    return Shelf()


@pytest.fixture(scope="module")
def real(shelf):
    """A claim that was really verified, by the library."""
    return record_of(verify("ucr-gun-point-1nn", shelf=shelf))


@pytest.fixture(scope="module")
def evil(shelf):
    """What a stranger may send: its schema allows any text in a name."""
    record = copy.deepcopy(kept_runs.record_of(shelf, EPYC))
    mlms = record["mlms"]
    mlms["cases"] = [case for case in mlms["cases"] if case["measured"] is not None][:4]
    for number, case in enumerate(mlms["cases"]):
        for key in ("claim", "model", "dataset", "framework", "target", "metric", "reason"):
            case[key] = EVIL
        case["unit"] = EVIL
        case["id"] = f"{EVIL}{number}"
        case["software"] = {"version": EVIL}
        case["machine"] = {"machine_class": EVIL}
        case["source"] = dict.fromkeys(("title", "figure", "where", "read", "quote", "doi", "note"), EVIL)
        case["source"] |= {"authors": [EVIL], "year": None, "url": f"javascript:{EVIL}", "verified": True}
    mlms["machine"] = {"machine_class": EVIL, "name": EVIL, "os": EVIL, EVIL: EVIL}
    mlms["software"], mlms["settings"] = {EVIL: EVIL}, {EVIL: EVIL}
    mlms["findings"] = [{"text": EVIL}]
    return record


@pytest.fixture(scope="module")
def database(tmp_path_factory, shelf, real, evil):
    with Database(tmp_path_factory.mktemp("pages") / "hub.sqlite") as opened:
        kept_runs.keep(opened, shelf)
        with opened.writing() as session:
            runs.add(session, real)
            runs.add(session, evil)
        yield opened


@pytest.fixture(scope="module")
def client(database, shelf):
    with TestClient(create_app(Settings(database.address, shelf))) as client:
        yield client


@pytest.fixture(scope="module")
def empty(tmp_path_factory, shelf):
    with TestClient(create_app(Settings(tmp_path_factory.mktemp("empty") / "hub.sqlite", shelf))) as client:
        yield client


def words(page):
    """The text of a page's main part, without its tags and with single blanks."""
    main = re.search(r"<main.*?</main>", page.text, re.DOTALL)[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


# -- every page ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, *LISTS, "/models/fashion-cnn", "/claims/fashion-cnn-latency"])
def test_a_hub_without_results_has_all_its_pages(empty, path):
    answer = empty.get(path)
    assert answer.status_code == 200
    assert "<h1" in answer.text


@pytest.mark.parametrize("path", [*PAGES, *LISTS])
def test_a_strangers_names_are_shown_as_they_are_and_do_nothing(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "7*7" in answer.text or path in (*LISTS[:1], "/records", "/compare") or "49" not in words(answer)


@pytest.mark.parametrize("kind", ["models", "claims"])
def test_a_strangers_own_page_does_nothing_either(client, kind):
    answer = client.get(link(kind, EVIL))
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "javascript:" not in re.sub(r"<pre.*?</pre>", "", answer.text, flags=re.DOTALL)
    assert "{{7*7}}{%x%}" in answer.text


def test_a_strangers_record_and_comparison_do_nothing(client, evil):
    digest = digest_of(evil)
    for path in (link("records", digest), link("compare", a=EVIL, b=EPYC), link("compare", a=digest, b=digest[:8])):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.text


def test_a_strangers_badge_and_citation_stay_what_they_are(client):
    badge = client.get(link("claims", EVIL, "badge.svg"))
    assert badge.headers["content-type"] == "image/svg+xml"
    assert not list(ET.fromstring(badge.text).iter("{http://www.w3.org/2000/svg}script"))
    bib = client.get(link("claims", EVIL, "cite.bib")).text
    assert bib.count("@misc{") == 2
    plain = re.sub(r"\\[{}]", "", bib)
    assert plain.count("{") == plain.count("}")


def test_no_page_has_a_script_or_a_style_of_its_own(client):
    for path in (*PAGES, *LISTS, "/models/fashion-cnn", "/claims/fashion-cnn-latency"):
        text = client.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text), path


# -- the matrix ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "row", "not_row"),
    [
        (Filters(task="sentiment"), "vader-0.5", "fashion-cnn"),
        (Filters(framework="caffe2"), "squeezenet-1.1", "vader-0.5"),
        (Filters(hardware=ARM), "fashion-cnn", EVIL),
        (Filters(author="hutto"), "vader-0.5", "fashion-cnn"),
        (Filters(text="silero latency"), "silero-vad", "fashion-cnn"),
        (Filters(text="speech"), "silero-vad", "fashion-cnn"),
        (Filters(verdict="not_applicable"), "fashion-cnn", "vader-0.5"),
        (Filters(model="eld-m"), "eld-m", "fashion-cnn"),
    ],
)
def test_a_filter_leaves_what_it_says(database, shelf, filters, row, not_row):
    with database.reading() as session:
        found = [one.name for one in matrix.matrix(session, shelf, filters).rows]
    assert row in found
    assert not_row not in found


def test_a_cell_counts_the_newest_verdicts_of_both_machines(database, shelf):
    newest = [kept for machine in (EPYC, ARM) for kept in kept_runs.record_of(shelf, machine)["mlms"]["cases"]]
    with database.reading() as session:
        found = matrix.matrix(session, shelf, Filters(model="squeezenet-1.1"))
    cells = dict(zip(found.stacks, found.rows[0].cells, strict=True))
    wanted = [one for one in newest if one["model"] == "squeezenet-1.1" and one["framework"] == "mxnet"]
    assert sum(total.count for total in cells["mxnet", "cpu"]) == len(wanted) > 1
    assert sum(total.count for total in found.totals) == sum(total.count for cell in cells.values() for total in cell)


def test_the_matrix_by_claim_has_a_row_for_each(client):
    text = words(client.get("/matrix", params={"rows": "claim", "model": "squeezenet-1.1"}))
    assert "squeezenet-top1" in text
    assert "squeezenet-top5" in text
    assert "2 claims" in text


def test_a_percent_sign_in_a_filter_is_a_percent_sign(client):
    assert "No results match" in words(client.get("/matrix", params={"text": "%%%"}))


# -- models, claims, records --------------------------------------------------------------


def test_a_models_page_says_what_it_is_and_how_it_stands(client):
    text = words(client.get("/models/fashion-cnn"))
    assert "20,490" in text
    assert "fashion-cnn-latency" in text
    assert "fashion-cnn-latency: how long single queries took" in text
    assert "mlms predict fashion-cnn" in text
    assert "picture.png" in text


def test_a_pipelines_page_leads_to_its_stages(client):
    page = client.get("/models/ppocr-v4")
    assert 'href="/models/ppocr-v4-find"' in page.text
    assert 'href="/models/ppocr-v4-read"' in page.text
    text = words(page)
    assert "Each box that find finds, cut out of the picture and turned upright" in text
    assert "What read decides, after join (with a line break)" in text


def test_a_claims_conditions_are_words_and_only_those_that_matter(client):
    text = words(client.get("/claims/squeezenet-top1"))
    assert "Top 1 accuracy of squeezenet-1.1" in text
    assert "some of the items that the author used" in text
    assert "one query after another" not in text
    assert "one query after another" in words(client.get("/claims/silero-vad-latency"))


def test_what_was_published_keeps_its_digits_and_what_was_measured_one_of_them(client, database):
    text = words(client.get("/claims/squeezenet-top1"))
    assert "58.382%" in text
    with database.reading() as session:
        (measured,) = {one.published for one in claims.claim(session, Shelf(), "squeezenet-top1").outcomes}
        one = claims.claim(session, Shelf(), "squeezenet-top1").outcomes[0]
    assert measured == 58.382
    assert re.match(r"\d\d\.\d % \[\d\d\.\d, \d\d\.\d\]", one.measured_text)


def test_latencies_are_those_of_the_records(database, shelf):
    with database.reading() as session:
        found = models.model(session, shelf, "silero-vad").latencies
    case = next(
        case
        for case in kept_runs.record_of(shelf, EPYC)["mlms"]["cases"]
        if case["claim"] == "silero-vad-latency" and case["framework"] == "pytorch"
    )
    told = next(one for one in found if (one.framework, one.machine_class) == ("pytorch", EPYC))
    ordered = sorted(case["latencies_s"])
    assert told.n == len(ordered)
    assert ordered[len(ordered) // 2 - 1] <= told.p50 <= ordered[len(ordered) // 2]
    assert [one.p50 for one in found] == sorted(one.p50 for one in found)


def test_a_claims_page_quotes_its_source_and_shows_a_real_verdict(client, real):
    case = real["mlms"]["cases"][0]
    text = words(client.get("/claims/ucr-gun-point-1nn"))
    assert case["source"]["title"] in text
    assert case["source"]["figure"] in text
    data = client.get("/claims/ucr-gun-point-1nn.json").json()
    mine = next(one for one in data["results"] if one["record"] == digest_of(real))
    assert (mine["measured"], mine["verdict"]) == (case["measured"], case["verdict"])
    assert data["source"]["figure"] == case["source"]["figure"]
    assert data["url"] == "http://testserver/claims/ucr-gun-point-1nn"


def test_a_permanent_link_is_that_of_the_hubs_address(database, shelf):
    settings = Settings(database.address, shelf, address="https://hub.example/")
    with TestClient(create_app(settings)) as client:
        text = client.get("/claims/ucr-gun-point-1nn").text
    assert '<link rel="canonical" href="https://hub.example/claims/ucr-gun-point-1nn">' in text


def test_a_badge_shows_the_gravest_verdict_or_that_of_one_machine(client):
    whole = client.get("/claims/silero-vad-latency/badge.svg")
    one = client.get("/claims/silero-vad-latency/badge.svg", params={"framework": "pytorch", "hardware": EPYC})
    title = "{http://www.w3.org/2000/svg}title"
    assert "refuted" in ET.fromstring(whole.text).find(title).text
    assert "confirmed" in ET.fromstring(one.text).find(title).text
    assert "not verified yet" in client.get("/claims/lingua-big-test/badge.svg").text
    assert "max-age" in whole.headers["cache-control"]


def test_bibtex_has_the_paper_and_the_verification(client):
    text = client.get("/claims/vader-tweets-r/cite.bib").text
    assert "author = {C.J. Hutto and Eric Gilbert}" in text
    assert "url = {http://testserver/claims/vader-tweets-r}" in text
    assert re.search(r"note = \{.*\d (confirmed|inconclusive)", text)


def test_a_record_is_shown_by_the_beginning_of_its_digest_and_given_as_it_was_signed(client, real):
    digest = digest_of(real)
    assert "ucr-gun-point-1nn" in words(client.get(f"/records/{digest[:10]}"))
    assert digest_of(client.get(f"/records/{digest}.json").json()) == digest


# -- side by side -------------------------------------------------------------------------


def test_two_machines_are_compared_case_by_case(client, database, shelf):
    text = words(client.get("/compare", params={"a": EPYC, "b": ARM}))
    assert "AMD EPYC 7763" in text
    with database.reading() as session:
        found = machines.side_by_side(session, EPYC, ARM)
    pair = next(one for one in found.pairs if one.a.case == "silero-vad-latency-pytorch-cpu")
    assert pair.ratio == pytest.approx(pair.b.measured / pair.a.measured)
    assert pair.low < pair.ratio < pair.high
    assert pair.kind == "verdict"
    latency = next(one for one in found.metrics if one.name == "latency")
    assert found.metrics[0] == latency
    assert latency.least <= latency.mean <= latency.most
    assert latency.apart == latency.count
    assert "parameter_count" not in {one.name for one in found.metrics}
    of_kind = [abs(math.log(one.ratio or 1)) for one in found.pairs if one.kind == "verdict"]
    assert of_kind == sorted(of_kind, reverse=True)
    assert [one.kind for one in found.pairs] == sorted(
        (one.kind for one in found.pairs), key=("verdict figure same").find
    )


def test_two_records_are_compared_with_what_may_explain_it(client, database):
    with database.reading() as session:
        found = [one.digest for one in runs.newest(session, 20) if one.machine_class in (EPYC, ARM)]
    text = words(client.get("/compare", params={"a": found[0], "b": found[1][:12]}))
    assert "What may explain it" in text
    assert "timed figures are of another machine" in text


def test_nothing_is_opened_because_a_record_names_it(client, database, shelf, tmp_path):
    kept = [predictions.keep(tmp_path, ["x", "y"], answers, [1, 2]) for answers in ([1, 2], [1, 3])]
    assert all(Path(one["file"]).exists() for one in kept)
    digests = []
    for number, one in enumerate(kept):
        record = kept_runs.record_of(shelf, ARM)
        record["mlms"]["cases"] = [{**record["mlms"]["cases"][0], "predictions": one}]
        record["mlms"]["settings"] = {"number": number}
        with database.writing() as session:
            digests.append(runs.add(session, record).digest)
    text = words(client.get("/compare", params={"a": digests[0], "b": digests[1]}))
    assert "the files of items are not both here" in text


def test_a_machine_and_a_record_are_not_compared(client, real):
    answer = client.get("/compare", params={"a": EPYC, "b": digest_of(real)})
    assert answer.status_code == 422
    assert "name two machines, or two records" in words(answer)


# -- what is not there --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/models/fashion-cn", 404, "did you mean &#34;fashion-cnn&#34;?"),
        ("/claims/silero-vad-latenci", 404, "did you mean &#34;silero-vad-latency&#34;?"),
        ("/compare?a=x86_64-cpu-amd-epy&b=" + ARM, 404, "did you mean &#34;x86_64-cpu-amd-epyc&#34;?"),
        ("/records/0123456789ab", 404, "digest"),
        ("/matrix?page=nothing", 422, "page: Input should be a valid integer"),
        ("/matrix?text=" + "x" * 201, 422, "at most 200 characters"),
        ("/nowhere", 404, "Not Found"),
    ],
)
def test_what_is_not_there_is_a_page_that_helps(client, path, status, told):
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert told in words(answer)


def test_data_that_is_not_there_is_told_as_data(client):
    assert "detail" in client.get("/claims/nothing.json").json()
    assert "detail" in client.get("/api/nothing").json()


# -- charts -------------------------------------------------------------------------------


def test_a_chart_is_a_drawing_in_the_pages_colours_and_a_table(database, shelf):
    with database.reading() as session:
        found = models.model(session, shelf, "silero-vad")
    chart = charts.over_time(found.histories[0])
    for drawing in (chart.wide, chart.narrow):
        root = ET.fromstring(drawing)
        assert root.get("role") == "img"
        assert [child.tag.rpartition("}")[2] for child in root][:2] == ["title", "desc"]
        assert "var(--series-1)" in drawing
        assert not re.search("#0[1-5]0[1-5]0[0-9a-f]", drawing)
    assert len(chart.rows) == sum(len(line.points) for line in found.histories[0].series)


def test_results_stand_beside_what_was_published_below_their_machine(database, shelf):
    with database.reading() as session:
        found = claims.claim(session, shelf, "squeezenet-top1")
        parameters = claims.claim(session, shelf, "fashion-cnn-parameters")
    chart = charts.standing(found.outcomes, "t")
    texts = [one.text for one in ET.fromstring(chart.wide).iter() if one.text]
    assert {EPYC, ARM} <= set(texts)
    assert any(text.endswith(" onnxruntime") for text in texts)
    assert len(chart.rows) == sum(one.measured is not None for one in found.outcomes)
    assert charts.standing(parameters.outcomes, "t") is None
    assert charts.standing((), "t") is None


def test_many_frameworks_have_a_panel_each(database, shelf):
    with database.reading() as session:
        found = claims.claim(session, shelf, "squeezenet-top1").history
    texts = [one.text for one in ET.fromstring(charts.over_time(found).wide).iter()]
    assert all(texts.count(framework) == 1 for framework in {line.framework for line in found.series})
    assert found.left_out == 0


@pytest.mark.parametrize("count", [1, 2, 40])
def test_a_histogram_of_any_number_of_queries(database, shelf, count):
    with database.reading() as session:
        one = claims.claim(session, shelf, "silero-vad-latency").outcomes[0]
    times = [0.001 * (1 + at / count) for at in range(count)]
    (found,) = latencies.distributions([(one, times)])
    assert found.n == count
    assert found.p1 <= found.p50 <= found.p99
    assert all(low < high and 0 <= share <= 1 for low, high, share in found.bins)
    assert max((share for *_, share in found.bins), default=1) == 1
    assert charts.quick_and_slow([found]).rows[0][1] == str(count)


def test_ratios_keep_their_units_and_bounds():
    told = [charts.Ratio("a", 2.0, 1.5, 2.5, "g"), charts.Ratio("b", 0.25, None, None, "g")]
    chart = charts.ratios(told, "b over a", "ratio")
    assert chart.rows == (("g a", "2", "1.5", "2.5"), ("g b", "0.25", NOTHING_TOLD, NOTHING_TOLD))


def test_a_strangers_name_in_a_chart_is_text(database, shelf):
    with database.reading() as session:
        found = models.model(session, shelf, EVIL)
    drawings = [charts.quick_and_slow(found.latencies)] if found.latencies else []
    drawings.append(charts.ratios([charts.Ratio(EVIL, 2.0, None, None)], EVIL, EVIL))
    drawings.append(charts.ratios([charts.Ratio(EVIL, 2.0, None, None, EVIL)], EVIL, EVIL))
    drawings += [charts.over_time(one) for one in found.histories]
    drawings += [drawn for one in found.claims if (drawn := charts.standing(one.outcomes, EVIL)) is not None]
    for drawing in drawings:
        root = ET.fromstring(drawing.wide)
        assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
        assert any("<script>" in (one.text or "") for one in root.iter())


def test_an_address_of_a_static_file_changes_with_its_content():
    for path in STATIC.glob("*.css"):
        assert re.fullmatch(rf"/static/{path.name}\?v=[0-9a-f]{{12}}", static(path.name))


def test_a_link_is_quoted():
    assert link("models", "a b/ü?#") == "/models/a%20b/%C3%BC%3F%23"
    assert link("matrix", text="a&b", task="", page=2) == "/matrix?text=a%26b&page=2"


def test_json_of_a_claim_is_json(client):
    assert json.loads(client.get("/claims/fashion-cnn-latency.json").text)["verdict"] == "refuted"
