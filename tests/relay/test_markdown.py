"""The message: what it says, that it always fits, and that words of strangers stay words."""

import json
from datetime import UTC
from typing import Any

import pytest
from headrace.relay import markdown
from headrace.relay.alerts import Notification, read
from headrace.relay.markdown import Style
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.relay.notices import alert, notice

STYLE = Style(limit=4096, firing='<font color="warning">{}</font>', resolved='<font color="info">{}</font>')
BARE = Style(limit=4096, firing="{}", resolved="{}", line="\n")


def of(*alerts: dict[str, Any], truncated: int = 0) -> Notification:
    return read(json.dumps(notice(*alerts, truncated=truncated)).encode())


def test_a_message_says_what_who_since_when_and_what_to_do() -> None:
    assert markdown.text(of(alert(queue="mail", cluster="one")), BARE, UTC) == (
        "### FIRING 1: HeadraceBacklog\n\n"
        "**HeadraceBacklog** (warning)\n"
        "cluster: one, queue: mail\n"
        "The backlog is large\n"
        "More jobs come than go.\n"
        "since 2026-01-02 03:04:05 +0000\n"
        "[what to do](http://docs.example/runbook.md#a-backlog-grows)"
        " · [graph](http://prometheus.example/graph?g0.expr=up+%3D%3D+0)"
    )


def test_what_is_over_is_told_in_fewer_words() -> None:
    text = markdown.text(of(alert(status="resolved")), STYLE, UTC)
    assert text.startswith('### <font color="info">RESOLVED 1: HeadraceBacklog</font>')
    assert "since 2026-01-02 03:04:05 +0000 until 2026-01-02 03:14:05 +0000" in text
    assert "More jobs come than go" not in text


def test_a_title_counts_what_fires_and_what_is_over() -> None:
    alerts = of(alert("A"), alert("A"), alert("B", status="resolved"))
    assert markdown.title(alerts) == "FIRING 2, RESOLVED 1: A, B"


def test_what_does_not_fit_is_counted() -> None:
    text = markdown.text(of(*(alert(queue=f"q{n}") for n in range(100)), truncated=23), STYLE, UTC)
    shown = text.count("**<font")
    assert 5 < shown < 100
    assert text.endswith(f"\n\n… and {100 - shown + 23} more")
    assert len(text.encode()) <= 4096


def test_a_message_is_as_long_as_it_may_be_and_no_byte_longer() -> None:
    for length in range(1, 120):
        given = alert(queue="q" * length)
        one = len(markdown.text(of(given, given), STYLE, UTC)) - len(markdown.text(of(given), STYLE, UTC))
        size = len(markdown.text(of(*[given] * 60), STYLE, UTC).encode())
        assert STYLE.limit - one - len("… and 60 more") < size <= STYLE.limit, length


def test_nothing_is_counted_where_all_is_shown() -> None:
    assert "more" not in markdown.text(of(alert(), alert()), STYLE, UTC).replace("More jobs", "")


def test_the_largest_alert_fits_whole() -> None:
    huge = "狼" * 5_000
    link = "http://x.example/" + "y" * 583
    given = {
        **alert("A" + huge, severity=huge, queue=huge),
        "annotations": {"summary": huge, "description": "d" + huge, "runbook_url": link},
        "generatorURL": link,
    }
    text = markdown.text(of(given, given), STYLE, UTC)
    assert len(text.encode()) <= 4096
    assert text.count(f"]({link})") == 2
    assert text.endswith("… and 1 more")


@settings(deadline=None, max_examples=60)  # a busy machine is no fault
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "status": st.sampled_from(["firing", "resolved"]),
                "labels": st.dictionaries(st.text(max_size=30), st.text()),
                "annotations": st.dictionaries(st.sampled_from(["summary", "description", "runbook_url"]), st.text()),
                "startsAt": st.datetimes(timezones=st.just(UTC)).map(lambda at: at.isoformat()),
                "generatorURL": st.text(),
            }
        ),
        min_size=1,
    ),
    st.integers(0, 10**9),
)
def test_every_message_fits_and_says_how_many_fire(alerts: list[dict[str, Any]], truncated: int) -> None:
    found = of(*alerts, truncated=truncated)
    text = markdown.text(found, STYLE, UTC)
    assert len(text.encode()) <= STYLE.limit
    assert not found.firing or f"FIRING {found.firing}" in text


@pytest.mark.parametrize(
    ("words", "plainly"),
    [
        ("<@all> look", "＜@all＞ look"),  # noqa: RUF001 - these very signs
        ("[free](http://evil.example)", "［free］(http://evil.example)"),  # noqa: RUF001 - these very signs
        ("one\ntwo\r\n\u2028### three\x07", "one two ### three"),
        ("`code`", "'code'"),
        ("\ud800", "?"),
        ("  ", ""),
    ],
)
def test_words_of_strangers_are_no_markup(words: str, plainly: str) -> None:
    assert markdown.plain(words, 100) == plainly
    shown = markdown.text(of(alert(queue=words) | {"annotations": {"summary": words}}), BARE, UTC)
    assert "<" not in shown
    assert "](http://evil" not in shown
    assert len([line for line in shown.splitlines() if line.startswith("#")]) == 1


def test_a_cut_word_is_whole_letters() -> None:
    assert markdown.plain("狼" * 10, 30) == "狼" * 10
    assert markdown.plain("狼" * 10, 29) == "狼" * 8 + "…"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://x.example/a b", "http://x.example/)[y](z", "x" * 700])
def test_what_is_no_plain_address_is_no_link(url: str) -> None:
    given = alert() | {"annotations": {"runbook_url": url}, "generatorURL": url}
    assert "](" not in markdown.text(of(given), BARE, UTC)


def test_a_runbook_that_is_a_path_is_told_as_it_is() -> None:
    given = alert() | {"annotations": {"runbook_url": "docs/runbook.md#a-backlog-grows"}, "generatorURL": ""}
    assert markdown.text(of(given), BARE, UTC).endswith("\nwhat to do: docs/runbook.md#a-backlog-grows")
