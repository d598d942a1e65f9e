"""What a training step costs, in operations: counted as torch makes them, so the same each time and on every machine.

Prices are of a processor, where small models wait for memory as long as for arithmetic: docs/gpt.md has how well they fit.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

GIGA = 1e9
ELEMENT = 64
"""Operations that writing an element of a tensor takes as long as."""
CALL = 300_000
"""Operations that calling anything takes as long as."""


class WorkCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up what is done while it is entered, in the thread that entered it, the backward pass included."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.gigaops = 0.0

    def __torch_dispatch__(
        self, func: OpOverload, types: object, args: Sequence[object] = (), kwargs: Mapping[str, object] | None = None
    ) -> object:
        given = kwargs or {}
        made = func(*args, **given)
        if not func.is_view:
            # What gives nothing back changes what it was given: an optimizer's step over lists of tensors, above all.
            elements = _elements([made]) or _elements(args)
            products = flop_registry.get(func.overloadpacket)
            arithmetic = products(*args, **given, out_val=made) if products else 0
            self.gigaops += (arithmetic + ELEMENT * elements + CALL) / GIGA
        return made

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to say yes imports the compiler, which takes most of a second


class CounterBesideCompiler(WorkCounter):  # type: ignore[no-untyped-call]
    """One that torch's compiler does not compile as well."""

    __torch_dispatch__ = WorkCounter.__torch_dispatch__

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return True


def work_counter() -> WorkCounter:
    """A counter that fits what is loaded."""
    return CounterBesideCompiler() if "torch._dynamo" in sys.modules else WorkCounter()


def _elements(values: Iterable[object]) -> int:
    total = 0
    for value in values:
        if isinstance(value, Tensor):
            total += value.numel()
        elif isinstance(value, list | tuple):
            total += _elements(value)
    return total
