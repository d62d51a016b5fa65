"""Layers that do nothing at inference, and linear ones, read off by running them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import nengo
import numpy as np

from ...common.exceptions import UnsupportedError
from ...compat import import_tensorflow
from ...keras_models.check import INDEXING_LAYERS
from ...keras_models.held import held_by
from .building import LayerBuild
from .host import convert_on_host
from .registry import converts

MAX_INDEX = 2**23
"""Most elements whose numbers single precision tells apart, with room for a shift."""

MAX_PROBED = 2**31
"""Most entries of a matrix that is read off column by column."""

PROBED_AT_ONCE = 2**24
"""Entries of it that are in memory at once."""


@converts("ActivityRegularization", "AlphaDropout", "Dropout", "SpatialDropout{}D")
@converts("GaussianDropout", "GaussianNoise", "StochasticDepth", "Identity")
@converts("Reshape")
def convert_nothing(build: LayerBuild) -> Any:
    """Pass on what arrives: the order of the elements stays."""
    return build.inputs[0]


@converts("Flatten")
def convert_flatten(build: LayerBuild) -> Any:
    """Pass on what arrives; channels that come first go to the end, as in Keras."""
    if not moves_channels(build.layer):
        return convert_nothing(build)
    numbers = np.arange(build.size).reshape(build.input_shape)
    order = np.ravel(np.moveaxis(numbers, 0, -1))
    output = build.node()
    build.connect(build.inputs[0][order.tolist()], output)
    return output


def moves_channels(layer: Any) -> bool:
    """Tell whether a layer that flattens changes the order of the elements."""
    return getattr(layer, "data_format", None) == "channels_first"


@converts("Masking")
def convert_masking(build: LayerBuild) -> Any:
    """Pass on what arrives; steps that aren't zero when masked become so on the host.

    Layers that use the mask are the host's.
    """
    if build.layer.mask_value == 0:
        return build.inputs[0]
    return convert_on_host(build)


@converts("InputLayer")
def convert_input(build: LayerBuild) -> Any:
    """Convert an input of the model to a node."""
    if None in tuple(build.call.outputs[0].shape)[build.n_leading :]:
        open_time = (
            build.n_leading == 1 and tuple(build.call.outputs[0].shape)[1] is None
        )
        raise UnsupportedError(
            f"its shape {build.call.outputs[0].shape} is open. Give it a size, "
            "input_shape=(100, 4) for (None, 4)"
            + (
                ", or, where the open axis stands for the network's timesteps, pass "
                "temporal_model=True"
                if open_time
                else ""
            )
        )
    return build.node()


def convert_linear(build: LayerBuild) -> Any:
    """Convert a layer that is linear, whatever it is called; None if it isn't.

    How it moves, scales or mixes its inputs is found by running it on their numbers.
    """
    if not is_affine(build):
        return None
    sizes = [int(np.prod(shape, dtype=int)) for shape in build.input_shapes]
    zero = [np.zeros((1, n)) for n in sizes]
    offset = build.run(*zero)[0].astype(float)
    if _passes_on(build, sizes, offset):
        return build.inputs[0]
    links = []
    for k in range(len(sizes)):
        reading = _Reading(build, k, zero, offset)
        link = reading.moved() or reading.scaled() or reading.summed()
        link = link or reading.mixed()
        if link is None:
            return None
        links.append(link)
    # nothing is made before all is known: the host may have to take the layer
    output = build.node()
    build.bias(offset, output)
    for obj, link in zip(build.inputs, links):
        if not link.is_empty:
            build.connect(
                obj if link.sources is None else obj[link.sources],
                output if link.targets is None else output[link.targets],
                link.transform,
            )
    return output


def is_affine(build: LayerBuild) -> bool:
    """Tell whether sums of inputs give sums of outputs, but for a constant."""
    if type(held_by(build.layer)).__name__ in INDEXING_LAYERS:
        return False
    rng = np.random.RandomState(0)
    sizes = [int(np.prod(shape, dtype=int)) for shape in build.input_shapes]
    if not all(
        np.issubdtype(t.dtype.as_numpy_dtype, np.floating) for t in build.call.tensors
    ):
        return False

    def draw(largest: float) -> list[np.ndarray]:
        return [rng.uniform(-largest, largest, size=(1, n)).astype("f4") for n in sizes]

    for largest in (1.0, 16.0):
        x, y = draw(largest), draw(largest)
        at_zero = build.run(*[np.zeros_like(part) for part in x])
        if not np.issubdtype(at_zero.dtype, np.floating):
            return False
        together = build.run(*[a + b for a, b in zip(x, y)])
        apart = build.run(*x) + build.run(*y) - at_zero
        if not np.all(np.isfinite(together)):
            return False
        allowed = 1e-4 * max(1e-6, float(np.max(np.abs(together), initial=0)))
        if np.max(np.abs(together - apart), initial=0) > allowed:
            return False
    return True


def _passes_on(build: LayerBuild, sizes: list[int], offset: np.ndarray) -> bool:
    """Tell whether a layer with one input leaves it as it is."""
    if len(sizes) != 1 or sizes[0] != build.size or np.any(offset):
        return False
    if len(build.output_shapes) != 1:
        return False
    x = np.random.RandomState(1).uniform(-1, 1, size=(1, sizes[0])).astype("f4")
    return bool(np.array_equal(build.run(x), x))


class _Link(NamedTuple):
    """How elements of an input are connected to elements of the output, by default all.

    Without a transform, each pair has a weight of one.
    """

    sources: list[int] | None = None
    targets: list[int] | None = None
    transform: Any = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the input reaches the output."""
        return self.targets == []


