"""Silence, saturation, accuracy, labels: from measured networks to what they print."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy.compat import import_tensorflow, import_tf_keras

pytestmark = pytest.mark.tensorflow

T = 30
Y = np.arange(30) % 3
X = 0.2 + 0.8 * np.eye(3)[Y]


@pytest.fixture(scope="module")
def model() -> Any:
    """The largest of three values, through two layers that pass them on."""
    keras = import_tf_keras()
    x = keras.Input((3,))
    h = keras.layers.Dense(3, "relu", name="first")(x)
    h = keras.layers.Dense(3, "relu", name="second")(h)
    model = keras.Model(x, keras.layers.Dense(3, name="out")(h))
    for layer in model.layers[1:]:
        layer.set_weights([np.eye(3), np.zeros(3)])
    return model


def codes(result: Any) -> list[str]:
    return [alert.code for alert in result.alerts]


def test_a_network_without_a_scale_says_so_in_its_first_line(model: Any) -> None:
    """30 inferences of 30 ms at up to 1 Hz: of 90 neurons none gets to a spike."""
    snn = ne.convert(model)
    activity = snn.measure(X, T, labels=Y, progress=False)
    assert sum(p.spikes.sum() for p in activity.populations.values()) == 0
    assert activity.silent == ("first", "second")
    first = "Warning: first, second spiked less than once in ten inferences"
    estimate = snn.estimate(activity, "loihi")
    for result in (activity, estimate, snn.compare(X, T, Y, progress=False)):
        assert str(result).startswith(first)
        assert 'scale_firing_rates="auto", or' in " ".join(str(result).split())
    assert codes(estimate) == codes(activity) == ["silent-layers", "accuracy-at-chance"]
    assert str(snn.ledger(activity)).startswith("Warning: second spiked less than once")


def test_a_network_with_a_scale_by_the_data_has_nothing_to_warn_of(model: Any) -> None:
    snn = ne.convert(model, scale_firing_rates="auto", example_data=X)
    activity = snn.measure(X, T, labels=Y, progress=False)
    estimate = snn.estimate(activity, "loihi")
    assert codes(activity) == codes(estimate) == []
    known = estimate.settings["accuracy"]
    assert known["keras"]["value"] == 1.0
    assert known["spiking"]["value"] == activity.accuracy(Y) > 0.8
    # Wilson, 30 of 30: 88.6 %
    head = f"{estimate}".splitlines()[0]
    assert head.startswith("Accuracy: 100.0% (88.6% to 100.0%) as Keras, ")


def test_saturated_neurons_are_counted_by_inference(model: Any) -> None:
    """All inputs are at least 0.2, so at 10 kHz every neuron wants 2 spikes a step.

    Those of the second layer get 0.1 from each, which asks for one a step.
    """
    snn = ne.convert(model, scale_firing_rates=10_000)
    activity = snn.measure(X, T, progress=False)
    assert activity.populations["first"].saturated == 3 * len(X)
    assert activity.saturated[0] == "first"
    assert codes(snn.estimate(activity, "loihi")) == ["saturated-layers"]


def test_model_energy_chooses_the_scale_by_its_example_data(model: Any) -> None:
    energy = ne.ModelEnergy(model, example_data=X, progress=False)
    assert isinstance(energy.to_spiking().options["scale_firing_rates"], dict)
    chosen = energy.to_spiking(scale_firing_rates=7)
    assert chosen.options["scale_firing_rates"] == 7
    assert ne.ModelEnergy(model).to_spiking().options["scale_firing_rates"] is None


@pytest.fixture(scope="module")
def snn(model: Any) -> ne.SpikingModel:
    return ne.convert(model, scale_firing_rates=300)


class Pairs:
    """Batches as keras.utils.Sequence gives them."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        half = slice(None, 8) if index == 0 else slice(8, None)
        return X[half], Y[half]


