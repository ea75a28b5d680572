"""JUnit's XML of a verifying run, as the servers read it that teams have."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from xml.etree import ElementTree

import pytest
import xmlschema
from junitparser import Failure, JUnitXml, Skipped

#: The xunit2 family as pytest documents it: suites hold one suite, that its properties and test cases,
#: and a test case at most one thing that went wrong, and what it printed. Nothing else is allowed.
XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:complexType name="outcome">
    <xs:simpleContent>
      <xs:extension base="xs:string">
        <xs:attribute name="message" type="xs:string" use="required"/>
        <xs:attribute name="type" type="xs:string"/>
      </xs:extension>
    </xs:simpleContent>
  </xs:complexType>
  <xs:complexType name="case">
    <xs:sequence>
      <xs:choice minOccurs="0">
        <xs:element name="failure" type="outcome"/>
        <xs:element name="error" type="outcome"/>
        <xs:element name="skipped" type="outcome"/>
      </xs:choice>
      <xs:element name="system-out" type="xs:string" minOccurs="0"/>
      <xs:element name="system-err" type="xs:string" minOccurs="0"/>
    </xs:sequence>
    <xs:attribute name="classname" type="xs:string" use="required"/>
    <xs:attribute name="name" type="xs:string" use="required"/>
    <xs:attribute name="time" type="xs:decimal" use="required"/>
  </xs:complexType>
  <xs:complexType name="property">
    <xs:attribute name="name" type="xs:string" use="required"/>
    <xs:attribute name="value" type="xs:string" use="required"/>
  </xs:complexType>
  <xs:complexType name="properties">
    <xs:sequence><xs:element name="property" type="property" maxOccurs="unbounded"/></xs:sequence>
  </xs:complexType>
  <xs:complexType name="suite">
    <xs:sequence>
      <xs:element name="properties" type="properties" minOccurs="0"/>
      <xs:element name="testcase" type="case" minOccurs="0" maxOccurs="unbounded"/>
    </xs:sequence>
    <xs:attribute name="name" type="xs:string" use="required"/>
    <xs:attribute name="errors" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="failures" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="skipped" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="tests" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="time" type="xs:decimal" use="required"/>
    <xs:attribute name="timestamp" type="xs:dateTime" use="required"/>
    <xs:attribute name="hostname" type="xs:string" use="required"/>
  </xs:complexType>
  <xs:element name="testsuites">
    <xs:complexType>
      <xs:sequence><xs:element name="testsuite" type="suite"/></xs:sequence>
      <xs:attribute name="name" type="xs:string"/>
    </xs:complexType>
  </xs:element>
</xs:schema>
"""
VERDICTS = {
    "holds": "confirmed",
    "fails": "refuted",
    "misprint": "refuted",
    "open": "inconclusive",
    "elsewhere": "not_applicable",
    "unready": "error",
    "quick": "confirmed",
}
KNOWN = "schema: known/1\nknown: [{claim: misprint, verdict: refuted, reason: 'a misprint: 5 < 6 & \"so\" on'}]\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory, write_digits, claim):
    """Runs ``pytest --mlms`` once with these options over a claim of every verdict; the file that it wrote."""
    folder = write_digits(tmp_path_factory.mktemp("junit"))
    timed = {"metric": "latency", "unit": "ms", "tolerance": "{absolute: 0}"}
    entries = (
        claim("holds", "89.9 %"),
        claim("fails", "95.0 %"),
        claim("misprint", "95.0 %"),
        claim("open", "89.9 %", dataset="{name: digits, relation: other}"),
        claim("elsewhere", "89.9 %", conditions="{hardware: {name: No Such}}"),
        claim("unready", "89.9 %", conditions="{precision: fp16}"),
        claim("quick", "50000 ms", **timed, conditions="{threads: 1, runs: 2, seconds: 0.01}"),
    )
    (folder / "claims").mkdir()
    head = 'schema: claim/1\nmodel: digits-means\ndataset: digits\nmetric: accuracy\nunit: "%"\nclaims:\n'
    (folder / "claims" / "digits.yml").write_text(head + "".join(entries))
    (folder / "claims" / "known.yml").write_text(KNOWN)
    (folder / "pytest.ini").write_text("[pytest]\nmlms_disturbed = ignore\nmlms_why = off\n")
    done = {}

    def once(*options):
        if options not in done:
            path = folder / f"{len(done)}.xml"
            command = [sys.executable, "-m", "pytest", "--mlms", f"--junitxml={path}", *options]
            result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            assert result.returncode == pytest.ExitCode.TESTS_FAILED, result.stdout + result.stderr
            done[options] = path
        return done[options]

    return once


@pytest.fixture(scope="module", params=["one process", "two processes"])
def written(run, request):
    """The file of a run in one process or in two."""
    return run(*(["-n2"] if request.param == "two processes" else []))


@pytest.fixture
def suite(written):
    """The only suite of the file."""
    (found,) = JUnitXml.fromfile(str(written))
    return found


def cases_of(suite):
    return {case.name.removesuffix("-onnxruntime-cpu"): case for case in suite}


def test_the_file_is_of_the_family_that_pytest_documents(written):
    errors = [f"{error.path}: {error.reason}" for error in xmlschema.XMLSchema(XSD).iter_errors(str(written))]
    assert errors == []


