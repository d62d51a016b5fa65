"""Whatever is passed to a public function, what it raises is ours and names it."""

from __future__ import annotations

import inspect
import io
import warnings

import nengo
import numpy as np
import pytest

import nengo_energy as ne

WRONG = {
    "None": None,
    "bytes": b"x",
    "digits": "9" * 5000,
    "nan": float("nan"),
    "inf": float("inf"),
    "negative": -1,
    "huge": 10**30,
    "object": object(),
    "array of nan": np.full((4, 4), np.nan),
    "array of inf": np.full((4, 4), np.inf),
    "array of text": np.array(["a", "b"]),
    "array of objects": np.array([None, {}], dtype=object),
    "empty array": np.zeros((0, 4)),
    "list of None": [None],
    "mapping of None": {None: None},
}
"""Values that hardly any argument takes."""

SAME = {
    "inputs": ("input", "an array alone"),
    "x": ("input", "part of model"),
    "scale_firing_rates": ("part of model",),
    "input_shape": ("shape",),
    "devices": ("device",),
    "host": ("device", "host"),
    "device": ("device",),
    "before": ("estimate",),
    "after": ("estimate",),
    "path": ("9999", "file"),
    "source": ("estimate", "device", "source"),
    "name": ("simulator", "name", "device"),
    "network": ("network",),
    "kind": ("device",),
    "energies": ("price", "energ", "device"),
    "labels": ("label",),
    "model": ("model", "9999"),
    "transform": ("transform",),
}
"""Words by which a message may call an argument."""


def small_network():
    with nengo.Network(seed=0) as net:
        node = nengo.Node(np.zeros(2), label="in")
        a = nengo.Ensemble(5, 2, neuron_type=nengo.SpikingRectifiedLinear(), label="a")
        b = nengo.Ensemble(4, 2, label="b")
        out = nengo.Node(size_in=2, label="out")
        nengo.Connection(node, a)
        nengo.Connection(a, b)
        nengo.Connection(b, out)
        nengo.Probe(out)
    return net


def calls_without_keras(tmp_path):
    """Return public functions by name, each with arguments that it takes."""
    net = small_network()
    topology = ne.trace_topology(net)
    activity = ne.measure_activity(net, timesteps=2)
    counts = ne.count_ops(topology, activity)
    estimate = ne.estimate_energy(counts, ["loihi"])
    (tmp_path / "estimate.json").write_text(estimate.to_json())
    run = {"network": net, "inputs": None, "progress": False}
    return {
        "trace_topology": (ne.trace_topology, {"network": net}),
        "measure_activity": (ne.measure_activity, {**run, "timesteps": 2}),
        "measure_activity_at": (ne.measure_activity_at, {**run, "timesteps": [1, 2]}),
        "count_ops": (ne.count_ops, {"topology": topology, "activity": activity}),
        "estimate_energy": (
            ne.estimate_energy,
            {"counts": counts, "devices": ["loihi"]},
        ),
        "accuracy": (activity.accuracy, {"labels": [0]}),
        "diff": (ne.diff, {"before": estimate, "after": estimate}),
        "load_estimate": (ne.load_estimate, {"source": tmp_path / "estimate.json"}),
        "load_device": (ne.load_device, {"path": tmp_path / "none.toml"}),
        "register_device": (
            ne.register_device,
            {"device": "mine", "kind": "event", "energies": {"synop": 1e-12}},
        ),
        "load_model": (ne.load_model, {"path": tmp_path / "none.keras"}),
        "count_layer_ops": (ne.count_layer_ops, {"model": None}),
        "check_model": (ne.check_model, {"model": None}),
        "convert": (ne.convert, {"model": None}),
        "ModelEnergy": (ne.ModelEnergy, {"model": None}),
        "fan_out": (ne.fan_out, {"transform": nengo.Dense((2, 2))}),
        "write_report": (
            ne.write_report,
            {"path": tmp_path / "none" / "report.html", "estimate": estimate},
        ),
        "calibrate": (ne.calibrate, {"path": tmp_path / "mine.toml"}),
        "scaled": (ne.devices.get("loihi").scaled, {}),
        "devices.get": (ne.devices.get, {"name": "loihi"}),
        "total": (estimate.total, {"device": "loihi"}),
        "to_json": (estimate.to_json, {}),
        "to_csv": (estimate.to_csv, {}),
        "plot": (estimate.plot, {}),
    }


