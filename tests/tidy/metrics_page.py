"""The tables of docs/operations/metrics.md, made from the catalogue; `make docs` writes them, a test compares them."""

from headrace_server.telemetry.catalogue import ALL, Endpoint, Kind, Metric

from tests.tidy.tree import ROOT

PAGE = ROOT / "docs/operations/metrics.md"
BEGIN = "<!-- made from server/headrace_server/telemetry/catalogue.py by `make docs` -->\n"
END = "<!-- end -->\n"
TITLES = {
    Endpoint.JOBS: "### `/metrics/jobs`: jobs, queues, tasks, workers, schedules, the store",
    Endpoint.PROCESS: "### `/metrics`: a server",
    Endpoint.WORKER: "### `/metrics` of a worker",
}


def page(text: str) -> str:
    """Return the text of the page with tables that are up to date."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


def tables() -> str:
    """Return a table for each endpoint."""
    return "\n".join(f"{title}\n\n{table(endpoint)}" for endpoint, title in TITLES.items())


def table(endpoint: Endpoint) -> str:
    """Return the metrics of one endpoint."""
    rows = [row(metric) for metric in ALL if metric.endpoint is endpoint]
    return "".join(["| metric | kind | meaning |\n", "|---|---|---|\n", *rows])


def row(metric: Metric) -> str:
    """Return one line of a table."""
    labels = f"{{{', '.join(metric.labels)}}}" if metric.labels else ""
    bounds = ", ".join(f"{bound:g}" for bound in metric.bounds)
    meaning = f"{metric.meaning} Buckets up to {bounds}." if metric.kind is Kind.HISTOGRAM else metric.meaning
    return f"| `{metric.name}{labels}` | {metric.kind.value} | {meaning} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
