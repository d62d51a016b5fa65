"""What NengoLoihi builds, and why not: by the object of the network that it is of."""

from __future__ import annotations

import contextlib
import re
import traceback
from typing import Any, Iterator, Mapping

import nengo
from nengo.exceptions import BuildError, ValidationError

from ..common.exceptions import NengoEnergyError
from .loihi import import_nengo_loihi
from .loihi_image import block_owner

PARTS = (nengo.Ensemble, nengo.Node, nengo.Connection, nengo.Probe)

EXCEEDED = re.compile(
    r"(?:Output axons|Total synapse bits) \((\d+)\) exceeded .*\((\d+)\)"
)
"""What NengoLoihi says of a block that fits on a core once it is split further."""


class BuildFailure(Exception):
    """NengoLoihi doesn't build an object.

    Parameters
    ----------
    obj : nengo.Ensemble, nengo.Node, nengo.Connection or nengo.Probe
        The object.
    reason : str
        What NengoLoihi said, or the line of its code that failed.
    excess : float
        How many times as much as a core has its block needs, where a block that is
        split further would fit; else 0.
    """

    def __init__(self, obj: Any, reason: str, excess: float = 0):
        super().__init__(reason)
        self.obj, self.reason, self.excess = obj, reason, excess


@contextlib.contextmanager
def building(
    model: Any, network: nengo.Network, pieces: Mapping[Any, int]
) -> Iterator[None]:
    """Split blocks while a model is built, and name the object if that fails.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
        Empty yet.
    network : nengo.Network
        The network that is built.
    pieces : mapping of {nengo.Ensemble or nengo.Connection: int}
        Blocks into which neurons, or those that pass decoded values on, are split.

    Raises
    ------
    BuildFailure
        If NengoLoihi doesn't build an object of the network.
    """
    kinds = ("ensembles", "nodes", "connections", "probes")
    parts = {obj for kind in kinds for obj in getattr(network, f"all_{kind}")}
    in_hand: list[Any] = []
    build = model.build

    def noted(obj: Any, *args: Any, **kwargs: Any) -> Any:
        is_part = isinstance(obj, PARTS) and obj in parts
        if is_part:
            in_hand.append(obj)
        built = build(obj, *args, **kwargs)
        if is_part:
            in_hand.pop()
            if obj in pieces:
                _split(model, obj, pieces[obj])
        return built

    model.build = noted
    try:
        yield
    except (BuildError, ValidationError, AssertionError, NotImplementedError) as error:
        if isinstance(error, NengoEnergyError):
            raise
        obj = in_hand[-1] if in_hand else _owner_of_block(model, error)
        if obj is None:
            raise
        found = EXCEEDED.search(str(error))
        excess = int(found[1]) / int(found[2]) if found else 0
        raise BuildFailure(obj, _in_words(error), excess) from error
    finally:
        del model.build


def _split(model: Any, obj: Any, n_pieces: int) -> None:
    own = model.objs[obj]
    block = own["decoded"] if "decoded" in own else model.objs[obj.neurons]["out"]
    if model.block_shapes.get(block) is None:  # the user's own stays
        size = -(-block.n_neurons // n_pieces)
        shape = import_nengo_loihi().BlockShape((size,), (block.n_neurons,))
        model.block_shapes[block] = shape


def _owner_of_block(model: Any, error: BaseException) -> Any:
    """Return the object of the block that was in hand when something failed."""
    blocks = [
        value
        for frame, _ in traceback.walk_tb(error.__traceback__)
        for name, value in frame.f_locals.items()
        if name in ("block", "old_block")
    ]
    return block_owner(model, blocks[-1]) if blocks else None


def _in_words(error: BaseException) -> str:
    """Return what an error says, or where it says nothing, the line that failed."""
    if str(error):
        return str(error)
    return f"it fails at {traceback.extract_tb(error.__traceback__)[-1].line}"
