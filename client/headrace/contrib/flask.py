"""Headrace in a Flask application: an extension whose tasks run in the application's context.

    queue = Headrace()

    @queue.task(queue="mail")
    def send_receipt(order_id: int) -> None:
        current_app.logger.info("receipt for %s", order_id)

    def create_app() -> Flask:
        app = Flask(__name__)
        queue.init_app(app)  # reads HEADRACE_URL, HEADRACE_TOKEN and the other HEADRACE_... of app.config
        return app

A worker needs a module that makes the application: `make_worker.py` with `from shop import create_app, queue` and
`create_app()`; then `headrace worker make_worker:queue`.
"""

from collections.abc import Generator
from typing import Any

from flask import Flask

from headrace.app import App
from headrace.context import Request
from headrace.contrib.settings import read


class Headrace(App):
    """An `App` that belongs to a Flask application: `Headrace(flask_app)`, or `init_app` where that is made later.

    All else that `App` takes may be given by name; what the application's config says wins. In the application it is
    `current_app.extensions["headrace"]`.
    """

    def __init__(self, flask_app: Flask | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self._flask_app: Flask | None = None
        self.middleware(self._in_context)
        if flask_app is not None:
            self.init_app(flask_app)

    def init_app(self, flask_app: Flask) -> None:
        """Take over the settings of the application, and run the tasks in its context from now on.

        Raises WrongSettings, and what `conf.update` raises for unknown names.
        """
        self.conf.update(read(flask_app.config))
        self._flask_app = flask_app
        flask_app.extensions["headrace"] = self

    def _in_context(self, _: Request) -> Generator[None, Any, None]:
        if self._flask_app is None:
            raise RuntimeError("no Flask application: the worker's module has to call create_app(), or init_app(app)")
        with self._flask_app.app_context():
            yield
