"""Convolutions and pooling with settings of all kinds, in rates and in synapses."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from converted_layers import random_weight
from hypothesis import HealthCheck, given, settings, strategies as st
from rate_outputs import rate_outputs

import nengo_energy as ne
from nengo_energy.compat import import_tf_keras
from nengo_energy.conversion.verifying import outputs_of_rates

pytestmark = pytest.mark.tensorflow

QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}

KINDS = ("Conv", "DepthwiseConv", "SeparableConv", "Transpose", "Average", "Max")


@dataclass(frozen=True)
class Setting:
    """A layer that slides windows along one to three axes, and the size of its input.

    ``groups`` is of convolutions, ``multiplier`` of depthwise ones alone.
    """

    kind: str
    image: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str
    data_format: str
    channels: int
    filters: int
    groups: int
    multiplier: int
    activation: str | None

    def layer(self, keras: Any) -> Any:
        """Return the layer, named ``"layer"``."""
        sliding = {
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "name": "layer",
        }
        layers, n = keras.layers, len(self.image)
        if self.kind in ("Average", "Max"):
            return getattr(layers, f"{self.kind}Pooling{n}D")(self.kernel, **sliding)
        options = {**sliding, "activation": self.activation}
        if self.kind == "Transpose":
            make = getattr(layers, f"Conv{n}DTranspose")
            return make(self.filters, self.kernel, **options)
        options["dilation_rate"] = self.dilation
        make = getattr(layers, f"{self.kind}{n}D")
        if self.kind == "DepthwiseConv":
            return make(self.kernel, depth_multiplier=self.multiplier, **options)
        if self.kind == "Conv":
            options["groups"] = self.groups
        return make(self.filters, self.kernel, **options)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the input, without the batch axis."""
        if self.data_format == "channels_last":
            return (*self.image, self.channels)
        return (self.channels, *self.image)

    def model(self) -> Any:
        """Return a model: neurons, and the layer on what they put out."""
        keras = import_tf_keras()
        inputs = keras.Input(self.shape)
        x = self.layer(keras)(keras.layers.ReLU(name="before")(inputs))
        model = keras.Model(inputs, x)
        rng = np.random.RandomState(0)
        model.set_weights([random_weight(rng, w) for w in model.weights])
        return model

    def fan_out(self) -> np.ndarray:
        """Return how many outputs each neuron of the input reaches, in plain loops."""
        places = itertools.product(*map(range, self.image))
        found = np.zeros(self.shape, int)
        for place in places:
            n_windows = 1
            for axis, i in enumerate(place):
                n_windows *= self._windows(axis, i)
            for channel in range(self.channels):
                last = self.data_format == "channels_last"
                index = (*place, channel) if last else (channel, *place)
                found[index] = n_windows * self._filters()
        return found

    def _filters(self) -> int:
        """Return how many filters look at a channel."""
        if self.kind == "Average":
            return 1
        if self.kind == "DepthwiseConv":
            return self.multiplier
        if self.kind == "Conv":
            return self.filters // self.groups
        return self.filters

    def _windows(self, axis: int, i: int) -> int:
        """Return how many windows along an axis hold a place of the input."""
        n, k = self.image[axis], self.kernel[axis]
        stride = self.strides[axis]
        if self.kind == "Transpose":
            n_out = n * stride if self.padding == "same" else (n - 1) * stride + k
            n_out = max(n_out, n * stride)
            before = max(k - stride, 0) // 2 if self.padding == "same" else 0
            reached = [i * stride + offset - before for offset in range(k)]
            return sum(0 <= place < n_out for place in reached)
        dilation = self.dilation[axis]
        span = (k - 1) * dilation + 1
        if self.padding == "valid":
            before, n_out = 0, (n - span) // stride + 1
        else:
            n_out = -(-n // stride)
            before = max((n_out - 1) * stride + span - n, 0) // 2
            if self.padding == "causal":
                before = span - 1
        return sum(
            o * stride + offset * dilation - before == i
            for o in range(n_out)
            for offset in range(k)
        )


@st.composite
def layer_settings(draw: Any) -> Setting:
    """Draw a layer that Keras allows."""
    kind = draw(st.sampled_from(KINDS))
    n = draw(st.integers(1, 2 if kind in ("DepthwiseConv", "SeparableConv") else 3))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(n))
    strides, dilation = (1,) * n, (1,) * n
    same_strides = kind in ("DepthwiseConv", "SeparableConv")  # of TensorFlow
    slides = draw(st.sampled_from(["by one", "strides", "dilation"]))
    if slides == "strides":
        strides = tuple(draw(st.integers(1, 3)) for _ in range(n))
        strides = strides[:1] * n if same_strides else strides
    elif slides == "dilation" and kind not in ("Transpose", "Average", "Max"):
        dilation = tuple(draw(st.integers(1, 2)) for _ in range(n))
        dilation = dilation[:1] * n if same_strides else dilation
    paddings = ["valid", "same"]
    if n == 1 and kind in ("Conv", "SeparableConv"):
        paddings.append("causal")
    groups = draw(st.sampled_from([1, 2])) if kind == "Conv" and n < 3 else 1
    least = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
    return Setting(
        kind=kind,
        image=tuple(draw(st.integers(size, size + 3)) for size in least),
        kernel=kernel,
        strides=strides,
        dilation=dilation,
        padding=draw(st.sampled_from(paddings)),
        data_format=draw(st.sampled_from(["channels_last", "channels_first"])),
        channels=2 * draw(st.integers(1, 2)),
        filters=2 * draw(st.integers(1, 2)),
        groups=groups,
        multiplier=draw(st.integers(1, 2)),
        activation=draw(st.sampled_from([None, "relu"])),
    )


def check(setting: Setting) -> None:
    """Compare rates with Keras's outputs, and synops with a count in loops."""
    model = setting.model()
    snn = ne.convert(model, scale_firing_rates=300, verify=False)
    x = np.random.RandomState(1).uniform(size=(2, *setting.shape))
    if len(setting.image) == 3 and setting.kind != "Max":
        # Nengo's own simulator has no convolutions of three axes
        ((want, have),) = outputs_of_rates(snn).values()
    else:
        (have,) = rate_outputs(snn, [x])
        want = np.reshape(np.asarray(model(x)), have.shape)
    assert np.max(np.abs(want - have)) <= 1e-4 * np.max(np.abs(want))
    if setting.kind == "Max":
        return  # a tree of neurons, whose synapses test_converted_classes counts
    activity = snn.measure(x, 8, progress=False)
    spikes = activity.populations["before"].spikes
    assert spikes.sum() > 0
    wanted = int(np.sum(spikes * setting.fan_out().ravel()))
    rows = snn.count(activity).rows
    assert sum(row.total for row in rows if row.operation == "synop") == wanted


@settings(max_examples=25, derandomize=True, **QUIET)
@given(layer_settings())
def test_layers_of_windows(setting: Setting) -> None:
    check(setting)


@pytest.mark.slow
@settings(max_examples=150, **QUIET)
@given(layer_settings())
def test_many_layers_of_windows(setting: Setting) -> None:
    check(setting)
