"""Files that ask for more memory or time than there is, or lead round in circles."""

from __future__ import annotations

import io
import json
import os
import zipfile

import numpy as np
import pytest
from keras_examples import keras_named, predict, randomize

import nengo_energy as ne
from nengo_energy.cli import main
from nengo_energy.keras_models.wiring import check_wiring

pytestmark = pytest.mark.tensorflow

h5py = pytest.importorskip("h5py")

FORMATS = [("keras", ".keras"), ("keras", ".h5"), ("tf_keras", ".h5")]


@pytest.fixture(params=FORMATS, ids=["keras3", "keras3-h5", "keras2-h5"])
def model_file(request, tmp_path):
    """Return a saved model, two dense layers "a" and "b" one after the other."""
    kind = keras_named(request.param[0])
    layers = kind.layers
    inputs = kind.Input((4,), name="in")
    outputs = layers.Dense(4, name="b")(layers.Dense(4, name="a")(inputs))
    path = tmp_path / f"model{request.param[1]}"
    randomize(kind.Model(inputs, outputs)).save(path)
    return path


def change(path, edit):
    """Edit the configuration in a file, by layer."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        config = json.loads(members["config.json"])
        edit({layer["config"]["name"]: layer for layer in config["config"]["layers"]})
        members["config.json"] = json.dumps(config).encode()
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        edit({layer["config"]["name"]: layer for layer in config["config"]["layers"]})
        file.attrs["model_config"] = json.dumps(config)


@pytest.mark.parametrize("units", [10**6, 10**9, 10**18, 10**30])
def test_more_units_than_the_weights_are_refused(model_file, units):
    """It once took 15 GB and two minutes until somebody said so."""

    def edit(layers):
        layers["b"]["config"]["units"] = units

    change(model_file, edit)
    with pytest.raises(
        ne.InputError, match=rf"(?s)model.*shape.*\(4, {units}\)"
    ) as info:
        ne.load_model(model_file)
    assert "b" in str(info.value)


@pytest.mark.parametrize("size", [10**9, 10**18])
def test_larger_inputs_than_the_weights_are_refused(model_file, size):
    def edit(layers):
        config = layers["in"]["config"]
        key = "batch_shape" if "batch_shape" in config else "batch_input_shape"
        config[key] = [None, size]

    change(model_file, edit)
    with pytest.raises(ne.InputError, match=f"model.*{size}"):
        ne.load_model(model_file)


def test_weights_that_are_too_much_are_refused(model_file):
    """Two layers of 4 x 4 + 4 values in 4 bytes each: 160 bytes, and the user says."""
    with pytest.raises(ne.InputError, match=r"allowed are 100 bytes.*--max-bytes"):
        ne.load_model(model_file, max_bytes=100)
    loaded = ne.load_model(model_file, max_bytes=10**6)
    assert loaded.count_params() == 40
    assert ne.load_model(model_file, max_bytes=None).count_params() == 40


def test_layers_that_feed_each_other_are_refused(model_file):
    """Keras 2 waits for ever for the inputs of such layers."""

    def edit(layers):
        nodes = json.dumps(layers["b"]["inbound_nodes"])
        layers["a"]["inbound_nodes"] = json.loads(nodes.replace('"a"', '"b"'))

    change(model_file, edit)
    with pytest.raises(ne.InputError, match="model.*in a circle: a, b"):
        ne.load_model(model_file)


@pytest.mark.parametrize("call, said", [("7", 7), ("true", -1), ('"x"', -1)])
def test_layers_that_are_fed_by_nothing_are_refused(model_file, call, said):
    def edit(layers):
        nodes = json.dumps(layers["b"]["inbound_nodes"])
        nodes = nodes.replace('"a", 0', f'"a", {call}')
        layers["b"]["inbound_nodes"] = json.loads(nodes)

    change(model_file, edit)
    with pytest.raises(ne.InputError, match=f"'b' is fed by call {said} of layer 'a'"):
        ne.load_model(model_file)


def test_layers_that_are_fed_by_one_that_is_never_called_are_refused(model_file):
    """Keras 2 waits for ever for that call; the fuzzer found it."""

    def edit(layers):
        layers["a"]["inbound_nodes"] = []

    change(model_file, edit)
    with pytest.raises(ne.InputError, match="'b' is fed by call 0 of layer 'a'"):
        ne.load_model(model_file)


def test_compile_configurations_never_reach_keras(model_file):
    def edit(layers):
        inner = layers["a"]
        for _ in range(100):
            inner["compile_config"] = {"loss": {"class_name": "Nobody", "config": {}}}
            inner = inner["compile_config"]

    before = predict(ne.load_model(model_file), [np.ones((2, 4), "float32")])
    change(model_file, edit)
    after = predict(ne.load_model(model_file), [np.ones((2, 4), "float32")])
    np.testing.assert_array_equal(before[0], after[0])


def test_a_chunk_larger_than_memory_is_refused(tmp_path):
    """One value, in a chunk of 40,000 x 20,000: h5py unpacks the chunk, 3.2 GB."""
    tf_keras = keras_named("tf_keras")
    inputs = tf_keras.Input((1,))
    path = tmp_path / "model.h5"
    tf_keras.Model(inputs, tf_keras.layers.Dense(1, use_bias=False)(inputs)).save(path)
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visititems(
            lambda name, value: (
                names.append(name) if isinstance(value, h5py.Dataset) else None
            )
        )
        (name,) = (name for name in names if "kernel" in name)
        del file[name]
        file.create_dataset(
            name, (1, 1), "f4", chunks=(40_000, 20_000), maxshape=(None, None)
        )
    with pytest.raises(ne.InputError, match="would take 3.2 GB"):
        ne.load_model(path)


def zip_bomb(path, name):
    """Write a small archive with a member of 64 MiB of zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.0.0"}')
        if name != "config.json":
            archive.writestr("config.json", "{}")
        with archive.open(name, "w") as member:
            for _ in range(64):
                member.write(bytes(2**20))
    return path


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_members_that_unpack_to_too_much_are_refused(name, tmp_path):
    path = zip_bomb(tmp_path / "model.keras", name)
    assert path.stat().st_size < 2**17
    with pytest.raises(ne.InputError, match="would take 67.1 MB.*allowed are 50 MB"):
        ne.load_model(path, max_bytes=50e6)


