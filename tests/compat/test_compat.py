"""NengoDL and NengoLoihi become importable, and nothing else changes."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from nengo_energy import compat
from nengo_energy.common.exceptions import MissingDependencyError, UnsupportedError
from nengo_energy.common.optional_imports import import_or_explain
from nengo_energy.compat.imports import kept_off_screen
from nengo_energy.compat.quiet import quiet_tensorflow


def run_script(script: str, **environment: str) -> str:
    """Run Python code in a process of its own, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_importing_compat_loads_no_heavy_package():
    script = """
    import sys
    import nengo_energy.compat, nengo_energy.keras_models
    heavy = {"tensorflow", "keras", "tf_keras", "nengo_dl", "nengo_loihi"}
    print(sorted(heavy & set(sys.modules)))
    """
    assert run_script(script).strip() == "[]"


IMPORT_ORDERS = {
    "tensorflow": "import tensorflow",
    "keras": "import keras",
    "nengo_loihi": """
        import nengo_loihi
        # the names that NengoDL imports moved in Keras 2.13
        moved = int(__import__("tensorflow").__version__.split(".")[1]) >= 13
        assert nengo_loihi.neurons.HAS_DL != moved
    """,
    "nengo_energy, by many threads": """
        from concurrent.futures import ThreadPoolExecutor
        from nengo_energy import compat
        with ThreadPoolExecutor(4) as pool:
            calls = [pool.submit(compat.import_nengo_dl) for _ in range(4)]
        assert len({id(call.result()) for call in calls}) == 1
    """,
    "nengo_dl, which fails": """
        try:
            import nengo_dl
        except ImportError:
            assert any(name.startswith("nengo_dl.") for name in sys.modules)
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    """,
}

CHECK_IMPORTS = """
import tensorflow as tf
import keras
from nengo_energy import compat
from nengo_energy.compat.redirect import StandIn

def seen_by_user():
    return {
        "modules": {
            name: module
            for name, module in sys.modules.items()
            if name.partition(".")[0] in ("tensorflow", "keras")
        },
        # TensorFlow 2.10 itself makes tf.losses anew while NengoDL is imported
        "objects": [tf.keras, tf.keras.Model, keras.Model, keras.layers]
        + [tf.losses] * (int(tf.__version__.split(".")[1]) >= 13),
        "environment": dict(os.environ),
        "finders": list(sys.meta_path),
    }

legacy = os.environ.get("TF_USE_LEGACY_KERAS") == "1"
tf.keras.Model  # loads tf.keras, which is lazy
before = seen_by_user()

class FailHalfWay:
    def find_spec(self, fullname, path=None, target=None):
        if fullname == "nengo_dl.simulator":
            raise ImportError("on purpose")

if "nengo_dl.simulator" not in sys.modules:
    sys.meta_path.insert(0, FailHalfWay())
    try:
        compat.import_nengo_dl()
    except ImportError as error:
        assert str(error) == "on purpose"
    else:
        raise AssertionError("nengo_dl should have failed to import")
    sys.meta_path.pop(0)
    assert not [name for name in sys.modules if name.split(".")[0] == "nengo_dl"]
    assert seen_by_user()["environment"] == before["environment"]
    assert seen_by_user()["finders"] == before["finders"]

nengo_dl = compat.import_nengo_dl()
nengo_loihi = compat.import_nengo_loihi()
tf_keras = compat.import_tf_keras()
assert compat.import_nengo_dl() is nengo_dl
assert compat.import_tensorflow() is tf
assert nengo_loihi.neurons.HAS_DL and nengo_loihi.neurons.nengo_dl is nengo_dl

after = seen_by_user()
for name, module in before["modules"].items():
    assert after["modules"][name] is module, name
for old, new in zip(before["objects"], after["objects"]):
    assert old is new, (old, new)
assert after["environment"] == before["environment"]
assert after["finders"] == before["finders"]
new = set(after["modules"]) - set(before["modules"])
assert not any(name.startswith("keras") for name in new), new
assert not any(isinstance(module, StandIn) for module in sys.modules.values())
if not legacy:
    assert tf.keras.Model is keras.Model

import warnings
warnings.simplefilter("ignore")
import numpy as np
from nengo_energy.keras_models.clone import to_tf_keras

x = np.random.RandomState(0).uniform(size=(3, 6)).astype("float32")
for kind in (keras, tf_keras):
    kind.utils.set_random_seed(0)
    inp = kind.Input((6,))
    hidden = kind.layers.Dense(5, activation="relu")(inp)
    model = kind.Model(inp, kind.layers.Dense(2)(hidden))
    expected = np.asarray(model(x))
    clone = to_tf_keras(model).model
    converter = nengo_dl.Converter(clone, allow_fallback=False, inference_only=True)
    with nengo_dl.Simulator(converter.net, minibatch_size=3, progress_bar=False) as sim:
        inputs = {converter.inputs[clone.input]: x[:, None]}
        found = sim.predict_on_batch(inputs)[converter.outputs[clone.output]][:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert np.abs(expected).max() > 1e-3
print("fine")
"""


