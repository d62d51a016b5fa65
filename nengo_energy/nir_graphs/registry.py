"""Which function builds which primitive of NIR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from ..common.exceptions import UnsupportedError
from .graph import GraphNode

if TYPE_CHECKING:
    from .building import Build, Part

Builder = Callable[["Build"], "Part"]
"""Takes what is known of a node, makes Nengo objects, returns how to reach them."""

_BUILDERS: dict[str, Builder] = {}


def builds(*kinds: str) -> Callable[[Builder], Builder]:
    """Register the function below as that which builds some primitives."""

    def register(builder: Builder) -> Builder:
        _BUILDERS.update({kind: builder for kind in kinds})
        return builder

    return register


def builder_of(node: GraphNode) -> Builder:
    """Return the function that builds a node.

    Raises
    ------
    UnsupportedError
        Its primitive isn't known.
    """
    if node.kind not in _BUILDERS:
        known = ", ".join(sorted(_BUILDERS.keys() - {"Relay"}))
        raise UnsupportedError(
            f"{node} is of a type that isn't known; known: {known}. Express it by "
            "these in the framework that wrote the graph"
        )
    return _BUILDERS[node.kind]
