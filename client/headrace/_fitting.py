"""What makes a value of a type out of its plain form, found once for each annotation; pure."""

import functools
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, MutableSequence, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin, is_typeddict
from uuid import UUID

Convert: TypeAlias = Callable[[Any], Any]


class Misfit(TypeError):
    """A value that stands for nothing of the type that an annotation asks for; `path` leads to it."""

    def __init__(self, why: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(why, path)
        self.why = why
        self.path = path

    def __str__(self) -> str:
        head, *rest = self.path or ("value",)
        return f"{head}{''.join(f'[{part!r}]' for part in rest)}: {self.why}"

    def under(self, step: str | int) -> "Misfit":
        """Return the same, seen from one level above."""
        return Misfit(self.why, (step, *self.path))


def converter(annotation: Any) -> Convert | None:
    """Return what fits values to an annotation, or None where every value stays as it is."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return converter(args[0])
    if origin in (Union, UnionType):
        return _union(args)
    if isinstance(origin, type):
        return _generic(origin, args)
    if isinstance(annotation, type):
        return _of_class(annotation)
    alias = getattr(origin or annotation, "__value__", None) or getattr(annotation, "__supertype__", None)
    return None if alias is None else converter(alias)  # `type Name = ...`, NewType


def _of_class(cls: type[Any]) -> Convert | None:
    if cls in _FROM_TEXT:
        return functools.partial(_from_text, cls)
    if issubclass(cls, Enum):
        return functools.partial(_enum, cls)
    if callable(getattr(cls, "model_validate", None)):  # pydantic
        return functools.partial(_pydantic, cls)
    if is_dataclass(cls):
        return functools.partial(_dataclass, cls)
    if is_typeddict(cls):
        return functools.partial(_typed_dict, cls)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return functools.partial(_named_tuple, cls)
    return functools.partial(_gathered, cls, None) if cls in _GATHERED else None


def _generic(origin: type[Any], args: tuple[Any, ...]) -> Convert | None:
    if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
        return functools.partial(_tuple, tuple(converter(each) for each in args))
    if issubclass(origin, Mapping):
        return _maybe_mapping(*args) if len(args) == 2 else None
    if origin in _GATHERED:
        return functools.partial(_gathered, origin, converter(args[0]))
    if origin in _LISTS:
        item = converter(args[0])
        return None if item is None else functools.partial(_gathered, origin, item)
    return _of_class(origin)


# What a plain list becomes.
_GATHERED: Final[Mapping[Any, Callable[[Any], Any]]] = {
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    AbstractSet: set,
}
_LISTS: Final = frozenset({list, Sequence, MutableSequence, Collection, Iterable})


def _gathered(origin: Any, item: Convert | None, value: Any) -> Any:
    if not isinstance(value, list | tuple | set | frozenset):
        return value
    items = value if item is None else _each(item, value)
    try:
        return _GATHERED.get(origin, list)(items)
    except TypeError as error:  # a set of lists
        raise Misfit(str(error)) from None


def _each(item: Convert, values: Iterable[Any]) -> list[Any]:
    return [_at(index, item, value) for index, value in enumerate(values)]


def _at(step: str | int, convert: Convert | None, value: Any) -> Any:
    if convert is None:
        return value
    try:
        return convert(value)
    except Misfit as error:
        raise error.under(step) from None


def _tuple(items: tuple[Convert | None, ...], value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return value
    if len(value) != len(items):
        raise Misfit(f"{len(items)} items expected, not {len(value)}")
    return tuple(_at(index, item, value[index]) for index, item in enumerate(items))


def _named_tuple(cls: Any, value: Any) -> Any:
    if isinstance(value, cls) or not isinstance(value, list | tuple):
        return value
    converters = _converters(cls)
    fitting = [_at(name, converters.get(name), each) for name, each in zip(cls._fields, value, strict=False)]
    try:
        return cls(*fitting, *value[len(fitting) :])
    except TypeError as error:
        raise Misfit(f"no {cls.__name__}: {error}") from None


def _maybe_mapping(key: Any, item: Any) -> Convert | None:
    to_key, to_item = _of_key(key), converter(item)
    return None if to_key is to_item is None else functools.partial(_mapping, to_key, to_item)


def _mapping(to_key: Convert | None, to_item: Convert | None, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {_at(str(key), to_key, key): _at(str(key), to_item, each) for key, each in value.items()}


def _of_key(annotation: Any) -> Convert | None:
    """Return what makes a key of its text: JSON has no other keys, so numbers are texts, too."""
    return functools.partial(_number, annotation) if annotation in (int, float) else converter(annotation)


def _number(kind: Any, value: Any) -> Any:
    try:
        return kind(value) if isinstance(value, str) else value
    except ValueError as error:
        raise Misfit(str(error)) from None


def _union(arms: tuple[Any, ...]) -> Convert | None:
    some = [arm for arm in arms if arm is not NoneType]
    converters = [(arm, convert) for arm in some if (convert := converter(arm)) is not None]
    return functools.partial(_any_of, arms, converters, len(converters) == len(some)) if converters else None


def _any_of(arms: tuple[Any, ...], converters: Sequence[tuple[Any, Convert]], all_made: bool, value: Any) -> Any:
    """Return the value as it is where an arm asks for that, else as the first arm that makes something of it.

    `all_made`: no arm takes values as they are, so that what no arm can be made of is a Misfit.
    """
    if any(_is_plain(value, arm) for arm in arms):
        return value
    misfits = []
    for _, convert in sorted(converters, key=lambda pair: not _has_fields(value, pair[0])):
        try:
            made = convert(value)
        except Misfit as error:
            misfits.append(error)
        else:
            if made is not value:
                return made
    if all_made and len(misfits) == len(converters):
        raise misfits[0]
    return value


def _is_plain(value: Any, arm: Any) -> bool:
    return type(value) is arm


def _has_fields(value: Any, arm: Any) -> bool:
    return isinstance(value, dict) and is_dataclass(arm) and value.keys() <= {f.name for f in fields(arm)}


_FROM_TEXT: Final[Mapping[Any, Callable[[Any], Any]]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    UUID: UUID,
    Decimal: lambda number: Decimal(str(number)),  # a float as it was written, not as it is stored
    timedelta: lambda seconds: timedelta(seconds=seconds),
}
_PLAIN_OF: Final[Mapping[Any, tuple[type, ...]]] = {Decimal: (str, int, float), timedelta: (int, float)}


def _from_text(kind: Any, value: Any) -> Any:
    if not isinstance(value, _PLAIN_OF.get(kind, (str,))):
        return value
    try:
        return _FROM_TEXT[kind](value)
    except (ValueError, ArithmeticError) as error:
        raise Misfit(f"{value!r} is no {kind.__name__} ({error})") from None


def _enum(cls: type[Enum], value: Any) -> Any:
    if isinstance(value, cls):
        return value
    try:
        return cls(value)
    except ValueError as error:
        raise Misfit(str(error)) from None


def _pydantic(cls: Any, value: Any) -> Any:
    if isinstance(value, cls):
        return value
    try:
        return cls.model_validate(value)
    except ValueError as error:  # pydantic's own
        raise Misfit(str(error)) from None


def _dataclass(cls: Any, value: Any) -> Any:
    """Make a dataclass of a dict; fields that it does not know are left out: a newer sender may have more."""
    if not isinstance(value, dict):
        return value
    converters = _converters(cls)
    wanted = [f for f in fields(cls) if f.init]
    missing = [f.name for f in wanted if f.default is f.default_factory is MISSING and f.name not in value]
    if missing:
        raise Misfit(f"no {cls.__name__}: {', '.join(missing)} missing")
    given = {f.name: _at(f.name, converters.get(f.name), value[f.name]) for f in wanted if f.name in value}
    try:
        return cls(**given)
    except (TypeError, ValueError) as error:  # of __post_init__
        raise Misfit(f"no {cls.__name__}: {error}") from None


def _typed_dict(cls: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    converters = _converters(cls)
    return {name: _at(str(name), converters.get(name), each) for name, each in value.items()}


@functools.lru_cache(maxsize=4096)
def _converters(cls: Any) -> dict[str, Convert | None]:
    """Return the converters of a class's fields: none where an annotation cannot be looked up.

    Found when they are first needed, and not before: a field may be of its own class.
    """
    try:
        hints = typing.get_type_hints(cls)
    except Exception:  # noqa: BLE001 - whatever evaluating a text may raise
        hints = dict.fromkeys(getattr(cls, "__annotations__", {}), Any)
    return {name: converter(hint) for name, hint in hints.items()}