@pytest.mark.tensorflow
@pytest.mark.parametrize("first", list(IMPORT_ORDERS))
def test_any_import_order_works_and_changes_nothing(first):
    script = "import os, sys\n" + textwrap.dedent(IMPORT_ORDERS[first]) + CHECK_IMPORTS
    legacy = {"TF_USE_LEGACY_KERAS": "1"} if first == "nengo_dl, which fails" else {}
    assert run_script(script, **legacy).endswith("fine\n")


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "package, function",
    [
        ("tensorflow", "import_tensorflow"),
        ("tf_keras", "import_tf_keras"),
        ("nengo_loihi", "import_nengo_loihi"),
    ],
)
def test_missing_package_is_named(package, function, monkeypatch):
    if package == "tf_keras" and compat.import_tf_keras().__name__ != "tf_keras":
        pytest.skip("this TensorFlow brings Keras 2 along")
    compat.import_nengo_dl()
    monkeypatch.setitem(sys.modules, package, None)
    pip_name = package.replace("_", "-")
    with pytest.raises(MissingDependencyError, match=f"pip install {pip_name}$"):
        getattr(compat, function)()


def test_error_inside_a_package_is_not_a_missing_package(tmp_path, monkeypatch):
    (tmp_path / "compat_broken.py").write_text("import no_such_module_anywhere")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError) as caught:
        import_or_explain("compat_broken", "compat-broken", "this test")
    assert not isinstance(caught.value, MissingDependencyError)
    assert caught.value.name == "no_such_module_anywhere"


@pytest.mark.tensorflow
def test_numpy_functions_that_nengo_loihi_needs():
    neurons = compat.import_nengo_loihi().neurons
    import nengo_loihi.dvs

    # 1 / (0.3 spikes a step) is 3.33 steps between spikes, on the chip 4: 250 Hz
    rates = neurons.loihi_rates(neurons.LoihiSpikingRectifiedLinear(), 1, 300, 0, 0.001)
    np.testing.assert_allclose(rates, [[250]])
    array = np.arange(3.0)
    assert neurons.np.array(array, copy=False) is array
    assert neurons.np.array(array, copy=False, dtype=int).dtype == int
    assert neurons.np.array(array) is not array
    events = nengo_loihi.dvs.np.fromstring(b"\x01\xff", np.uint8)
    assert events.tolist() == [1, 255]
    assert events.flags.writeable


@pytest.mark.tensorflow
def test_nengo_loihi_simulates():
    nengo_loihi = compat.import_nengo_loihi()
    import nengo

    with nengo.Network(seed=1) as net:
        stimulus = nengo.Node([0.5])
        pre = nengo.Ensemble(60, 1)
        post = nengo.Ensemble(60, 1)
        nengo.Connection(stimulus, pre)
        nengo.Connection(pre, post)
        probe = nengo.Probe(post, synapse=0.03)
    with nengo_loihi.Simulator(net, target="sim", progress_bar=False) as sim:
        sim.run(0.3)
    assert abs(np.mean(sim.data[probe][-100:]) - 0.5) < 0.15


def neuron_cases():
    """Return neuron types by name, with the unit of their inputs: a power of two."""
    neurons = compat.import_nengo_loihi()
    return {
        "rectified": (neurons.LoihiSpikingRectifiedLinear(), 8.0),
        "rectified, amplitude": (neurons.LoihiSpikingRectifiedLinear(0.5), 8.0),
        "lif": (neurons.LoihiLIF(), 2.0**-4),
        "lif, parameters": (
            neurons.LoihiLIF(tau_rc=0.03, tau_ref=0.003, min_voltage=-1, amplitude=0.5),
            2.0**-4,
        ),
    }


