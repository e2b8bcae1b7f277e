"""Writes metrics down: the text format of Prometheus, and OpenMetrics 1.0; pure, and it must not know what they say."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, TypeAlias

import msgspec

from headrace_server.telemetry.catalogue import Kind, Metric

TEXT: Final = b"text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = b"application/openmetrics-text; version=1.0.0; charset=utf-8"
_UNITS: Final = ("seconds", "bytes")


class Spread(msgspec.Struct, frozen=True, gc=False):
    """The value of a histogram."""

    buckets: Sequence[int]  # how many fell between two bounds; the last one: above all of them
    sum: float


Labels: TypeAlias = tuple[str, ...]  # values, in the order in which the metric names them
Sample: TypeAlias = tuple[Labels, float | Spread]


class Family(msgspec.Struct, frozen=True):
    """One metric with its series."""

    metric: Metric
    samples: Sequence[Sample]


def expose(families: Iterable[Family], *, openmetrics: bool) -> bytes:
    """Return the body of a scrape; a family without series is left out."""
    lines: list[str] = []
    for family in families:
        if family.samples:
            lines += _head(family.metric, openmetrics=openmetrics)
            lines += _histogram(family) if family.metric.kind is Kind.HISTOGRAM else _plain(family)
    if openmetrics:
        lines.append("# EOF")
    return ("\n".join(lines) + "\n").encode()


def _head(metric: Metric, *, openmetrics: bool) -> Iterator[str]:
    name, kind = metric.name, metric.kind.value
    if openmetrics and metric.kind is Kind.COUNTER:
        name = name.removesuffix("_total")
    if openmetrics and name.endswith("_info"):
        name, kind = name.removesuffix("_info"), "info"
    yield f"# HELP {name} {_escaped(metric.meaning)}"
    yield f"# TYPE {name} {kind}"
    if openmetrics and name.endswith(_UNITS):
        yield f"# UNIT {name} {name.rpartition('_')[2]}"


def _plain(family: Family) -> list[str]:
    name, labels = family.metric.name, family.metric.labels
    return [f"{name}{_braces(labels, values)} {_number(value)}" for values, value in family.samples]


def _histogram(family: Family) -> Iterator[str]:
    name, labels = family.metric.name, family.metric.labels
    bounds = [*(f'le="{_number(float(bound))}"' for bound in family.metric.bounds), 'le="+Inf"']
    for values, spread in family.samples:
        assert isinstance(spread, Spread)
        told = _braces(labels, values)
        opened = told[:-1] + "," if told else "{"
        count = 0
        for bound, count in zip(bounds, accumulate(spread.buckets), strict=True):
            yield f"{name}_bucket{opened}{bound}}} {count}"
        yield f"{name}_count{told} {count}"
        yield f"{name}_sum{told} {_number(spread.sum)}"


def _braces(labels: Labels, values: Labels) -> str:
    if not labels:
        return ""
    pairs = (f'{label}="{_quoted(value)}"' for label, value in zip(labels, values, strict=True))
    return "{" + ",".join(pairs) + "}"


def _number(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else repr(value)


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', '\\"')


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