@dataclass(frozen=True)
class _Reading:
    """Reads off what a linear layer does with one of its inputs, the others at zero."""

    build: LayerBuild
    k: int  # which input
    zero: list[np.ndarray]  # zeros for each input, (1, size)
    offset: np.ndarray  # output on zeros, (size,)

    @property
    def size(self) -> int:
        """Number of elements of the input."""
        return int(self.zero[self.k].shape[1])

    def moved(self) -> _Link | None:
        """Return the link if elements are moved, copied or dropped, nothing else."""
        size = self.size
        if size > MAX_INDEX or np.any(self.offset):
            return None
        numbers = np.arange(1, size + 1, dtype=float)
        first = self._response(numbers[None])[0]
        second = self._response(numbers[None] + size)[0]
        reached = first != 0
        if not np.array_equal(second - first, np.where(reached, size, 0)):
            return None
        sources = first[reached].astype(int) - 1
        if np.any((sources < 0) | (sources >= size)):
            return None
        targets = np.flatnonzero(reached)
        # an average of neighbours looks like a number between them
        x = np.random.RandomState(2).uniform(-1, 1, size=(1, size)).astype("f4")
        if not np.array_equal(self._response(x)[0][targets], x[0][sources]):
            return None
        return _Link(sources.tolist(), targets.tolist())

    def scaled(self) -> _Link | None:
        """Return the link if each element is multiplied by a number, and moved."""
        size = self.size
        if size > MAX_INDEX:
            return None
        weights = self._response(np.ones((1, size)))[0] - self.offset
        numbers = self._response(np.arange(1.0, size + 1)[None])[0] - self.offset
        targets, sources = _places(weights, numbers, size)
        matrix = self._matrix(weights[targets], targets, sources)
        if not self._computes(matrix):
            return None
        if np.array_equal(targets, sources) and len(targets) == len(weights) == size:
            return _Link(transform=weights)
        if not len(targets):
            return _Link(targets=[])
        return _Link(transform=nengo.Sparse(matrix.shape, init=matrix))

    def summed(self) -> _Link | None:
        """Return the link if each element adds to one element of the output.

        Such are means and sums. How much each adds, and to which, the gradients of the
        sum of the outputs, and of the sum of the outputs times their numbers, say.
        """
        n_out = len(self.offset)
        if n_out > MAX_INDEX:
            return None
        weights = self._gradient(np.ones(n_out))
        numbers = self._gradient(np.arange(1.0, n_out + 1))
        if weights is None or numbers is None:
            return None
        sources, targets = _places(weights, numbers, n_out)
        matrix = self._matrix(weights[sources], targets, sources)
        if not self._computes(matrix):
            return None
        return _Link(transform=nengo.Sparse(matrix.shape, init=matrix))

    def mixed(self) -> _Link | None:
        """Return the link by a matrix that is read off column by column."""
        import scipy.sparse

        size, n_out = self.size, len(self.offset)
        if size * n_out > MAX_PROBED:
            return None
        step = max(1, PROBED_AT_ONCE // max(size, n_out))
        columns = []
        for start in range(0, size, step):
            stop = min(start + step, size)
            rows = np.zeros((stop - start, size), "f4")
            rows[np.arange(stop - start), np.arange(start, stop)] = 1
            found = self._response(rows) - self.offset
            found[np.abs(found) < 1e-7 * np.max(np.abs(found), initial=0)] = 0
            columns.append(scipy.sparse.coo_matrix(found.T))
        matrix = scipy.sparse.hstack(columns).tocoo()
        return _Link(transform=nengo.Sparse(matrix.shape, init=matrix))

    def _response(self, values: np.ndarray) -> np.ndarray:
        """Return the output on rows for the input."""
        arguments = [np.repeat(z, len(values), axis=0) for z in self.zero]
        arguments[self.k] = values
        return self.build.run(*arguments).astype(float)

    def _gradient(self, factors: np.ndarray) -> np.ndarray | None:
        """Return the gradient of the sum of outputs times factors; None without one."""
        tf = import_tensorflow()
        rows = [tf.constant(part, tf.float32) for part in self.zero]
        with tf.GradientTape() as tape:
            tape.watch(rows[self.k])
            outputs = tf.cast(self.build.run.tensors(*rows), tf.float32)
        weights = tf.constant(factors[None], tf.float32)
        try:
            found = tape.gradient(outputs, rows[self.k], weights)
        except LookupError:  # TensorFlow has no gradient of some operations
            return None
        return None if found is None else np.asarray(found, dtype=float)[0]

    def _matrix(self, values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> Any:
        import scipy.sparse

        shape = (len(self.offset), self.size)
        return scipy.sparse.coo_matrix((values, (rows, columns)), shape=shape)

    def _computes(self, matrix: Any) -> bool:
        """Tell whether a matrix computes what the layer does with the input."""
        x = np.random.RandomState(2).uniform(-1, 1, size=(1, self.size))
        found = self._response(x)[0] - self.offset
        expected = matrix @ x[0]
        scale = np.max(np.abs(expected), initial=0)
        scale += np.max(np.abs(self.offset), initial=0)
        return bool(np.max(np.abs(found - expected), initial=0) <= 1e-5 * scale)


def _places(
    weights: np.ndarray, numbers: np.ndarray, n_others: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return which elements have a weight, and the places that their numbers say."""
    found = np.flatnonzero(weights)
    others = np.rint(numbers[found] / weights[found]).astype(int) - 1
    known = (others >= 0) & (others < n_others)
    return found[known], others[known]
