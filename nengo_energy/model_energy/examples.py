"""Example data as users have it -> batches of arrays that fit a model's inputs."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from ..common.exceptions import InputError


def example_batches(
    data: Any, inputs: Sequence[Any], batch_size: int
) -> Iterator[list[np.ndarray]]:
    """Yield example data in batches, one array per input of the model.

    Parameters
    ----------
    data : array_like, list or mapping of array_like, or iterable of batches
        What ``model.predict`` takes: one array, a list in the order of the model's
        inputs, a mapping by name of the input, or batches of one of these, as a
        ``tf.data.Dataset``, a ``Sequence`` or a generator gives them; of a batch that
        is a tuple the first part is taken. A trailing axis of length one may be
        missing or too many.
    inputs : sequence of KerasTensor
        Inputs of the model.
    batch_size : int
        Samples in a batch, for arrays.

    Yields
    ------
    list of ndarray
        (batch, ...) each, of the type that the input has.

    Raises
    ------
    InputError
        If data doesn't fit the inputs, is empty, or isn't finite.
    """
    n_samples = 0
    for batch in _batches(data, inputs):
        arrays = [_fit(value, tensor) for value, tensor in zip(batch, inputs)]
        lengths = {len(array) for array in arrays}
        if len(lengths) > 1:
            raise InputError(
                "example_data must have as many samples for each input of the model; "
                f"got {', '.join(str(len(array)) for array in arrays)}"
            )
        for start in range(0, len(arrays[0]), batch_size):
            yield [array[start : start + batch_size] for array in arrays]
        n_samples += len(arrays[0])
    if not n_samples:
        raise InputError("example_data is empty; it needs at least one sample")


def _batches(data: Any, inputs: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield lists of one value per input; arrays are one batch, to be split later."""
    if not _is_iterable_of_batches(data):
        yield _by_input(data, inputs)
    elif hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        # Keras's Sequence; iterating one by the old protocol wouldn't end
        for index in range(len(data)):
            yield _by_input(_without_labels(data[index]), inputs)
    else:
        for batch in data:
            yield _by_input(_without_labels(batch), inputs)


def _is_iterable_of_batches(data: Any) -> bool:
    if isinstance(data, (np.ndarray, list, tuple, Mapping)) or hasattr(data, "shape"):
        return False
    if hasattr(data, "__array__"):  # a DataFrame, for example
        return False
    return hasattr(data, "__iter__") or hasattr(data, "__getitem__")


def _without_labels(batch: Any) -> Any:
    return batch[0] if isinstance(batch, tuple) else batch


def _by_input(data: Any, inputs: Sequence[Any]) -> Sequence[Any]:
    names = [_name(tensor) for tensor in inputs]
    if isinstance(data, Mapping):
        missing = [name for name in names if name not in data]
        if missing:
            raise InputError(
                f"example_data lacks the model's inputs {', '.join(missing)}; "
                f"it has {', '.join(map(str, data)) or 'none'}"
            )
        return [data[name] for name in names]
    if len(inputs) == 1:
        # a list of one array, but not a list of the samples of one input
        listed = isinstance(data, (list, tuple)) and len(data) == 1
        return list(data) if listed and _has_rank(data[0], inputs[0]) else [data]
    if not isinstance(data, (list, tuple)) or len(data) != len(inputs):
        found = f"{len(data)}" if isinstance(data, (list, tuple)) else "one"
        raise InputError(
            f"the model has {len(inputs)} inputs ({', '.join(names)}), and "
            f"example_data has {found}; give a list of as many arrays, or a mapping "
            "by name"
        )
    return list(data)


def _has_rank(value: Any, tensor: Any) -> bool:
    """Whether a value has all axes of an input, the batch axis among them."""
    return bool(np.ndim(value) >= len(tensor.shape))


def _fit(value: Any, tensor: Any) -> np.ndarray:
    """Return the values of one input in its shape and type."""
    name = _name(tensor)
    dtype = np.dtype(getattr(tensor.dtype, "name", tensor.dtype))
    try:
        array = np.asarray(value)
        if dtype.kind != "O" and array.dtype.kind not in "OUS":
            array = array.astype(dtype)
        elif dtype.kind in "biuf":
            raise TypeError(f"holds {array.dtype}")
    except (TypeError, ValueError) as error:
        raise InputError(
            f"example_data for input {name!r} must be an array of {dtype}: {error}"
        ) from error
    wanted = tuple(tensor.shape)[1:]
    for candidate in (array.shape, (*array.shape, 1), array.shape[:-1]):
        dropped = len(candidate) < array.ndim and array.shape[-1:] != (1,)
        if candidate and not dropped and _matches(candidate[1:], wanted):
            array = array.reshape(candidate)
            break
    else:
        shape = ", ".join(["n", *("any" if n is None else str(n) for n in wanted)])
        raise InputError(
            f"example_data for input {name!r} must have the shape ({shape}); got "
            f"{array.shape}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"example_data for input {name!r} holds NaN or infinity")
    return array


def _matches(found: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return len(found) == len(wanted) and all(
        n is None or n == length for n, length in zip(wanted, found)
    )


def _name(tensor: Any) -> str:
    """Return the name of an input as Keras takes it in a mapping."""
    return str(tensor._keras_history[0].name)
