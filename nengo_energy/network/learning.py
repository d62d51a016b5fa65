"""What learning rules do in every timestep, by their definitions in Nengo."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping

import nengo
import numpy as np
from nengo.connection import LearningRule
from nengo.ensemble import Neurons

from ..common.assumptions import Assumption
from ..common.defaults import DT
from ..compat.emulator import LEARN_EVERY, TRACE_EVERY
from .objects import base, has_full_weights

LEARNED_WEIGHTS = Assumption(
    "learned-weights",
    "Weights that learn are synapses whatever they are, zeros too, so that fan-out "
    "stays the same while they change: {}.",
)


@dataclass(frozen=True)
class Learning:
    """What a learning rule does in every timestep.

    Attributes
    ----------
    name : str
        ``"rule of pre -> post"``, unique in its topology.
    layer : str
        Layer that holds what changes.
    place : str
        Population that holds it: the one before decoders, the one behind all else.
    shape : tuple of int
        Of the decoders, weights or encoders that change.
    operations : Mapping of {str: int}
        Operations per timestep, by `nengo_energy.OPERATIONS`.
    rule : nengo.connection.LearningRule
        The rule, which error signals lead to.
    """

    name: str
    layer: str
    place: str
    shape: tuple[int, int]
    operations: Mapping[str, int]
    rule: Any = field(repr=False, compare=False)


def rules_of(conn: nengo.Connection) -> list[LearningRule]:
    """Return the learning rules of a connection."""
    rules = conn.learning_rule
    if rules is None:
        return []
    if isinstance(rules, dict):
        return list(rules.values())
    return list(rules) if isinstance(rules, (list, tuple)) else [rules]


def learns(conn: nengo.Connection) -> bool:
    """Tell whether a connection's own weights or decoders change."""
    return any(rule.modifies != "encoders" for rule in rules_of(conn))


def is_known(rule: LearningRule) -> bool:
    """Tell whether what a rule does is known."""
    return type(rule.learning_rule_type) in RULES


def operations_of(rule: LearningRule, shape: tuple[int, int]) -> dict[str, int]:
    """Return what a rule does in a timestep, by operation.

    Each number that changes takes an update, in which it is read, added to and written.
    What a rule reads besides, to tell how, is counted apart; so are the values that it
    keeps for itself.

    Parameters
    ----------
    rule : nengo.connection.LearningRule
        A rule that `is_known`.
    shape : tuple of int
        Of the weights or decoders that it changes, (n_post, n_pre), or of the encoders,
        (n_post, dimensions).

    References
    ----------
    The rules' equations are in the docstrings of nengo.builder.learning_rules.
    """
    found = {"learning_update": shape[0] * shape[1]}
    found.update(RULES[type(rule.learning_rule_type)](rule, shape))
    return {operation: n for operation, n in found.items() if n}


def learned_on_chip(shape: tuple[int, int], start: int, end: int) -> dict[str, int]:
    """Return what PES does from one timestep to before another, as NengoLoihi has it.

    Decoders are those of two neurons for each value, and don't change in every
    timestep, but where its number is a multiple, and neither do filtered spikes.

    Parameters
    ----------
    shape : tuple of int
        Of the decoders, (n_values, n_pre).
    start, end : int
        Timesteps that were run before, and in all.
    """
    n_values, n_pre = shape
    n_learns, n_traces = (
        end // every - start // every for every in (LEARN_EVERY, TRACE_EVERY)
    )
    return {
        "learning_update": 2 * n_values * n_pre * n_learns,
        "learning_state": n_pre * n_traces,
    }


def _pes(rule: LearningRule, shape: tuple[int, int]) -> Iterator[tuple[str, int]]:
    """``learning_rate / n_pre * error * activity``."""
    conn, kind = rule.connection, rule.learning_rule_type
    yield "learning_state", _filtered(kind.pre_synapse, shape[1])
    if isinstance(conn.post_obj, Neurons) or has_full_weights(conn):
        # the error is multiplied by the encoders of each neuron
        yield "mac", shape[0] * rule.size_in


def _rls(rule: LearningRule, shape: tuple[int, int]) -> Iterator[tuple[str, int]]:
    """As PES, but by an inverse correlation of all activities, which it keeps."""
    n_pre = base(rule.connection.pre_obj).n_neurons
    filtered = _filtered(rule.learning_rule_type.pre_synapse, n_pre)
    yield "learning_state", filtered + n_pre**2


def _bcm(rule: LearningRule, shape: tuple[int, int]) -> Iterator[tuple[str, int]]:
    """``learning_rate * post * (post - theta) * pre``."""
    kind = rule.learning_rule_type
    n_post, n_pre = shape
    threshold = _filtered(kind.theta_synapse, n_post)
    yield "learning_state", _both_filtered(kind, n_post, n_pre) + threshold


def _oja(rule: LearningRule, shape: tuple[int, int]) -> Iterator[tuple[str, int]]:
    """``learning_rate * (post * pre - beta * post**2 * weight)``."""
    n_post, n_pre = shape
    yield "learning_state", _both_filtered(rule.learning_rule_type, n_post, n_pre)
    yield "learning_read", n_post * n_pre


def _voja(rule: LearningRule, shape: tuple[int, int]) -> Iterator[tuple[str, int]]:
    """``learning_rate * post * (scale * input - encoder)``."""
    yield "learning_state", _filtered(rule.learning_rule_type.post_synapse, shape[0])
    yield "learning_read", shape[0] * shape[1]


RULES: dict[type, Callable[[LearningRule, tuple[int, int]], Any]] = {
    nengo.PES: _pes,
    nengo.BCM: _bcm,
    nengo.Oja: _oja,
    nengo.Voja: _voja,
}
"""What each rule does besides its updates."""

if hasattr(nengo, "RLS"):  # newer than the oldest Nengo that we take
    RULES[nengo.RLS] = _rls


def _both_filtered(kind: Any, n_post: int, n_pre: int) -> int:
    return _filtered(kind.pre_synapse, n_pre) + _filtered(kind.post_synapse, n_post)


def _filtered(synapse: Any, size: int) -> int:
    """Return how many values a filter keeps of the output of some neurons."""
    if synapse is None:
        return 0
    state = synapse.make_state((size,), (size,), DT, dtype=float)
    return sum(np.asarray(values).size for values in state.values())
