"""Count the operations of a conventional Keras model, layer by layer."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, Sequence

from ..common.assumptions import Assumption, merge_assumptions
from ..common.checks import check_choice, check_count
from ..common.exceptions import UnsupportedError
from ..keras_models.files import as_model
from .calls import LayerCall, LayerUse, is_recurrent, size, walk_layers
from .counters import (
    Operations,
    UncountedClassError,
    count_call,
)
from .layer_ops import LayerCount, LayerOps, UncountedLayer

ONE_TIMESTEP = Assumption(
    "one-timestep",
    "Where the model has a time axis, the conventional network is counted for one "
    "timestep; sequence_length says how many an inference takes.",
)


def count_layer_ops(
    model: Any, on_unsupported: str = "error", *, sequence_length: int | None = None
) -> LayerOps:
    """Count the operations of a conventional Keras model, layer by layer.

    A leading axis without a size, the axis that ``TimeDistributed`` and recurrent
    layers run along, and the first axis of KerasSpiking's layers are time; each row
    has the operations of one timestep. In a model with a recurrent layer whose time
    axis has a length, and in any model with ``sequence_length``, the rows of layers
    along such axes say how many timesteps one inference takes. Dropout and the like do
    nothing at inference.

    Parameters
    ----------
    model : keras.Model, str or os.PathLike
        A functional or Sequential model of Keras 2 or Keras 3, built, or the path of a
        file that holds one; see `nengo_energy.load_model`. Nested models are opened.
    on_unsupported : str
        What to do with a layer that can't be counted: ``"error"``, or ``"warn"`` to
        list it in ``LayerOps.unsupported``.
    sequence_length : int, optional
        Timesteps of an inference along time axes without a length. One inference takes
        the whole sequence then, also in models without a recurrent layer.

    Returns
    -------
    LayerOps
        The counts, for one sample.

    Raises
    ------
    UnsupportedError
        A layer's class has no counter, a shared layer runs along time axes of
        different lengths, or the model is written as a subclass.
    InputError
        The model isn't a Keras model, isn't built, or has axes without a size; or
        ``sequence_length`` isn't a number of timesteps.

    Examples
    --------
    >>> model = tf_keras.Sequential([tf_keras.layers.Dense(10, input_shape=(4,))])
    >>> count_layer_ops(model).layers[0].connections
    40
    """
    check_choice("on_unsupported", on_unsupported, ("error", "warn"))
    if sequence_length is not None:
        check_count("sequence_length", sequence_length)
    ops = collect_layer_ops(as_model(model), sequence_length)
    complain_of_unsupported(ops, on_unsupported)
    return ops


def collect_layer_ops(model: Any, sequence_length: int | None = None) -> LayerOps:
    """Count the layers that can be, and list the others; see `count_layer_ops`."""
    uses = [_with_length(use, sequence_length) for use in walk_layers(model)]
    has_sequences = sequence_length is not None or any(map(_runs_a_sequence, uses))
    counted: list[LayerCount] = []
    unsupported: list[UncountedLayer] = []
    assumptions: list[Assumption] = []
    lengths: dict[str, int] = {}
    seen: set[int] = set()
    for use in uses:
        params = 0 if id(use.layer) in seen else n_params(use.layer)
        seen.add(id(use.layer))
        try:
            n_steps = _n_steps(use) if has_sequences else 1
            operations = [count_call(call) for call in use.calls]
        except UnsupportedError as error:
            unsupported.append(_uncounted(use, params, error))
            continue
        counted.append(_counted(use, params, operations, n_steps))
        assumptions.extend(a for ops in operations for a in ops.assumptions)
        if has_sequences and _has_length(use) and any(map(_computes, operations)):
            lengths[use.name] = n_steps
        if any(_is_stepwise(call, has_sequences) for call in use.calls):
            assumptions.append(ONE_TIMESTEP)

    if lengths:
        assumptions.append(_whole_sequence(lengths))
    return LayerOps(
        layers=tuple(counted),
        unsupported=tuple(unsupported),
        assumptions=merge_assumptions(assumptions),
    )


def complain_of_unsupported(ops: LayerOps, on_unsupported: str) -> None:
    """Raise an UnsupportedError or warn, where layers couldn't be counted."""
    if ops.unsupported:
        message = _complaint(ops.unsupported)
        if on_unsupported == "error":
            raise UnsupportedError(message)
        warnings.warn(message, stacklevel=3)


