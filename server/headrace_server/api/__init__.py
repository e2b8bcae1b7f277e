"""The native HTTP API, /v1: the only folder that knows HTTP. It must not know Redis, nor what a job does next."""

from headrace_server.api.application import Application
from headrace_server.api.call import Limits, Services
from headrace_server.api.door import Door
from headrace_server.api.serving import Server, bind, make_server, url_of
from headrace_server.api.status import Status

__all__ = ["Application", "Door", "Limits", "Server", "Services", "Status", "bind", "make_server", "url_of"]