def neurons_network(neuron_type, currents):
    import nengo

    nengo_dl = compat.import_nengo_dl()
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64", inference_only=True)
        stimulus = nengo.Node(lambda t: currents[int(round(t * 1024)) - 1])
        # gains and biases make the currents exact
        neurons = nengo.Ensemble(
            currents.shape[1],
            1,
            neuron_type=neuron_type,
            gain=np.ones(currents.shape[1]),
            bias=np.zeros(currents.shape[1]),
        ).neurons
        nengo.Connection(stimulus, neurons, synapse=None)
        probe = nengo.Probe(neurons)
    return net, probe


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "case", ["rectified", "rectified, amplitude", "lif", "lif, parameters"]
)
def test_loihi_neurons_spike_in_nengo_dl_as_in_nengo(case):
    import nengo

    nengo_dl = compat.import_nengo_dl()
    neuron_type, unit = neuron_cases()[case]
    n_steps, n_neurons, dt = 150, 40, 2.0**-10
    rng = np.random.RandomState(1)
    # constant for 30 steps each, some negative, some above one spike a timestep
    levels = unit * rng.randint(-40, 160, size=(n_steps // 30, n_neurons))
    net, probe = neurons_network(neuron_type, np.repeat(levels, 30, axis=0))

    with nengo.Simulator(net, dt=dt, progress_bar=False) as reference:
        reference.run_steps(n_steps)
    with nengo_dl.Simulator(net, dt=dt, progress_bar=False) as sim:
        sim.run_steps(n_steps)
    expected = reference.data[probe] * dt / neuron_type.amplitude
    assert set(np.unique(expected)) == {0, 1}
    assert (expected.sum(axis=0) > 5).sum() > n_neurons / 2
    np.testing.assert_array_equal(sim.data[probe], reference.data[probe])


@pytest.mark.tensorflow
def test_training_uses_the_aliased_rate_and_the_gradient_of_the_smooth_one():
    compat.import_nengo_loihi()
    tf = compat.import_tensorflow()
    from nengo_energy.compat.loihi_builders import aliased

    # 0.3 spikes a step: 3.33 steps, rounded up to 4; likewise 2.5 to 3, and 0.8 to 1
    current = tf.constant([-50.0, 0.0, 300.0, 400.0, 1250.0], tf.float64)
    dt = tf.constant(0.001, tf.float64)
    amplitude = tf.constant(0.5, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(current)
        rate = aliased(amplitude * tf.nn.relu(current), amplitude, dt)
    np.testing.assert_allclose(rate, [0, 0, 125, 0.5 / 0.003, 500], rtol=1e-12)
    np.testing.assert_allclose(tape.gradient(rate, current), [0, 0, 0.5, 0.5, 0.5])


@pytest.mark.tensorflow
@pytest.mark.parametrize("case", ["rectified, amplitude", "lif, parameters"])
def test_loihi_neurons_train_in_nengo_dl(case):
    import nengo

    nengo_dl = compat.import_nengo_dl()
    tf_keras = compat.import_tf_keras()
    neuron_type, unit = neuron_cases()[case]
    with nengo.Network(seed=0) as net:
        stimulus = nengo.Node([100 * unit])
        neurons = nengo.Ensemble(
            4, 1, neuron_type=neuron_type, gain=np.ones(4), bias=np.zeros(4)
        ).neurons
        weights = nengo.Connection(
            stimulus, neurons, transform=np.ones((4, 1)), synapse=None
        )
        probe = nengo.Probe(neurons)
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        before = sim.data[weights].weights.copy()
        optimizer = tf_keras.optimizers.SGD(1e-6)
        sim.compile(optimizer=optimizer, loss={probe: "mse"})
        sim.fit(n_steps=1, y={probe: np.zeros((1, 1, 4))}, epochs=1, verbose=0)
        after = sim.data[weights].weights
    assert np.all(after < before)


@pytest.mark.tensorflow
def test_training_noise_of_nengo_extras_is_refused_without_it():
    import nengo

    nengo_dl = compat.import_nengo_dl()
    neuron_type = compat.import_nengo_loihi().LoihiLIF(nengo_dl_noise="noise")
    with nengo.Network() as net:
        nengo.Ensemble(3, 1, neuron_type=neuron_type)
    with pytest.raises(UnsupportedError, match="nengo_dl_noise needs the package"):
        nengo_dl.Simulator(net, progress_bar=False)


@pytest.mark.parametrize(
    "bases, wanted",
    [
        ([[0, 1, 2], [0, 1]], [[0, 1, 2], [3, 4]]),  # as NengoLoihi does without us
        ([[0, -1, 1, -1], [0, 1]], [[0, None, 1, None], [2, 3]]),
        ([[0, -1], [-1, -1], [0, 1]], [[0, None], [None, None], [1, 2]]),
        ([[-1], [0]], [[None], [0]]),
    ],
)
def test_axons_of_a_core_are_numbered_after_those_that_lead_nowhere(bases, wanted):
    """-1 stands for an axon that leads nowhere, and takes no number."""
    compat.import_nengo_loihi()
    from nengo_loihi.block import Synapse
    from nengo_loihi.hardware.nxsdk_objects import Board

    core = Board().new_chip().new_core()
    for axons in bases:
        n = len(axons)
        synapse = Synapse(n)
        weights = [np.ones((1, 1))] * n
        synapse.set_population_weights(
            weights, [np.zeros((1, 1), dtype=int)] * n, np.arange(n), axons, pop_type=32
        )
        core.add_synapse(synapse)
    assert list(core.synapse_axons.values()) == wanted
    assert list(core.synapse_axons) == core.synapses


def test_what_libraries_write_is_shown_after_an_error(capfd):
    with kept_off_screen():
        os.write(2, b"cuInit")
    assert capfd.readouterr().err == ""
    with pytest.raises(ZeroDivisionError), kept_off_screen():
        os.write(2, b"cuInit")
        1 / 0
    assert capfd.readouterr().err == "cuInit"


def test_tensorflow_may_warn_after_our_calls_but_not_of_them(caplog, monkeypatch):
    logger = logging.getLogger("tensorflow")
    monkeypatch.setattr(logger, "propagate", True)  # TensorFlow's import may end it
    caplog.set_level(logging.WARNING, "tensorflow")
    with quiet_tensorflow():
        logger.warning("retracing")
    logger.warning("of the user's")
    assert [record.message for record in caplog.records] == ["of the user's"]
