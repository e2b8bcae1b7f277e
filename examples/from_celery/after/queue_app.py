"""The Headrace app, its settings, and what comes by itself: each worker tells the server at its start."""

from headrace import App, crontab

app = App(name="linkwatch", include=["tasks"])  # the server is HEADRACE_URL
app.conf.update(
    task_default_queue="links",
    task_routes={"tasks.send_digest": {"queue": "mail"}},
    result_expires=3600,
    beat_schedule={
        "check-all": {"task": "tasks.check_all", "schedule": 300.0, "options": {"expires": 300}},
        "digest": {"task": "tasks.send_digest", "schedule": crontab(hour=7, minute=0)},
    },
)
