"""The store under the engine: found, started and watched (embedded), or checked (any).

It runs INFO, CONFIG, PING, SHUTDOWN and an empty WAITAOF; it must not know a job, a key or HTTP.
"""

from headrace_server.store.binary import Binary, find_binary
from headrace_server.store.disk import DiskGuard, DiskState
from headrace_server.store.embedded import EmbeddedFacts, EmbeddedStore
from headrace_server.store.gate import StoreFacts, inspect_store
from headrace_server.store.redact import redact
from headrace_server.store.refusal import StoreRefused, StoreUnreachable

__all__ = [
    "Binary",
    "DiskGuard",
    "DiskState",
    "EmbeddedFacts",
    "EmbeddedStore",
    "StoreFacts",
    "StoreRefused",
    "StoreUnreachable",
    "find_binary",
    "inspect_store",
    "redact",
]
