"""The only package that sends HTTP: deliveries of webhooks, to addresses that were checked; it must not know jobs."""

from headrace_server.webhooks.courier import Courier

__all__ = ["Courier"]
