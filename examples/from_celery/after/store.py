"""What linkwatch remembers: links, and the status that each had last (0: not looked at yet)."""

import os
import sqlite3

SCHEMA = "CREATE TABLE IF NOT EXISTS links (url TEXT PRIMARY KEY, status INT NOT NULL DEFAULT 0)"


def add(url):
    """Watch a link."""
    _change("INSERT OR IGNORE INTO links (url) VALUES (?)", url)


def remember(url, status):
    """Keep what a link answered."""
    _change("UPDATE links SET status = ? WHERE url = ?", status, url)


def links():
    """Return the status of all links by their addresses."""
    connection = _connect()
    try:
        return dict(connection.execute("SELECT url, status FROM links ORDER BY url"))
    finally:
        connection.close()


def _change(statement, *values):
    connection = _connect()
    try:
        with connection:
            connection.execute(statement, values)
    finally:
        connection.close()


def _connect():
    connection = sqlite3.connect(os.environ.get("LINKWATCH_DB", "linkwatch.sqlite3"))
    connection.execute(SCHEMA)
    return connection
