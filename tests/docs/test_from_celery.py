"""The page for those who come from Celery leaves nothing out that they bring along, and names what is really there."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from headrace.conf import Settings
from headrace.hooks import EVENTS
from headrace.options import TaskOptions

PAGE = (Path(__file__).parents[2] / "docs/from-celery.md").read_text()
OPTIONS = """name queue priority max_retries autoretry_for dont_autoretry_for retry_backoff retry_backoff_max
retry_jitter default_retry_delay time_limit soft_time_limit rate_limit ignore_result expires bind unique"""
CALLS = """shared_task .delay() .apply_async( .s() .si() .adelay() .aapply_async() send_task app.conf autodiscover_tasks
task_always_eager self.request .retries .headers .delivery .attempt .deadline .fence self.retry self.progress
self.checkpoint self.cancelled Retry Reject Discard Snooze SoftTimeLimitExceeded"""
RESULTS = """JobHandle AsyncResult(id) .get(timeout=, .ready() .successful() .failed() .state .status .info .traceback
.cancel() .revoke() terminate= .forget() TaskFailed gather"""
SERIALIZERS = "json msgpack pickle accept_content serializers.register"
WORKER = """--processes --threads --max-tasks-per-child --max-memory-per-child --autoscale --queues --exclude --name
--reload --drain-timeout --health-port /livez /readyz /metrics SIGTERM SIGQUIT"""
AROUND = """headrace.contrib.django delay_on_commit headrace.contrib.flask headrace.contrib.fastapi assert_enqueued
headrace_clock @app.middleware beat crontab chain group chord"""
WORDS = " ".join([OPTIONS, CALLS, RESULTS, SERIALIZERS, WORKER, AROUND, *EVENTS]).split()


@pytest.mark.parametrize("word", WORDS)
def test_every_word_has_its_line(word: str) -> None:
    assert [line for line in PAGE.splitlines() if line.startswith("|") and word in line]


def test_the_settings_that_kept_their_names_are_those_that_are_there() -> None:
    [section] = re.findall(r"^## Settings\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    listed = section.partition("kept their\nnames:")[2].partition(". `broker_url`")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == {field.name for field in fields(Settings)} - {"url", "token"}


def test_the_options_of_a_task_are_those_that_are_there() -> None:
    assert set(OPTIONS.split()) - {"name", "bind"} <= {field.name for field in fields(TaskOptions)}
