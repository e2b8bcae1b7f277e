"""Who takes part in the comparison and how each is started: data, and nothing that runs."""

from dataclasses import dataclass

GOALS_TABLE = "strict"  # all durable: appendfsync always, acknowledged after the work where that exists, results kept
DEFAULTS_TABLE = "defaults"  # each as its first page of documentation starts it, on a store with its own defaults
TABLES = (GOALS_TABLE, DEFAULTS_TABLE)


@dataclass(frozen=True)
class Contestant:
    """One way to run one queue."""

    name: str
    peer: str  # module of bench/peers
    worker: tuple[str, ...]  # its command, relative to its environment; {url} is the store's, or the server's
    wishes: str = ""  # what the peer's module is told
    bulk: bool = False  # it has `many`
    gathers: bool = False  # its `many` is many calls at once
    acks_after: bool = True  # a job that a dying worker held is not lost
    processes: int = 1  # that run jobs
    python: bool = True
    ours: bool = False


HEADRACE = ("headrace", "worker", "peers.headrace:app", "--url", "{url}", "--log-level", "warning")
CELERY = ("celery", "-A", "peers.celery", "worker", "-l", "WARNING", "-P")
DRAMATIQ = ("dramatiq", "peers.dramatiq", "-t", "8", "-p")
RQ = ("rq", "worker", "-q", "-u", "{url}")
TASKIQ = ("taskiq", "worker", "peers.taskiq:broker", "--log-level", "WARNING", "-w", "1")
ARQ = ("arq", "peers.arq.Settings")
SAQ = ("saq", "-q", "peers.saq.settings")
HUEY = ("huey_consumer", "-q", "peers.huey.huey")
BULLMQ = ("node", "{peers}/bullmq.cjs", "work")
BEANSTALKD = ("python", "-m", "peers.beanstalkd")

STRICT = (
    Contestant("Headrace", "headrace", HEADRACE, bulk=True, processes=2, ours=True),
    Contestant("Headrace, one process", "headrace", (*HEADRACE, "--processes", "1"), bulk=True, ours=True),
    Contestant("Celery prefork 2, late", "celery", (*CELERY, "prefork", "-c", "2"), "late,results", processes=2),
    Contestant("Celery threads 8, late", "celery", (*CELERY, "threads", "-c", "8"), "late,results"),
    Contestant("RQ", "rq", RQ, bulk=True),
    Contestant("RQ simple", "rq", (*RQ, "-w", "rq.worker.SimpleWorker"), bulk=True),
    Contestant("Dramatiq 1 process", "dramatiq", (*DRAMATIQ, "1"), "results"),
    Contestant("Dramatiq 2 processes", "dramatiq", (*DRAMATIQ, "2"), "results", processes=2),
    Contestant("Taskiq stream", "taskiq", TASKIQ, "stream,results", bulk=True, gathers=True),
    Contestant("Taskiq list", "taskiq", TASKIQ, "results", bulk=True, gathers=True, acks_after=False),
    Contestant("arq", "arq", ARQ, bulk=True, gathers=True),
    Contestant("arq concurrency 100", "arq", ARQ, "concurrency=100", bulk=True, gathers=True),
    Contestant("SAQ", "saq", SAQ, bulk=True, gathers=True),
    Contestant("SAQ concurrency 100", "saq", SAQ, "concurrency=100", bulk=True, gathers=True),
    Contestant("Huey 1 thread", "huey", (*HUEY, "-w", "1"), "results", acks_after=False),
    Contestant(
        "Huey 2 processes", "huey", (*HUEY, "-w", "2", "-k", "process"), "results", acks_after=False, processes=2
    ),
    *(
        Contestant(f"BullMQ concurrency {n}", "bullmq", BULLMQ, f"concurrency={n}", bulk=True, python=False)
        for n in (1, 50, 200)
    ),
    Contestant("beanstalkd", "beanstalkd", BEANSTALKD, python=False),
)

DEFAULTS = (
    Contestant("Headrace", "headrace", HEADRACE, bulk=True, processes=2, ours=True),
    Contestant("Celery prefork", "celery", (*CELERY, "prefork"), acks_after=False, processes=2),
    Contestant("Celery prefork, results", "celery", (*CELERY, "prefork"), "results", acks_after=False, processes=2),
    Contestant("Celery threads", "celery", (*CELERY, "threads"), acks_after=False),
    Contestant("RQ", "rq", RQ, bulk=True),
    Contestant("Dramatiq", "dramatiq", ("dramatiq", "peers.dramatiq"), processes=2),
    Contestant("Taskiq stream", "taskiq", TASKIQ[:-2], "stream", bulk=True, gathers=True, processes=2),
    Contestant("Taskiq list", "taskiq", TASKIQ[:-2], bulk=True, gathers=True, acks_after=False, processes=2),
    Contestant("arq", "arq", ARQ, bulk=True, gathers=True),
    Contestant("SAQ", "saq", SAQ, bulk=True, gathers=True),
    Contestant("Huey", "huey", HUEY, "results", acks_after=False),
    Contestant("BullMQ concurrency 50", "bullmq", BULLMQ, "concurrency=50", bulk=True, python=False),
    Contestant("beanstalkd", "beanstalkd", BEANSTALKD, python=False),
)
ROSTER = {GOALS_TABLE: STRICT, DEFAULTS_TABLE: DEFAULTS}
PEERS = tuple(dict.fromkeys(contestant.peer for contestant in STRICT))


def chosen(table: str, peers: set[str]) -> list[Contestant]:
    """Return those of a table that use one of the peers' modules."""
    return [contestant for contestant in ROSTER[table] if contestant.peer in peers]
