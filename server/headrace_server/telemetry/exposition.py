"""Writes metrics down: the text format of Prometheus, and OpenMetrics 1.0; pure, and it must not know what they say."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, TypeAlias

import msgspec

from headrace_server.telemetry.catalogue import Kind, Metric

TEXT: Final = b"text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = b"application/openmetrics-text; version=1.0.0; charset=utf-8"
_UNITS: Final = ("seconds", "bytes")
_ODD: Final = re.compile(r'["\\\n]')  # what must not stand in a label as it is


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
    line = f"{family.metric.name}{_braces(family.metric.labels)} %s"
    return [line % (*map(_quoted, values), repr(value)) for values, value in family.samples]


def _histogram(family: Family) -> Iterator[str]:
    """Yield the lines of each histogram as one text; they differ in labels and numbers."""
    name, labels = family.metric.name, family.metric.labels
    bounds = [*(repr(float(bound)) for bound in family.metric.bounds), "+Inf"]
    buckets = [f"{name}_bucket{_braces((*labels, 'le'))} %s"] * len(bounds)
    lines = "\n".join([*buckets, f"{name}_count{_braces(labels)} %s", f"{name}_sum{_braces(labels)} %s"])
    for values, spread in family.samples:
        assert isinstance(spread, Spread)
        quoted = tuple(map(_quoted, values))
        counts = [*accumulate(spread.buckets)]
        words = [word for pair in zip(bounds, counts, strict=True) for word in (*quoted, *pair)]
        yield lines % (*words, *quoted, counts[-1], *quoted, repr(spread.sum))


def _braces(labels: Labels) -> str:
    """Return labels with places for their values."""
    return "{" + ",".join(f'{label}="%s"' for label in labels) + "}" if labels else ""


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', '\\"') if _ODD.search(value) else value


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
