"""The worker's metrics, in the text format of Prometheus. Needs the extra `metrics`; imported by who asks for them."""

from collections.abc import Iterable
from http import HTTPStatus
from itertools import accumulate

from headrace import Directive, __version__
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from headrace_worker import bounds
from headrace_worker.about import About
from headrace_worker.health import Answer, Page
from headrace_worker.tally import BUCKETS_S, Runs


def page(about: About) -> Page:
    """Return what makes the answer to GET /metrics."""
    registry = CollectorRegistry()
    registry.register(_Worker(about))
    ProcessCollector(registry=registry)  # of the supervisor
    return lambda: Answer(HTTPStatus.OK, generate_latest(registry), CONTENT_TYPE_LATEST)


class _Worker(Collector):
    """Reads the worker's own counters when it is asked: nothing is counted twice, and nothing for nobody."""

    def __init__(self, about: About) -> None:
        self._about = about

    def describe(self) -> Iterable[Metric]:
        """Return nothing: there is one collector, so names cannot clash."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Yield all metrics as they are now."""
        yield from self._what_it_is()
        yield from self._what_it_holds()
        yield from self._children()
        yield from self._what_it_did()

    def _what_it_is(self) -> Iterable[Metric]:
        about = self._about
        who = GaugeMetricFamily("headrace_worker_info", "1 for this worker.", labels=["id", "version"])
        who.add_metric([about.id, __version__], 1)
        yield who
        does = GaugeMetricFamily("headrace_worker_state", "1 for what the worker does, else 0.", labels=["state"])
        for state in Directive:
            does.add_metric([state.value], float(about.duty.now is state))
        yield does
        yield GaugeMetricFamily("headrace_worker_ready", "Whether /readyz is green.", float(not any(about.unready())))

    def _what_it_holds(self) -> Iterable[Metric]:
        about = self._about
        gauges = {
            "usable_slots": ("Jobs that can run at a time as things stand.", about.hands.slots),
            "busy_slots": ("Jobs that run.", about.busy),
            "leases": ("Jobs held: running, waiting for a slot, or waiting to be settled.", len(about.board)),
            "unsettled": ("Jobs that have ended and that the server does not know of.", len(about.settler)),
            "unsettled_bytes": ("The results and errors of these.", about.settler.bytes),
            "unsettled_limit_bytes": ("With half of it the leasing stops.", bounds.UNSETTLED_BYTES),
        }
        for name, (meaning, value) in gauges.items():
            yield GaugeMetricFamily(f"headrace_worker_{name}", meaning, float(value))

    def _children(self) -> Iterable[Metric]:
        children = self._about.hands.children
        yield GaugeMetricFamily("headrace_worker_children", "Processes that run tasks.", float(len(children)))
        memory = GaugeMetricFamily("headrace_worker_child_resident_bytes", "Memory of a child.", labels=["pid"])
        for child in children:
            memory.add_metric([str(child.pid)], child.rss_bytes)
        yield memory

    def _what_it_did(self) -> Iterable[Metric]:
        tally = self._about.tally
        ends = CounterMetricFamily("headrace_worker_jobs", "Deliveries that ended.", labels=["task", "outcome"])
        for end, tasks in tally.ends.items():
            for task, count in tasks.items():
                ends.add_metric([task, end.value], count)
        yield ends
        times = HistogramMetricFamily("headrace_worker_run_seconds", "How long runs took.", labels=["task"])
        for task, runs in tally.runs.items():
            times.add_metric([task], _buckets(runs), runs.sum_s)
        yield times
        failures = CounterMetricFamily(
            "headrace_worker_request_failures", "Requests that the server did not answer as hoped.", labels=["request"]
        )
        for what, count in tally.failures.items():
            failures.add_metric([what], count)
        yield failures


def _buckets(runs: Runs) -> list[tuple[str, float]]:
    bounds_s = [*map(str, BUCKETS_S), "+Inf"]
    return list(zip(bounds_s, accumulate(map(float, runs.buckets)), strict=True))
