"""Webhooks from the command line, and what is never shown on the way: secrets, in logs, jobs and refusals."""

import json
from pathlib import Path

import httpx
import pytest
from headrace import Client, RetryPolicy, Webhook

from tests.support.commands import Run, commands_of
from tests.support.receiver import Answer, Receiver
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

SECRET = "whsec_" + "c2VjcmV0LXRoYXQtbm9ib2R5LWlzLXRvLXNlZS0x"


@pytest.fixture
def run(hooked: ServerProcess, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line; returns exit code, stdout and stderr."""
    return commands_of(hooked.url, capsys)


def test_a_webhook_is_put_looked_at_rotated_paused_and_deleted(
    run: Run, client: Client, receiver: Receiver, queue: str
) -> None:
    how = ("--event", "job.dead", "--queue", "a", "--queue", "b", "--timeout", "5s", "--max-attempts", "3")
    code, out, _ = run("webhooks put", queue, receiver.url(), *how)
    assert (code, "whsec_" in out, "it is not shown again" in out) == (0, True, True)
    shown = json.loads(run("webhooks show", queue, "--json")[1])
    assert (shown["events"], shown["queues"], shown["timeout_ms"]) == (["job.dead"], ["a", "b"], 5_000)
    assert (shown["retry"]["max_attempts"], "secret" in shown) == (3, False)
    [line] = [line for line in run("webhooks list")[1].splitlines() if line.startswith(f"{queue} ")]
    assert line.split() == [queue, "active", "0", "0", "job.dead", receiver.url()]
    assert json.loads(run("webhooks rotate", queue, "--json")[1])["secret"].startswith("whsec_")
    assert "paused (asked)" in run("webhooks pause", queue)[1]
    code, _, err = run("webhooks test", queue)
    assert (code, "webhook_paused" in err) == (4, True)
    assert json.loads(run("webhooks resume", queue, "--json")[1])["state"] == "active"
    code, out, _ = run("webhooks test", queue)
    assert (code, out.startswith(f"{queue} answered 204 after ")) == (0, True)
    assert [message.kind for message in receiver.messages] == ["webhook.ping"]
    receiver.answer("/", Answer(500))
    code, out, _ = run("webhooks test", queue)
    assert (code, out) == (1, f"{queue} was not told: dead http_500: the receiver answered 500\n")
    assert run("webhooks delete", queue)[0] == 0
    assert run("webhooks show", queue)[0] == 3


def test_a_secret_comes_by_a_file(run: Run, client: Client, receiver: Receiver, queue: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    code, out, _ = run("webhooks put", queue, receiver.url(), "--secret-file", str(file))
    assert (code, SECRET in out) == (0, False)
    assert run("webhooks test", queue)[0] == 0
    assert receiver.messages[0].signed_by(SECRET)
    code, _, err = run("webhooks rotate", queue, "--secret-file", str(tmp_path / "nothing"))
    assert (code, "cannot be read" in err) == (2, True)
    file.write_text("whsec_short")
    code, _, err = run("webhooks rotate", queue, "--secret-file", str(file))
    assert (code, "/secret" in err, "whsec_short" in err) == (4, True, False)


def test_secrets_are_shown_to_nobody(hooked: ServerProcess, client: Client, receiver: Receiver, queue: str) -> None:
    path = "/hook?token=of-the-receiver"
    receiver.answer(path, Answer(500), Answer(410))
    twice = RetryPolicy(max_attempts=2, initial_ms=1)
    client.put_webhook(queue, Webhook(url=receiver.url(path), queues=[queue], retry=twice, secret=SECRET))
    client.rotate_webhook(queue, secret="whsec_" + "B" * 32)
    client.cancel(client.enqueue("t", queue=queue).id)
    eventually(lambda: client.webhook(queue).paused_reason)
    [job_id] = {message.id for message in receiver.messages}
    eventually(lambda: client.get(job_id).state.is_final)
    bodies = [{"url": receiver.url(), "secret": SECRET + "!"}, {"url": 5, "secret": SECRET}, [SECRET], SECRET]
    with httpx.Client(base_url=hooked.url) as http:
        texts = [http.put(f"/v1/webhooks/{queue}", json=body).text for body in bodies]
        texts += [http.post(f"/v1/webhooks/{queue}/rotate", json={"secret": SECRET, "x": 1}).text]
        paths = [
            "/v1/webhooks",
            f"/v1/webhooks/{queue}",
            f"/v1/jobs/{job_id}",
            f"/v1/jobs/{job_id}/attempts",
            "/metrics/jobs",
        ]
        shown = [http.get(each).text for each in paths]
        numbers = http.get("/metrics").text
    for text in (*texts, *shown, hooked.output()):
        assert SECRET[6:] not in text
        assert "B" * 32 not in text
    for text in (shown[2], shown[3], hooked.output()):
        assert "of-the-receiver" not in text  # a URL may hold a secret, too
    assert 'msg="not delivered"' in hooked.output()
    assert 'headrace_webhook_attempts_total{outcome="refused"}' in numbers
    assert f'headrace_webhook_paused{{webhook="{queue}"}} 1' in shown[-1]