def faults_of(function, arguments, parameters=None, kinds=tuple(WRONG)):
    """Call a function with each wrong value in turn, and return what isn't well."""
    faults = []
    given_up = ""  # what is said of a file that is missing
    try:
        with ne.devices.isolated():
            function(**arguments)
    except ne.NengoEnergyError as error:
        given_up = str(error)
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if parameters is not None and name not in parameters:
            continue
        for kind, value in WRONG.items():
            if kind not in kinds:
                continue
            if kind == "huge" and name in ("timesteps", "warmup"):
                continue  # it is allowed, and would take as long
            given = {**arguments, name: value}
            try:
                with ne.devices.isolated():
                    function(**given)
            except ne.NengoEnergyError as error:
                words = (name, name.replace("_", " "), *SAME.get(name, ()))
                if str(error) != given_up and not any(
                    word in str(error).lower() for word in words
                ):
                    faults.append(f"{name}={kind} isn't named: {error}"[:200])
            except Exception as error:
                faults.append(f"{name}={kind}: {type(error).__name__}: {error}"[:200])
    return faults


def test_errors_of_wrong_arguments_are_ours(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, (function, arguments) in calls_without_keras(tmp_path).items():
            faults = faults_of(function, arguments)
            if faults:
                found[name] = faults
    assert not found, "\n".join(
        f"{name}({fault})" for name, faults in found.items() for fault in faults
    )


@pytest.mark.tensorflow
def test_errors_of_a_converted_model_are_ours(tmp_path, monkeypatch):
    """What is refused, is so before any simulation, so that this takes no time."""
    from keras_examples import keras_named, randomize

    monkeypatch.chdir(tmp_path)
    keras = keras_named("tf_keras")
    inputs = keras.Input((4,), name="in")
    hidden = keras.layers.Dense(3, activation="relu", name="hidden")(inputs)
    model = randomize(keras.Model(inputs, keras.layers.Dense(2)(hidden), name="net"))
    snn = ne.convert(model, verify=False)
    x = np.ones((2, 4), "float32")
    activity = snn.measure(x, timesteps=2, progress=False)
    kinds = ("bytes", "array of nan")
    words = {"neurons", "max_pooling", "scale_firing_rates", "input_shape", "verify"}
    calls = [
        (ne.convert, {"model": model}, {*words, "swap_activations", "host_synapse"}),
        (snn.measure, {"x": x, "timesteps": 1, "progress": False}, None),
        (snn.count, {"activity": activity}, None),
        (snn.estimate, {"activity": activity}, None),
        (snn.ledger, {"x": activity}, {"x", "on_host"}),
        (snn.simulator, {}, {"name", "on_host"}),
        (ne.ModelEnergy, {"model": model}, {"strict_compat", "on_unsupported"}),
    ]
    found = [
        f"{function.__name__}({fault})"
        for function, arguments, chosen in calls
        for fault in faults_of(function, arguments, chosen, kinds)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("version", ["9" * 5000, "²", "3" * 20, "-3", "0.1", "x.y"])
def test_versions_that_are_none(version, tmp_path):
    """Python refuses to read numbers of 5,000 digits, and calls ² a digit."""
    import json
    import zipfile

    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        archive.writestr("config.json", "{}")
    with pytest.raises(ne.UnsupportedError, match="saved by Keras .* can't be read"):
        ne.load_model(path)


def test_operating_points_of_many_digits():
    for point in ("batch" + "9" * 5000, "9" * 5000, "batch²"):
        with pytest.raises(ne.NotFoundError, match="operating point"):
            ne.devices.get(f"h100@{point}")


def test_an_estimate_of_many_digits():
    text = io.StringIO('{"schema": "nengo_energy.estimate", "schema_version": ')
    with pytest.raises(ne.InputError):
        ne.load_estimate(text.getvalue() + "9" * 5000 + "}")
