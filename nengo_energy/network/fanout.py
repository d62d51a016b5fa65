"""Nengo transform -> non-zero fan-out of each presynaptic neuron."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import scipy.sparse as sp
from nengo.dists import Distribution

from ..common.exceptions import UnsupportedError
from .convolution_map import ConvolutionMap
from .linear_maps import DenseMap, LinearMap, SparseMap

_ConvolutionTranspose = getattr(nengo.transforms, "ConvolutionTranspose", ())
_NoTransform = getattr(nengo.transforms, "NoTransform", ())


def fan_out(transform: Any, size_in: int | None = None) -> np.ndarray:
    """Count the synapses that each presynaptic neuron drives through a transform.

    Parameters
    ----------
    transform : nengo.transforms.Transform
        `nengo.Dense`, `nengo.Sparse`, `nengo.Convolution`,
        `nengo.transforms.ConvolutionTranspose` or `nengo.transforms.NoTransform`.
    size_in : int, optional
        Number of presynaptic neurons; needed by ``NoTransform``, which has no size.

    Returns
    -------
    (n_pre,) int64 ndarray
        Non-zero weights of each presynaptic neuron. Links to padding aren't counted.

    Raises
    ------
    UnsupportedError
        If the transform is of another kind.

    Examples
    --------
    >>> import nengo, numpy as np
    >>> kernel = np.ones((3, 1, 2))
    >>> fan_out(nengo.Convolution(2, (4, 1), (3,), (1,), init=kernel))
    array([2, 4, 4, 2])
    """
    return transform_map(transform, size_in).fan_out


def transform_map(
    transform: Any, size_in: int | None = None, rng: np.random.RandomState | None = None
) -> LinearMap:
    """Return the linear map that a transform applies.

    Parameters
    ----------
    transform : nengo.transforms.Transform
        See `fan_out`.
    size_in : int, optional
        Number of presynaptic units; needed by ``NoTransform``.
    rng : numpy.random.RandomState, optional
        Draws the weights of a transform that is given as a distribution.

    Returns
    -------
    LinearMap
        Weights, from ``transform.size_in`` to ``transform.size_out`` units.
    """
    rng = np.random.RandomState(0) if rng is None else rng
    if isinstance(transform, _NoTransform):
        if size_in is None:
            raise UnsupportedError("NoTransform has no size of its own: give size_in")
        return SparseMap.diagonal(np.ones(size_in))
    if isinstance(transform, nengo.Dense):
        return _dense_map(transform, rng)
    if isinstance(transform, nengo.Sparse):
        return _sparse_map(transform, rng)
    if isinstance(transform, (nengo.Convolution, _ConvolutionTranspose)):
        return convolution_map(transform, transform.sample(rng=rng))
    raise UnsupportedError(
        f"can't count the synapses of the transform {transform!r} of type "
        f"{type(transform).__name__}; known: Dense, Sparse, Convolution, "
        "ConvolutionTranspose, NoTransform"
    )


def connection_map(connection: nengo.Connection, seed: int | None = None) -> LinearMap:
    """Return the map from all of a connection's ``pre_obj`` to all of its ``post_obj``.

    Slices on both sides are part of it. Decoders and encoders are not: see
    `nengo_energy.network.built` for decoded connections. A node's function isn't,
    either; the map is then from what the function returns.

    Parameters
    ----------
    connection : nengo.Connection
        The connection.
    seed : int, optional
        What weights that are given as a distribution are drawn from: the seed that the
        connection gets when its network is built; by default its own.
    """
    size_pre = connection.pre_obj.size_out
    size_post = connection.post_obj.size_in
    seed = connection.seed if seed is None else seed
    rng = None if seed is None else np.random.RandomState(seed)
    linear = transform_map(connection.transform, connection.size_mid, rng)
    pre = np.arange(size_pre)[connection.pre_slice]
    post = np.arange(size_post)[connection.post_slice]
    if connection.function is None and not np.array_equal(pre, np.arange(size_pre)):
        linear = linear @ SparseMap.gather(pre, size_pre)
    if not np.array_equal(post, np.arange(size_post)):
        linear = SparseMap.scatter(post, size_post) @ linear
    return linear


def is_random(transform: Any) -> bool:
    """Tell whether a transform's weights are drawn when the network is built."""
    init = getattr(transform, "init", None)
    return isinstance(getattr(init, "data", init), Distribution)


def weight_rank(transform: Any) -> int:
    """Tell how much a transform has to say; a path's layer is the one that says most.

    Returns
    -------
    int
        0 if it passes values on or scales each, 1 if it sums them with one weight, as
        pooling does, 2 if it holds weights that differ.
    """
    if is_random(transform):
        return 2
    init = getattr(transform, "init", None)
    values = np.asarray(getattr(init, "data", init) if _is_sparse(init) else init)
    if init is None or (values.ndim < 2 and not isinstance(transform, nengo.Sparse)):
        return 0
    weights = values[values != 0]
    return 1 if weights.size and np.all(weights == weights[0]) else 2


def _is_sparse(init: Any) -> bool:
    return sp.issparse(init) or isinstance(init, nengo.transforms.SparseMatrix)


def _dense_map(transform: nengo.Dense, rng: np.random.RandomState) -> LinearMap:
    weights = np.asarray(transform.sample(rng=rng))
    if weights.ndim == 2:
        return DenseMap(weights)
    return SparseMap.diagonal(np.broadcast_to(weights, transform.size_in))


def _sparse_map(transform: nengo.Sparse, rng: np.random.RandomState) -> LinearMap:
    weights = transform.sample(rng=rng)
    if isinstance(weights, nengo.transforms.SparseMatrix):
        entries = (weights.data, weights.indices.T)
        return SparseMap(sp.csc_matrix(entries, shape=weights.shape))
    return SparseMap(weights)


def convolution_map(transform: Any, kernel: np.ndarray) -> ConvolutionMap:
    """Return the map of a convolution, transposed or not, with weights of its own."""
    transposed = isinstance(transform, _ConvolutionTranspose)
    inputs = transform.input_shape.spatial_shape
    outputs = transform.output_shape.spatial_shape
    pads = [0] * len(inputs)
    if transform.padding == "same":
        # The padding is shared between both ends, and the odd one goes to the end. A
        # transposed convolution has the padding of the one that leads back.
        small, large = (inputs, outputs) if transposed else (outputs, inputs)
        pads = [
            max((n_small - 1) * stride + n_taps - n_large, 0) // 2
            for n_small, n_large, n_taps, stride in zip(
                small, large, transform.kernel_size, transform.strides
            )
        ]
    return ConvolutionMap(
        kernel,
        inputs,
        outputs,
        transform.input_shape.n_channels,
        transform.strides,
        pads,
        transform.channels_last,
        transposed,
    )