@pytest.mark.parametrize(
    "form", ["column", "one-hot", "batches", "one by one", "generator", "sequence"]
)
def test_labels_as_people_have_them(snn: ne.SpikingModel, form: str) -> None:
    wanted = snn.measure(X, T, labels=Y, progress=False).settings["accuracy"]
    data = import_tensorflow().data.Dataset.from_tensor_slices((X, Y))
    x, labels = {
        "column": (X, Y[:, None]),
        "one-hot": (X, np.eye(3)[Y]),
        "batches": (data.batch(7), None),
        "one by one": (data, None),
        "generator": (
            ((X[i : i + 7], Y[i : i + 7]) for i in range(0, len(X), 7)),
            None,
        ),
        "sequence": (Pairs(), None),
    }[form]
    activity = snn.measure(x, T, labels=labels, progress=False)
    assert activity.n_inferences == len(X)
    assert activity.settings["accuracy"] == wanted
    if form == "generator":  # is read once
        return
    compared = snn.compare(x, T, labels, devices="loihi", progress=False)
    assert compared.outputs[0].accuracy.value == wanted["spiking"]["value"]


@pytest.mark.parametrize(
    "elements, said",
    [
        ([X[0], X[1][:1]], "element 1 of the dataset has the shapes"),
        ([X[:2], X[2]], "element 1 .*all have to be alike"),
        ([{"a": X[0]}, {"b": X[1]}], "element 1 .*'b'.* the first has {'a'"),
        ([{"a": X[0]}, X[1]], "element 1"),
        ([(X[0], 1), (X[1], [1, 2])], r"'labels': \(2,\)"),
        ([(X[0], 1), X[1]], "element 1"),
        ([(X[:2], 1)], "one number for all of its inputs"),
        ([{}], "holds no inputs"),
        ([()], "holds no inputs"),
        ([None], "holds no inputs"),
        ([], "is empty"),
        ([{"a": [[1.0], [1.0, 2.0]]}], "must be an array of numbers"),
    ],
)
def test_elements_that_do_not_fit_are_named(
    snn: ne.SpikingModel, elements: list[Any], said: str
) -> None:
    with pytest.raises(ne.InputError, match=said):
        snn.measure((element for element in elements), T, progress=False)


def test_datasets_without_end_are_refused(
    snn: ne.SpikingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NENGO_ENERGY_MAX_MEMORY", "1e6")
    with pytest.raises(ne.InputError, match="more than the 1 MB .* repeats for ever"):
        snn.measure((X[0] for _ in itertools.count()), T, progress=False)


@pytest.mark.parametrize(
    "wrong", [X + 1j, X.astype(str), X.astype("M8[s]"), np.ma.masked_less(X, X.mean())]
)
def test_inputs_that_are_no_numbers_are_refused(
    snn: ne.SpikingModel, wrong: Any
) -> None:
    with pytest.raises(ne.InputError, match="must be an array of numbers; got"):
        snn.measure(wrong, T, progress=False)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_copies_of_a_converted_model_are_refused(
    snn: ne.SpikingModel, copied: Any
) -> None:
    """Keras makes other tensors of them, by which nothing was found any more."""
    with pytest.raises(ne.UnsupportedError, match="can't be copied or pickled"):
        copied(snn)


def test_one_input_alone_is_one_inference(snn: ne.SpikingModel) -> None:
    alone = snn.measure(X[4], T, labels=Y[4], progress=False)
    batch = snn.measure(X[4:5], T, labels=Y[4:5], progress=False)
    assert alone.n_inferences == 1
    assert alone.settings == batch.settings
    np.testing.assert_array_equal(
        alone.populations["first"].spikes, batch.populations["first"].spikes
    )


def test_wrong_labels_are_refused_before_the_run(
    snn: ne.SpikingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ne.SpikingModel, "measure_run", None)
    with pytest.raises(ne.InputError, match="labels must be between 0 and 2"):
        snn.measure(X, T, labels=Y + 1)


def test_layers_are_placed_alike_in_estimate_comparison_and_deployment(
    snn: ne.SpikingModel,
) -> None:
    """With no layer on the host, its updates are the device's, in all three."""
    options: dict[str, Any] = {"on_host": [], "progress": False}
    compared = snn.compare(X, T, devices="loihi", **options).estimate
    activity = snn.measure(X, T, simulator="loihi", **options)
    ledger = snn.ledger(X, T, **options)
    estimate = snn.estimate(activity, "loihi", on_host=[])
    for found in (compared, estimate):
        updates = found.to_frame().query("operation.str.startswith('neuron_update')")
        assert updates.groupby("layer")["count"].sum().to_dict() == {
            "first": 3 * T,
            "second": 3 * T,
        }
    assert ledger.neuron_updates == 2 * 3 * T * len(X)
    assert ledger.on_host == frozenset()
    without = snn.compare(X, T, devices="loihi", progress=False).estimate
    assert without.total("loihi") < compared.total("loihi")