def npz_with_shape(path, shape):
    """Write an NPZ file whose array "x" has a shape, it says, and holds 3 values."""
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        member, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", member.getvalue() + bytes(24))
    return path


@pytest.mark.parametrize("shape", [(10**12,), (10**30,), (-1,), (4,)])
def test_arrays_larger_than_their_file_are_refused(shape, model_file, tmp_path, capsys):
    data = npz_with_shape(tmp_path / "x.npz", shape)
    assert main(["estimate", str(model_file), "--data", str(data)]) == 1
    error = capsys.readouterr().err
    assert "x.npz is damaged: array 'x' says that its shape is" in error
    assert str(shape[0]) in error


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_no_model(tmp_path):
    """To open one waits for somebody who writes."""
    os.mkfifo(tmp_path / "model.keras")
    with pytest.raises(ne.InputError, match="is a pipe or a device"):
        ne.load_model(tmp_path / "model.keras")


def test_limits_of_the_command_line(model_file, capsys):
    check = ["check", str(model_file)]
    assert main([*check, "--max-bytes", "100"]) == 1
    assert "allowed are 100 bytes" in capsys.readouterr().err
    assert main([*check, "--max-seconds", "0.001"]) == 1
    assert "isn't read within 0.001 s" in capsys.readouterr().err
    assert main([*check, "--max-seconds", "nan"]) == 1
    assert "--max-seconds must be a number above 0 [s]" in capsys.readouterr().err
    assert main([*check, "--max-seconds", "100"]) == 0


def test_what_a_trial_finds_is_what_loading_finds(model_file):
    """Errors cross over from the process by class and words."""
    content = model_file.read_bytes()
    model_file.write_bytes(content[: len(content) // 2])
    found = []
    for seconds in (None, 60):
        with pytest.raises(ne.NengoEnergyError) as info:
            ne.load_model(model_file, max_seconds=seconds)
        found.append(type(info.value))
    assert found[0] is found[1]


@pytest.mark.parametrize("place, value", [(928, 0), (857, 255)])
def test_a_file_in_which_hdf5_is_lost_is_refused(place, value, tmp_path):
    """One byte is another: HDF5 searches for ever (928), or dies (857)."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["model_config"] = "{}"
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = ["a", "b"]
        group.create_group("a").create_dataset("k", data=[1.0, 2.0], chunks=(1,))
    damaged = bytearray(content.getvalue())
    damaged[place] = value
    path = tmp_path / "model.h5"
    path.write_bytes(damaged)
    words = "isn't read within 3 s|is damaged|can't be read"
    with pytest.raises(ne.InputError, match=f"model.h5 ({words})"):
        ne.load_model(path, max_seconds=3)


def test_a_process_that_dies_is_told(model_file, monkeypatch):
    """As it does where HDF5 runs into what isn't its memory."""
    from nengo_energy.keras_models import trial

    monkeypatch.setattr(trial, "CODE", "import os; os.abort()")
    with pytest.raises(ne.InputError, match="process that read it ended with -6"):
        ne.load_model(model_file, max_seconds=60)


def test_wiring_of_a_model_that_is_called_twice():
    """Its calls begin with 1, as Keras 2 counts the one by which it was made."""

    def layer(name, *nodes, **config):
        return {
            "class_name": "Functional" if config else "InputLayer",
            "name": name,
            "config": {"name": name, **config},
            "inbound_nodes": [*nodes],
        }

    inner = layer("inner", [["x", 0, 0, {}]], [["inner", 1, 0, {}]], layers=[])
    outer = {"layers": [layer("x"), inner], "output_layers": [["inner", 2, 0]]}
    check_wiring({"config": outer}, "file")
    itself = layer("inner", [["x", 0, 0, {}]], [["inner", 2, 0, {}]], layers=[])
    outer = {"layers": [layer("x"), itself], "output_layers": [["inner", 2, 0]]}
    with pytest.raises(ne.InputError, match="in a circle: inner"):
        check_wiring({"config": outer}, "file")


def test_nothing_waits_for_values_afterwards(tmp_path):
    """What Keras 3 makes to see how large it is leaves no trace in Keras."""
    keras = keras_named("keras")
    if keras.__version__[0] == "2":
        pytest.skip("Keras 2 makes no such models")
    inputs = keras.Input((4,))
    path = tmp_path / "model.keras"
    keras.Model(inputs, keras.layers.Dense(4)(inputs)).save(path)
    from keras.src.backend.common import global_state

    ne.load_model(path)
    assert not global_state.get_global_attribute("uninitialized_variables")
