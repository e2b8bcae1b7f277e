"""Plain values into what annotations ask for, so that other languages need no tags; it must not know how they travel.

`fitted("2026-11-01T12:00:00Z", datetime)` is a datetime, `fitted({"x": 1}, Point)` a Point. Only what has another plain
form is made: a value of another type than its annotation is left alone, as a plain call would leave it.
"""

import inspect
import math
import typing
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final, get_args

from headrace._fitting import Misfit, converter
from headrace.models import Raw

__all__ = ["Misfit", "Shape", "fitted", "shape_of"]

_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIABLE: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_RETURN: Final = "return"  # a word that no parameter can have


def fitted(value: Any, annotation: Any) -> Any:
    """Return `value` as its annotation asks for. Raises Misfit (a TypeError) that names the place where it cannot."""
    convert = converter(annotation)
    return value if convert is None else convert(value)


class Shape:
    """What the annotations of a function say about its arguments and its answer; made by `shape_of`."""

    def __init__(self, signature: inspect.Signature | None, hints: Mapping[str, Any]) -> None:
        self.signature = signature  # None: a callable that does not tell
        raw = {name for name, hint in hints.items() if Raw in (hint, *get_args(hint))}
        self.returns_raw = _RETURN in raw  # bytes of any type, as they came
        self.takes_raw = bool(raw - {_RETURN})  # likewise, as one of the arguments
        self._fits = {name: fit for name, hint in hints.items() if (fit := converter(hint)) is not None}
        parameters = [] if signature is None else list(signature.parameters.values())
        self._positional = [each.name for each in parameters if each.kind in _POSITIONAL]
        self._more = {each.kind: each.name for each in parameters if each.kind in _VARIABLE}
        needed = {each.name for each in parameters if each.default is each.empty and each.kind not in _VARIABLE}
        self._fewest = len(needed) if needed <= set(self._positional) else math.inf
        self._most = math.inf if inspect.Parameter.VAR_POSITIONAL in self._more else len(self._positional)

    def misfit(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> TypeError | None:
        """Return why a call is none for the function; None for one that is, and where the callable does not tell."""
        if self.signature is None or (not kwargs and self._fewest <= len(args) <= self._most):
            return None  # counting is enough where all go by their place, and takes a twentieth of a `bind`
        try:
            self.signature.bind(*args, **kwargs)
        except TypeError as error:
            return error
        return None

    def fit_arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of a call as the parameters ask for; those without a parameter stay as they are.

        Raises Misfit.
        """
        if not self._fits:
            return tuple(args), dict(kwargs)
        rest = [self._more.get(inspect.Parameter.VAR_POSITIONAL, "")] * len(args)
        names = [*self._positional, *rest][: len(args)]
        fitted_args = tuple(self._fit(name, value) for name, value in zip(names, args, strict=True))
        return fitted_args, {name: self._fit(self._parameter(name), value) for name, value in kwargs.items()}

    def fit_result(self, value: Any) -> Any:
        """Return an answer as the function's return annotation asks for. Raises Misfit."""
        return self._fit(_RETURN, value)

    def _parameter(self, name: str) -> str:
        if self.signature is not None and name in self.signature.parameters:
            return name
        return self._more.get(inspect.Parameter.VAR_KEYWORD, "")

    def _fit(self, name: str, value: Any) -> Any:
        fit = self._fits.get(name)
        if fit is None:
            return value
        try:
            return fit(value)
        except Misfit as error:
            raise error.under("the result" if name == _RETURN else f"argument {name!r}") from None


def shape_of(function: Callable[..., Any], *, bound: bool = False) -> Shape:
    """Return the shape of a function; `bound`: its first parameter is given by the worker (`bind=True`).

    An annotation that cannot be looked up (imported for type checkers alone, or local to a function) counts as none.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return Shape(None, {})
    if bound:
        signature = signature.replace(parameters=list(signature.parameters.values())[1:])
    return Shape(signature, _hints_of(function, signature))


def _hints_of(function: Callable[..., Any], signature: inspect.Signature) -> dict[str, Any]:
    written = {each.name: each.annotation for each in signature.parameters.values()}
    written[_RETURN] = signature.return_annotation
    module = getattr(inspect.unwrap(function), "__globals__", {})
    return {name: _looked_up(hint, module) for name, hint in written.items() if hint is not inspect.Signature.empty}


def _looked_up(hint: Any, module: dict[str, Any]) -> Any:
    holder = SimpleNamespace(__annotations__={"hint": hint})  # one by one: a hint that is unknown spoils no other
    try:
        return typing.get_type_hints(holder, module)["hint"]
    except Exception:  # noqa: BLE001 - whatever evaluating a text may raise
        return Any
