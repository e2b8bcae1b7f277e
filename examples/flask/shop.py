"""A shop in Flask: the page answers at once, a task does the work in the application's context."""

import sqlite3
from typing import Any

from flask import Flask, current_app, g, jsonify, request
from headrace.contrib.flask import Headrace

queue = Headrace()

SCHEMA = "CREATE TABLE IF NOT EXISTS orders (email TEXT, cents INT, state TEXT DEFAULT 'new')"


def create_app(**config: Any) -> Flask:
    """Make the application; everything that is named in `config` wins over the environment (SHOP_...)."""
    app = Flask(__name__)
    app.config.from_mapping(DATABASE="shop.sqlite3", HEADRACE={"TASK_DEFAULT_QUEUE": "shop"})
    app.config.from_prefixed_env("SHOP")
    app.config.from_mapping(config)
    app.teardown_appcontext(close_db)
    queue.init_app(app)
    app.add_url_rule("/orders", view_func=create, methods=["POST"])
    app.add_url_rule("/orders/<int:number>", view_func=show)
    return app


def db() -> sqlite3.Connection:
    """Return the connection of this request or this task: both have a context of the application."""
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"])
        g.db.execute(SCHEMA)
    found: sqlite3.Connection = g.db
    return found


def close_db(_: BaseException | None) -> None:
    """Close the connection at the end of a request or a task."""
    if "db" in g:
        g.pop("db").close()


@queue.task(name="shop.charge", max_retries=5, retry_backoff=True)
def charge(number: int) -> str:
    """Charge an order; running twice is no harm."""
    with db() as connection:
        connection.execute("UPDATE orders SET state = 'charged' WHERE rowid = ?", [number])
    return "charged"


def create() -> tuple[Any, int]:
    """Take an order; its job is sent after the commit, so the worker finds it."""
    with db() as connection:
        row = [request.form["email"], int(request.form["cents"])]
        number = connection.execute("INSERT INTO orders (email, cents) VALUES (?, ?)", row).lastrowid
    assert number is not None
    handle = charge.delay(number)
    return jsonify(number=number, job=handle.id), 202


def show(number: int) -> Any:
    """Tell how far an order is."""
    email, state = db().execute("SELECT email, state FROM orders WHERE rowid = ?", [number]).fetchone()
    return jsonify(number=number, email=email, state=state)
