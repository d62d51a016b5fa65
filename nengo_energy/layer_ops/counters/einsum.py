"""Einstein sums: how many products an equation takes."""

from __future__ import annotations

from typing import Any, Sequence

from ...common.exceptions import InputError
from ..calls import LayerCall, Shape


def count_products(call: LayerCall, equation: str, shapes: Sequence[Shape]) -> int:
    """Return the product of the sizes of all axes in an equation, each once.

    Parameters
    ----------
    call : LayerCall
        The call that computes it, for messages.
    equation : str
        As NumPy has it: ``"abc,cd->abd"``, ``"...x,xy->...y"``.
    shapes : sequence of Shape
        One per operand. An axis without a size counts once, as a timestep does.

    Raises
    ------
    InputError
        An axis without a size is summed over.
    """
    inputs, _, output = equation.replace(" ", "").partition("->")
    sizes: dict[Any, int] = {}
    is_open = set()
    for labels, shape in zip(inputs.split(","), shapes):
        for label, length in zip(_label_axes(labels, len(shape)), shape):
            if length is None:
                is_open.add(label)
            # an axis of size 1 is repeated to fit
            sizes[label] = max(sizes.get(label, 1), length or 1)
    summed = is_open - set(_label_axes(output, len(output) + len(sizes)))
    if summed:
        raise InputError(
            f"layer {call.where} sums over a time axis of open length in "
            f"{equation!r}, shapes {[*shapes]}; give the model's Input a fixed length"
        )
    product = 1
    for length in sizes.values():
        product *= length
    return product


def _label_axes(labels: str, n_axes: int) -> list[Any]:
    """Return one label per axis; those of an ellipsis are numbers, from its end."""
    if "..." not in labels:
        return list(labels)
    before, _, after = labels.partition("...")
    n_more = n_axes - len(before) - len(after)
    return [*before, *range(n_more, 0, -1), *after]
