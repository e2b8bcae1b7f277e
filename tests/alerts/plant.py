"""Everything between a job that nobody does and the people who are told: real programs, stand-ins for the channels.

What is configured is what lies under docker/; only addresses, times and the folder of the secrets are others.
"""

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml
from headrace import Client, NewJob

from tests.alerts.programs import Daemon, alertmanager, prometheus
from tests.alerts.receivers import Hook, Mailbox
from tests.alerts.rules import DOCKER, PROMETHEUS, load
from tests.relay.conftest import BEARER, KEY, SECRET, TOKEN, RelayProcess
from tests.relay.robots import dingtalk, wecom
from tests.support.servers import ServerProcess

OFTEN = "1s"
DOOR = "t0ken-of-the-door"
SECRETS = {"smtp-password": "pass", "pagerduty-key": "key", "relay-token": BEARER}


class Plant:
    """A server, Prometheus, Alertmanager, the relay, and the five channels."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Start everything; `stack` ends it, the last one first."""
        self.hook = Hook()
        stack.callback(self.hook.close)
        self.mailbox = Mailbox()
        stack.callback(self.mailbox.close)
        self.wecom, self.dingtalk = wecom(KEY), dingtalk(TOKEN, SECRET)
        stack.callback(self.wecom.close)
        stack.callback(self.dingtalk.close)
        relay = RelayProcess(folder / "relay.log", self._of_the_relay(), ())
        stack.callback(relay.process.end)
        server = ServerProcess(folder, env={"HEADRACE_TOKENS": DOOR})
        stack.callback(server.end)
        server.start()
        self.client = stack.enter_context(Client(server.url, token=DOOR))
        self.alertmanager = self._started(alertmanager(self._for_alertmanager(folder / "am", relay.ready().url)), stack)
        self.prometheus = self._started(prometheus(self._for_prometheus(folder / "prom", server.port)), stack)

    def put(self, queue: str, jobs: int) -> None:
        """Put jobs into a queue."""
        todo = [NewJob(task=f"{queue}.do", queue=queue)] * jobs
        for at in range(0, jobs, 500):
            self.client.enqueue_batch(todo[at : at + 500], atomic=False)

    def told(self) -> dict[str, list[str]]:
        """Return the texts that came over each channel, as far as people read them."""
        slack = [message["attachments"][0] for message in self.hook.at("/slack")]
        pages = [event["payload"] for event in self.hook.at("/pagerduty")]
        return {
            "slack": [message["text"] for message in slack],
            "pagerduty": [f"{page['summary']} {page['custom_details']}" for page in pages],
            "email": self.mailbox.came,
            "wecom": [came.document["markdown"]["content"] for came in list(self.wecom.came)],
            "dingtalk": [came.document["markdown"]["text"] for came in list(self.dingtalk.came)],
        }

    def channels(self, *words: str) -> set[str]:
        """Return the channels over which a text with all of these words came."""
        return {name for name, texts in self.told().items() if any(all(w in text for w in words) for text in texts)}

    def value(self, expr: str) -> list[float]:
        """Return what Prometheus answers to an expression, one number for each series."""
        answer = self.prometheus.get("/api/v1/query", query=expr)
        return [float(series["value"][1]) for series in answer["data"]["result"]]

    def _started(self, daemon: Daemon, stack: ExitStack) -> Daemon:
        stack.callback(daemon.end)
        return daemon.ready()

    def _of_the_relay(self) -> dict[str, str]:
        return {
            "HEADRACE_WECOM_KEY": KEY,
            "HEADRACE_WECOM_URL": self.wecom.url,
            "HEADRACE_DINGTALK_TOKEN": TOKEN,
            "HEADRACE_DINGTALK_SECRET": SECRET,
            "HEADRACE_DINGTALK_URL": self.dingtalk.url,
            "HEADRACE_RELAY_TOKEN": BEARER,
        }

    def _for_alertmanager(self, folder: Path, relay_url: str) -> Path:
        shutil.copytree(DOCKER / "alertmanager", folder)
        for name, text in {**SECRETS, "slack-url": f"{self.hook.url}/slack"}.items():
            (folder / name).write_text(text)
        path = folder / "alertmanager.yml"
        path.write_text(
            path.read_text()
            .replace("/etc/alertmanager/secrets", str(folder))
            .replace("http://alert-relay:9096", relay_url)
            .replace("smtp.example.com:587", self.mailbox.address)
        )
        config = load(path)
        config["global"] |= {"smtp_require_tls": False, "pagerduty_url": f"{self.hook.url}/pagerduty"}
        for route in (config["route"], *config["route"]["routes"]):
            route |= {"group_wait": OFTEN, "group_interval": OFTEN}
        return written(path, config)

    def _for_prometheus(self, folder: Path, port: int) -> Path:
        shutil.copytree(PROMETHEUS, folder)
        (folder / "secrets").mkdir()
        (folder / "secrets" / "headrace-token").write_text(DOOR)
        path = folder / "prometheus.yml"
        config = load(path)
        config["global"] |= {"scrape_interval": OFTEN, "evaluation_interval": OFTEN}
        config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [self.alertmanager.address]}]}]
        server = [f"127.0.0.1:{port}"]
        config["scrape_configs"] = [job for job in config["scrape_configs"] if job["job_name"] != "headrace-worker"]
        for job in config["scrape_configs"]:  # as if there were two servers, and somebody scraped both
            job["static_configs"] = [{"targets": server, "labels": {"pod": pod}} for pod in ("a", "b")]
        rules = folder / "rules" / "headrace.rules.yml"
        document = load(rules)
        (queues,) = [group for group in document["groups"] if group["name"] == "headrace-queues"]
        for rule in queues["rules"]:
            rule.pop("for", None)  # nobody waits for five minutes here
        written(rules, document)
        return written(path, config)


def written(path: Path, document: Any) -> Path:
    path.write_text(yaml.safe_dump(document))
    return path
