"""The behaviour, and each annotation held against the values that come and go."""

import collections.abc
import types
import typing

import geometry
from geometry import Track, box, inside, middle


def fits(value, hint):
    """Whether a value is of a type, as deep as the type says."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is tuple and inner and inner[-1] is not ...:
        return isinstance(value, tuple) and len(value) == len(inner) and all(map(fits, value, inner))
    if origin in (list, tuple) or (isinstance(origin, type) and issubclass(origin, collections.abc.Iterable)):
        return isinstance(value, origin) and all(fits(one, inner[0]) for one in value)
    return isinstance(value, (int, float) if hint is float else hint)


def called(function, *values):
    """The result, once its arguments and itself fit what the function says of them; without a word anything fits."""
    told = typing.get_type_hints(function, vars(geometry))
    names = [name for name in function.__code__.co_varnames[: function.__code__.co_argcount] if name != "self"]
    result = function(*values)
    given = [value for value in values if not isinstance(value, Track)]
    for name, value in [*zip(names, given), ("return", result)]:
        assert name not in told or fits(value, told[name]), f"{function.__qualname__}: {name} is not {told[name]}"
    return result


assert called(middle, [(0, 0), (2, 4)]) == (1, 2)
assert called(box, [(0, 5), (2, 1)]) == ((0, 1), (2, 5))
assert called(inside, (1, 2), ((0, 1), (2, 5))) and not called(inside, (3, 2), ((0, 1), (2, 5)))
track = Track([(0, 0), (3, 4)])
called(Track.__init__, track, [(0, 0), (3, 4)])
assert called(Track.length, track) == 5
