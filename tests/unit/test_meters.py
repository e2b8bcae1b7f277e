"""What a process counts of itself, beside others and after them; and how it is written down."""

import os
import tempfile
from collections.abc import Iterator

import pytest
from headrace_server.telemetry.catalogue import BY_NAME, Endpoint, Kind, Metric
from headrace_server.telemetry.exposition import Family, Sample, Spread, expose
from headrace_server.telemetry.meters import NO_ROUTE, OTHER, Layout, Meters
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

LAYOUT = Layout([("/v1/jobs", "POST")], ["enqueue"], ["tick"])
ODD = 'a "quoted"\nline \\ back'


@pytest.fixture
def file() -> Iterator[int]:
    with tempfile.TemporaryFile() as opened:
        yield opened.fileno()


def told(meters: Meters) -> dict[str, dict[tuple[str, ...], float | Spread]]:
    return {family.metric.name: dict(family.samples) for family in meters.families()}


def test_whoever_is_asked_tells_the_sum(file: int) -> None:
    first, second = (Meters(LAYOUT, rows=2, row=row, file=file) for row in range(2))
    for meters, seconds in ((first, 0.02), (second, 0.3), (second, 0.3)):
        meters.opened()
        meters.answered("/v1/jobs", "POST", 201, seconds)
    first.opened()
    assert told(first).keys() == told(second).keys()
    for meters in (first, second):
        found = told(meters)
        assert found["headrace_http_requests_total"] == {("/v1/jobs", "POST", "2xx"): 3}
        assert found["headrace_http_requests_open"] == {(): 1}
        spread = found["headrace_http_request_seconds"]["/v1/jobs", "POST"]
        assert isinstance(spread, Spread)
        assert (spread.buckets, round(spread.sum, 6)) == ([0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0], 0.62)
        assert found["headrace_processes"] == {(): 2}


def test_who_takes_the_place_of_a_process_goes_on_counting(file: int) -> None:
    """But for what that one had open when it died."""
    before = Meters(LAYOUT, rows=2, row=1, file=file)
    before.opened()
    before.parked(3)
    before.faulted("tick")
    after = Meters(LAYOUT, rows=2, row=1, file=file)
    found = told(after)
    assert found["headrace_loop_faults_total"] == {("tick",): 1}
    assert (found["headrace_http_requests_open"], found["headrace_open_polls"]) == ({(): 0}, {(): 0})


def test_what_is_in_no_table_shares_a_series() -> None:
    meters = Meters(LAYOUT)
    for route, method in (("/v1/jobs", "GET"), ("/else", "POST"), ("/else", "BREW")):
        meters.opened()
        meters.answered(route, method, 404, 0.1)
    meters.opened()
    meters.answered("/v1/jobs", "POST", 0, 0.1)
    meters.called("unheard_of", 0.1, failed=True)
    found = told(meters)
    assert found["headrace_http_requests_total"] == {
        (NO_ROUTE, "GET", "4xx"): 1,
        (NO_ROUTE, "POST", "4xx"): 1,
        (NO_ROUTE, OTHER, "4xx"): 1,
        ("/v1/jobs", "POST", "gone"): 1,
    }
    assert found["headrace_store_call_errors_total"] == {(OTHER,): 1}


def test_a_process_tells_what_the_system_knows_of_it() -> None:
    found = told(Meters(LAYOUT))
    assert found["process_open_fds"].keys() == {("1",)}
    [memory] = found["process_resident_memory_bytes"].values()
    assert isinstance(memory, int)
    assert 1_000_000 < memory < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_nothing_is_told_of_a_process_that_is_gone(file: int) -> None:
    meters = Meters(LAYOUT, rows=2, row=0, file=file)  # the second one has not been started yet
    assert told(meters)["process_open_fds"].keys() == {("1",)}


@pytest.mark.parametrize("openmetrics", [False, True])
def test_what_is_written_can_be_read(openmetrics: bool) -> None:
    samples: list[Sample] = [((ODD, "2xx"), Spread([1, 0, 2], 0.5)), (("plain", "5xx"), Spread([0, 0, 0], 0.0))]
    span = Metric("span_seconds", Kind.HISTOGRAM, ODD, ("route", "status"), Endpoint.PROCESS, "", (0.5, 10.0))
    families = [Family(span, samples), Family(BY_NAME["headrace_backlog"], [((), 7)])]
    text = expose(families, openmetrics=openmetrics).decode()
    [first, second] = (read_openmetrics if openmetrics else read_text)(text)
    assert first.documentation == ODD
    found = [(s.name, s.labels.get("le"), s.value) for s in first.samples if s.labels["route"] == ODD]
    ends = [("span_seconds_bucket", "0.5", 1), ("span_seconds_bucket", "10.0", 1), ("span_seconds_bucket", "+Inf", 3)]
    assert found == [*ends, ("span_seconds_count", None, 3), ("span_seconds_sum", None, 0.5)]
    assert [(s.name, s.labels, s.value) for s in second.samples] == [("headrace_backlog", {}, 7)]
    assert text.endswith("# EOF\n") == openmetrics
    assert ("# UNIT span_seconds seconds\n" in text) == openmetrics
