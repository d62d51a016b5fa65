"""Paths through a network: weights, filters and layers from a source to an object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from .linear_maps import LinearMap


@dataclass(frozen=True)
class Stage:
    """What one connection adds to a path: the layer it leads to, and how it weighs."""

    layer: str
    rank: int  # see fanout.weight_rank


@dataclass(frozen=True)
class Path:
    """The sum of all paths with the same filters from a source to an object.

    They begin with what a function makes of the source, if that is a node with one.
    Where encoders make currents of what arrives, ``values`` are weights before them.
    They are ``decoded`` where decoders of neurons are the first of the weights.
    """

    source: Any
    weights: LinearMap
    filters: tuple[Any, ...]
    stages: tuple[Stage, ...]
    function: Any = None
    values: LinearMap | None = None
    decoded: bool = False

    @property
    def layer(self) -> str:
        """Layer that holds the weights: the last of the stages that weigh most."""
        top = max(stage.rank for stage in self.stages)
        return [stage.layer for stage in self.stages if stage.rank == top][-1]


def group_paths(paths: Sequence[Path]) -> list[list[Path]]:
    """Group paths that have the source, its function and the filters in common."""
    groups: dict[Any, list[Path]] = {}
    for path in paths:
        key = (path.source, path.function, path.filters)
        groups.setdefault(key, []).append(path)
    return list(groups.values())


def join_stages(paths: Sequence[Path]) -> tuple[Stage, ...]:
    """Return the stages of some paths, each once: paths through a ladder share many."""
    return tuple(dict.fromkeys(stage for path in paths for stage in path.stages))