def n_params(layer: Any) -> int:
    """Return the number of parameters; an operation that is no layer has none."""
    return int(layer.count_params()) if hasattr(layer, "count_params") else 0


def _with_length(use: LayerUse, length: int | None) -> LayerUse:
    """Return a layer whose open time axes have a length, if there is one."""
    if length is None:
        return use
    calls = tuple(
        replace(
            call,
            time_lengths=tuple(length if n is None else n for n in call.time_lengths),
        )
        for call in use.calls
    )
    return replace(use, calls=calls)


def _runs_a_sequence(use: LayerUse) -> bool:
    """Whether a layer is recurrent along a time axis of known length."""
    return any(
        is_recurrent(call.layer) and call.time_lengths[-1] is not None
        for call in use.calls
    )


def _has_length(use: LayerUse) -> bool:
    """Whether a layer runs along a time axis of known length."""
    return any(n is not None for call in use.calls for n in call.time_lengths)


def _computes(operations: Operations) -> bool:
    """Whether a call does anything that is counted."""
    return bool(
        operations.connections or operations.activations or operations.additions
    )


def _is_stepwise(call: LayerCall, has_sequences: bool) -> bool:
    """Whether one timestep is counted of a call, in place of all."""
    return call.has_time and not (has_sequences and None not in call.time_lengths)


def _n_steps(use: LayerUse) -> int:
    """Return the number of timesteps that one inference takes of a layer."""
    numbers = sorted({call.n_steps for call in use.calls})
    if len(numbers) > 1:
        raise UnsupportedError(
            f"it is called on sequences of different lengths: {numbers} timesteps"
        )
    return numbers[0]


def _whole_sequence(lengths: dict[str, int]) -> Assumption:
    """Return the assumption that names layers and their numbers of timesteps."""
    listed = ", ".join(f"{name} {n_steps}" for name, n_steps in lengths.items())
    return Assumption(
        "whole-sequence",
        "One inference of the conventional network takes the whole sequence; "
        f"timesteps: {listed}.",
    )


def _counted(
    use: LayerUse, params: int, operations: list[Operations], n_steps: int
) -> LayerCount:
    """Return the row of a layer."""
    pairs = list(zip(use.calls, operations))
    return LayerCount(
        layer=use.name,
        class_name=type(use.layer).__name__,
        output_shape=use.output_shape,
        params=params,
        calls=tuple(operations),
        n_steps=n_steps,
        weights=sum(n_params(call.layer) for call, ops in pairs if ops.n_kernels),
        values=sum(_n_values(call, ops) for call, ops in pairs),
        n_starts=n_steps if any(is_recurrent(call.layer) for call in use.calls) else 1,
    )


def _n_values(call: LayerCall, ops: Operations) -> int:
    """Return the numbers that the kernels of a call read and write.

    Inputs and outputs; where a nonlinearity follows sums, its inputs and outputs too.
    """
    if not ops.n_kernels:
        return 0
    moved = sum(size(shape) for shape in (*call.input_shapes, *call.output_shapes))
    follows = bool(ops.connections or ops.additions)
    return moved + 2 * ops.activations * follows


def _uncounted(use: LayerUse, params: int, error: UnsupportedError) -> UncountedLayer:
    """Return the row of a layer that can't be counted."""
    return UncountedLayer(
        layer=use.name,
        class_name=type(use.calls[0].layer).__name__,
        output_shape=use.output_shape,
        params=params,
        reason=str(error),
        remedy=error.remedy if isinstance(error, UncountedClassError) else "",
    )


def _complaint(unsupported: Sequence[UncountedLayer]) -> str:
    """Return a message that names the layers, and says what can be done."""
    names_of: dict[tuple[str, str], list[str]] = {}
    for row in unsupported:
        names_of.setdefault((row.class_name, row.reason), []).append(row.layer)
    groups = "; ".join(
        f"{_some(names)} ({class_name}): {reason}"
        for (class_name, reason), names in names_of.items()
    )
    calls = ", ".join(dict.fromkeys(row.remedy for row in unsupported if row.remedy))
    say_how = f"say how with nengo_energy.layer_ops: {calls}, or " if calls else ""
    return (
        f"layers that can't be counted: {groups}; {say_how}leave them out with "
        "on_unsupported='warn'"
    )


def _some(names: Sequence[str]) -> str:
    """Return names for a message, of many only the first three."""
    shown = ", ".join(map(repr, names[:3]))
    n_more = len(names) - 3
    return f"{shown} and {n_more} more" if n_more > 0 else shown
