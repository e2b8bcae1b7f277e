"""The Headrace app and its settings."""

from headrace import App

app = App(include=["tasks"])  # the server is HEADRACE_URL
app.conf.update(
    task_default_queue="links",
    task_routes={"tasks.send_digest": {"queue": "mail"}},
    result_expires=3600,
)
