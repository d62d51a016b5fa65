"""From layers, tensors and names of a Keras model to the parts of its network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Iterator, Mapping

if TYPE_CHECKING:
    from ..keras_models.clone import KerasClone


class KerasMap(Mapping):
    """Parts of the network, by layer, tensor or name of the Keras model."""

    def __init__(self, clone: KerasClone, parts: Mapping[Any, Any]):
        self._clone = clone
        self._parts = parts

    def __getitem__(self, key: Any) -> Any:
        return self._parts[self._clone.tensor(key)]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def values(self) -> Any:
        """Return the parts of the network."""
        return self._parts.values()


def layer_of_label(label: str) -> str:
    """Return the Keras layer that a part of the network is labelled after.

    Labels are ``"layer.call"``, in models within models ``"model.call/layer.call"``,
    and what an object is within its layer may follow after a space.
    """
    return re.sub(r"\.\d+( [^/]*)?(?=/|$)", "", label)