def test_the_schema_of_this_test_can_refuse(written, tmp_path):
    tree = ElementTree.parse(written)
    ElementTree.SubElement(tree.getroot().find("testsuite/testcase"), "properties")
    tree.write(tmp_path / "broken.xml")
    assert not xmlschema.XMLSchema(XSD).is_valid(str(tmp_path / "broken.xml"))


def test_there_is_one_test_case_for_each_case(suite):
    assert set(cases_of(suite)) == set(VERDICTS)
    assert len(list(suite)) == len(VERDICTS)


def test_the_suite_counts_what_its_cases_say(suite):
    outcomes = Counter(type(result) for case in suite for result in case.result)
    assert (suite.tests, suite.failures, suite.skipped, suite.errors) == (7, 2, 3, 0)
    assert (outcomes[Failure], outcomes[Skipped]) == (suite.failures, suite.skipped)


@pytest.mark.parametrize(
    ("name", "outcome", "kind"),
    [
        ("holds", None, None),
        ("quick", None, None),
        ("fails", Failure, None),
        ("unready", Failure, None),
        ("misprint", Skipped, "pytest.xfail"),
        ("open", Skipped, "pytest.skip"),
        ("elsewhere", Skipped, "pytest.skip"),
    ],
)
def test_each_verdict_is_an_outcome(suite, name, outcome, kind):
    results = cases_of(suite)[name].result
    assert [type(result) for result in results] == ([outcome] if outcome else [])
    if kind:
        assert results[0].type == kind


def test_a_test_case_stands_in_its_file_and_takes_time(suite):
    for case in suite:
        assert case.classname == "claims.digits.yml"
        assert case.time >= 0
    assert suite.time > 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fails", ["REFUTED: fails on onnxruntime", "published: 95.0 %", "measured:  90.4841 % over all 1,797 items"]),
        ("unready", ["ERROR: unready", "fp16"]),
    ],
)
def test_a_failure_holds_what_explains_it(suite, name, words):
    (failure,) = cases_of(suite)[name].result
    for text in words:
        assert text in failure.text
    assert "Traceback" not in failure.text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("open", "inconclusive: 90.4841 % was measured on digits"),
        ("elsewhere", "not applicable here: the claim is about other hardware (name)"),
        ("misprint", 'known to be refuted: a misprint: 5 < 6 & "so" on'),
    ],
)
def test_a_skip_says_why(suite, name, words):
    (skipped,) = cases_of(suite)[name].result
    assert words in skipped.message


def properties_of(suite):
    return {entry.name: entry.value for entry in suite.properties()}


@pytest.mark.parametrize("name", VERDICTS)
def test_the_suite_has_the_verdict_of_every_case(suite, name):
    assert properties_of(suite)[f"mlms.{name}-onnxruntime-cpu.verdict"] == VERDICTS[name]


def test_properties_hold_figures_that_can_be_read_as_such(suite):
    found = properties_of(suite)
    assert float(found["mlms.fails-onnxruntime-cpu.measured"]) == pytest.approx(90.4841, abs=1e-3)
    assert float(found["mlms.fails-onnxruntime-cpu.published"]) == 95.0
    assert int(found["mlms.fails-onnxruntime-cpu.n"]) == 1797
    assert found["mlms.fails-onnxruntime-cpu.unit"] == "%"


def test_what_was_not_measured_has_no_property(suite):
    found = properties_of(suite)
    assert "mlms.elsewhere-onnxruntime-cpu.measured" not in found
    assert "mlms.unready-onnxruntime-cpu.interval_low" not in found
    assert "None" not in found.values()


def test_no_property_is_given_twice(suite):
    names = [entry.name for entry in suite.properties()]
    assert len(names) == len(set(names))


def test_two_processes_write_the_same_properties_as_one(run):
    one, two = (properties_of(next(iter(JUnitXml.fromfile(str(run(*how)))))) for how in ((), ("-n2",)))
    timed = {name for name in one if name.startswith("mlms.quick") and name.rpartition(".")[2] != "verdict"}
    assert {name: one[name] for name in one if name not in timed} == {
        name: two[name] for name in two if name not in timed
    }


def test_the_older_family_has_the_verdicts_in_its_test_cases(run):
    root = ElementTree.parse(run("-o", "junit_family=xunit1")).getroot()
    found = {
        case.get("name").removesuffix("-onnxruntime-cpu"): {
            entry.get("name"): entry.get("value") for entry in case.iter("property")
        }
        for case in root.iter("testcase")
    }
    assert {name: found[name]["mlms.verdict"] for name in found} == VERDICTS
    assert root.find("testsuite/properties") is None
    assert {case.get("file") for case in root.iter("testcase")} == {"claims/digits.yml"}


def test_the_lines_of_the_older_family_are_those_of_the_claims(run):
    root = ElementTree.parse(run("-o", "junit_family=xunit1")).getroot()
    lines = [int(case.get("line")) for case in root.iter("testcase")]
    assert lines == list(range(6, 13))


def test_without_the_option_a_file_of_other_tests_has_nothing_of_ours(pytester):
    pytester.makepyfile("def test_one(): pass")
    pytester.runpytest_subprocess("--junitxml=out.xml").assert_outcomes(passed=1)
    assert "mlms" not in (pytester.path / "out.xml").read_text()
