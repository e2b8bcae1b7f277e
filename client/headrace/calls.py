"""Python calls as payloads and back: what `.delay()` writes, a worker reads; it must not know jobs or HTTP.

Named arguments travel by name as an object, positional ones as an array; where both are given, the signature gives the
positional ones their names. A worker reads an object as keyword arguments, an array as positional ones, and anything
else as one argument (but a payload that was left out is null, and passed to no task that can do without).
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any


def payload_of(args: Sequence[Any], kwargs: Mapping[str, Any], signature: inspect.Signature | None = None) -> Any:
    """Return the payload of a call; `signature` is None where only the task's name is known here.

    Raises TypeError for arguments that the signature does not take, and for a mixture that has no payload.
    """
    bound = None if signature is None else signature.bind(*args, **kwargs)
    if not kwargs:
        return list(args)
    if not args:
        return dict(kwargs)
    if bound is None:
        raise TypeError("positional and named arguments at once need the task's signature; give all of them by name")
    return _by_name(bound)


def arguments_of(payload: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return (args, kwargs) of the call that a payload stands for."""
    if isinstance(payload, dict) and all(isinstance(name, str) for name in payload):
        return (), dict(payload)
    if isinstance(payload, list | tuple):
        return tuple(payload), {}
    return (payload,), {}


def argument_name(payload: Any, key: str | int, signature: inspect.Signature | None) -> str:
    """Return the name, for people, of the argument at `key` of a payload."""
    if isinstance(key, str) or signature is None or not isinstance(payload, list):
        return f"argument {key!r}"
    names = list(signature.bind(*payload).arguments)
    return f"argument {names[min(key, len(names) - 1)]!r}"


def _by_name(bound: inspect.BoundArguments) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            named.update(value)
        elif kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL):
            raise TypeError(f"{name!r} cannot be given by name, so it cannot travel beside named arguments")
        else:
            named[name] = value
    return named
