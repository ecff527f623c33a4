"""A call of the service as a method of both clients, declared once."""

import inspect
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast, get_args, overload

from sarhad._calls import Call

if TYPE_CHECKING:
    from sarhad._async_client import AsyncClient
    from sarhad._client import Client

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Method(Protocol[P, T_co]):
    """What such a method is to a type checker: `Client` has the answer, `AsyncClient` awaits it."""

    @overload
    def __get__(self, client: "Client", owner: "type[Client]") -> Callable[P, T_co]: ...

    @overload
    def __get__(self, client: "AsyncClient", owner: "type[AsyncClient]") -> Callable[P, Coroutine[Any, Any, T_co]]: ...


def sends(build: Callable[P, Call[T]]) -> Method[P, T]:
    """A method that performs the call which `build` describes; its parameters and its words are those of `build`."""

    def method(client: Any, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        return client.perform(build(*args, **kwargs))

    described = inspect.signature(build)
    client = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    method.__signature__ = described.replace(  # type: ignore[attr-defined]
        parameters=[client, *described.parameters.values()], return_annotation=get_args(described.return_annotation)[0]
    )
    method.__name__, method.__doc__ = build.__name__, build.__doc__
    method.__qualname__, method.__module__ = f"Methods.{build.__name__}", build.__module__
    return cast("Method[P, T]", method)
