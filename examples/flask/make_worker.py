"""The application as a worker loads it: `headrace worker make_worker:queue`."""

from shop import create_app, queue

create_app()

__all__ = ["queue"]
