"""The only package that runs the jobs' commands on the store; state changes are in `lua/<verb>.lua`, nowhere else."""

from headrace_server.engine.engine import STORE_FORMAT, Engine, StoreMismatch
from headrace_server.engine.enqueuing import Section
from headrace_server.engine.link import Waits
from headrace_server.engine.scheduling import TooManySchedules
from headrace_server.engine.scripts import VERBS, load_scripts
from headrace_server.engine.webhooks import PutOutcome, TooManyWebhooks

__all__ = [
    "STORE_FORMAT",
    "VERBS",
    "Engine",
    "PutOutcome",
    "Section",
    "StoreMismatch",
    "TooManySchedules",
    "TooManyWebhooks",
    "Waits",
    "load_scripts",
]
