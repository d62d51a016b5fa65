"""What an output of a network decides, and labels as people have them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .checks import as_array
from .exceptions import InputError


@dataclass(frozen=True)
class Decision:
    """How an output is read as decisions: one for each of its positions.

    Several values are scores of classes, and the largest decides. A single value
    decides between two classes, by a threshold.

    Attributes
    ----------
    shape : tuple of int
        Shape of the output for one inference, with the classes on the last axis; the
        axes before are positions, such as those of a picture.
    threshold : float
        What a single value must exceed for class 1: 0 for logits, 0.5 for
        probabilities.
    undecided : str
        Why the output decides nothing as long as no labels say otherwise; empty if it
        does.
    """

    shape: tuple[int, ...]
    threshold: float = 0.0
    undecided: str = ""

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return max(2, self.shape[-1])

    @property
    def positions(self) -> tuple[int, ...]:
        """Shape of the positions; () where an inference has one decision."""
        return self.shape[:-1]

    @property
    def n_positions(self) -> int:
        """Decisions of an inference."""
        return math.prod(self.positions)

    @property
    def is_binary(self) -> bool:
        """Whether a single value decides."""
        return self.shape[-1] == 1

    def fits(self, size: int) -> bool:
        """Tell whether an output of a size has this shape, all of which is known."""
        return None not in self.shape and math.prod(self.shape) == size

    def decide(self, output: np.ndarray) -> np.ndarray:
        """Return the class at each position.

        Parameters
        ----------
        output : (n_inferences, ...) ndarray
            The output, flattened or not.

        Returns
        -------
        (n_inferences, *positions) int64 ndarray
            Indices of classes.
        """
        values = np.asarray(output).reshape(-1, *self.shape)
        if self.is_binary:
            return (values[..., 0] > self.threshold).astype(np.int64)
        return np.argmax(values, axis=-1).astype(np.int64)

    def check_labels(self, labels: Any, n_inferences: int) -> np.ndarray:
        """Return labels as indices of classes, (n_inferences, *positions) int64.

        Parameters
        ----------
        labels : array_like of int, float or bool
            (n_inferences, *positions), perhaps with an axis of length 1 behind, or
            one-hot, with an axis of the classes behind.
        n_inferences : int
            How many inferences there are.

        Raises
        ------
        InputError
            If they aren't that.
        """
        array = as_array("labels", labels)
        if n_inferences == 1 and array.shape == self.positions:
            array = array[None]  # the label of a single input
        places = (n_inferences, *self.positions)
        one_hot = (*places, self.n_classes)
        if array.shape == one_hot and array.dtype.kind in "biuf":
            return _from_one_hot(array)
        if array.shape not in (places, (*places, 1)):
            each = "position" if self.positions else "inference"
            raise InputError(
                f"labels must have the shape {places}, one for each {each}, "
                f"{(*places, 1)}, or {one_hot} if they are one-hot; got {array.shape}"
            )
        if array.dtype.kind not in "biuf" or not np.all(array == np.floor(array)):
            raise InputError(
                f"labels must be whole numbers, the index of the class; got "
                f"{array.dtype}"
            )
        if array.size and not 0 <= array.min() <= array.max() < self.n_classes:
            has = "1 value" if self.is_binary else f"{self.n_classes} values"
            raise InputError(
                f"labels must be between 0 and {self.n_classes - 1}, as the output has "
                f"{has}; got {array.min():g} to {array.max():g}"
            )
        return array.reshape(places).astype(np.int64)


def _from_one_hot(array: np.ndarray) -> np.ndarray:
    """Return the index of the one in each row, which must have one."""
    if not np.all((array == 0) | (array == 1)) or np.any(array.sum(axis=-1) != 1):
        raise InputError(
            f"labels of the shape {array.shape} are taken as one-hot: a single 1 along "
            "the last axis, and zeros; got others. Several classes at once can't be "
            "judged"
        )
    return np.argmax(array, axis=-1).astype(np.int64)
