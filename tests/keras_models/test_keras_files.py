"""Loading saved Keras models of either version."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from keras_examples import (
    branching_model,
    image_model,
    keras3,
    keras_named,
    predict,
    randomize,
    sequence_model,
    subclassed_model,
)

import nengo_energy as ne
from nengo_energy import compat
from nengo_energy.keras_models import formats as keras_formats
from nengo_energy.keras_models.files import as_model, load_model

pytestmark = pytest.mark.tensorflow

#: Suffixes of the formats; a SavedModel is a folder.
FORMATS = (".keras", ".h5", "")


@pytest.fixture(params=["keras", "tf_keras"])
def kind(request):
    """Return Keras 3 and Keras 2, one after the other."""
    return keras_named(request.param)


@pytest.fixture(params=FORMATS, ids=["keras", "h5", "SavedModel"])
def suffix(request, kind):
    """Return the suffixes of the formats that a Keras writes, one after the other."""
    if request.param == "" and kind.__version__[0] != "2":
        pytest.skip("Keras 3 writes no SavedModel with layers")
    return request.param


def save(model, path):
    """Save a model in the format that the suffix of a path says."""
    options = {} if path.suffix else {"save_format": "tf"}
    model.save(path, **options)
    return path


def grown_model(kind):
    """A Sequential model without an input layer."""
    layers = [kind.layers.Dense(3, activation="relu"), kind.layers.Dense(2)]
    model = kind.Sequential(layers, name="grown")
    model.build((None, 4))
    return randomize(model)


def recurrent_model(kind):
    """Wrappers of wrappers, and a layer with a state of its own in a model within."""
    layers = kind.layers
    mean, variance = [0.1, 0.2, 0.3], [1.0, 2.0, 4.0]
    inner = [kind.Input((3,)), layers.Normalization(mean=mean, variance=variance)]
    scale = kind.Sequential([*inner, layers.Dense(3, name="deep")], name="scale")
    x = inputs = kind.Input((5, 3))
    x = layers.TimeDistributed(layers.BatchNormalization())(x)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    x = layers.GRU(3, reset_after=False)(x)
    return randomize(kind.Model(inputs, scale(x)))


@pytest.mark.parametrize(
    "build",
    [image_model, branching_model, sequence_model, grown_model, recurrent_model],
    ids=lambda function: function.__name__,
)
def test_loaded_model_computes_what_the_saved_one_does(kind, suffix, build, tmp_path):
    model = build(kind)
    path = save(model, tmp_path / f"model{suffix}")
    loaded = load_model(str(path) if suffix == ".h5" else path)
    assert isinstance(loaded, kind.Model)
    assert loaded.name == model.name
    assert [layer.name for layer in loaded.layers] == [x.name for x in model.layers]
    rng = np.random.RandomState(1)
    inputs = [
        rng.normal(size=(3, *tensor.shape[1:])).astype("float32")
        for tensor in model.inputs
    ]
    for expected, found in zip(predict(model, inputs), predict(loaded, inputs)):
        assert np.ptp(expected) > 0.01
        np.testing.assert_array_equal(found, expected)


def cnn(kind):
    layers = kind.layers
    x = image = kind.Input((8, 8, 2), name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    y = layers.Conv2D(4, 3, padding="same", name="same")(x)
    x = layers.ReLU(name="joined")(layers.Add(name="add")([x, y]))
    x = layers.AveragePooling2D(2, name="pool")(x)
    x = layers.Flatten(name="flat")(x)
    return randomize(kind.Model(image, layers.Dense(3, name="digit")(x), name="cnn"))


def test_a_file_converts_and_gives_the_same_outputs(kind, suffix, tmp_path):
    """The converted network, with rate neurons, against the model that was saved."""
    import nengo

    model = cnn(kind)
    model.compile("adam", "mse")
    path = save(model, tmp_path / f"model{suffix}")
    relu = compat.import_tensorflow().nn.relu
    snn = ne.convert(path, swap_activations={relu: nengo.RectifiedLinear()})
    assert isinstance(snn.model, kind.Model)
    assert snn.model is not model
    x = np.random.RandomState(0).uniform(-1, 1, size=(4, 8, 8, 2)).astype("float32")
    (expected,) = predict(model, [x])
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(predict(snn.clone.model, [x])[0], expected, atol=1e-5)
    with snn.simulator("nengo-dl", minibatch_size=4, progress_bar=False) as sim:
        data = {snn.inputs["image"]: x.reshape(4, 1, -1)}
        sim.run_steps(1, data=data)
        found = sim.data[snn.outputs["digit"]][:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert snn.outputs[snn.model.output] is snn.outputs["digit"]
    assert snn.inputs[snn.model.input] is snn.inputs["image"]
    assert snn.layers["conv"] is snn.layers[snn.model.get_layer("conv")]


def test_a_file_is_counted_as_its_model(kind, tmp_path):
    model = cnn(kind)
    path = save(model, tmp_path / "model.keras")
    counts = ne.count_layer_ops(str(path))
    # 3 x 3 x 2 x 4 weights at 6 x 6 places; 3 x 3 x 4 x 4 at 6 x 6; 36 x 3
    rows = {row.layer: row.connections for row in counts.layers if row.connections}
    assert rows == {"conv": 72 * 36, "same": 144 * 36, "digit": 108}
    assert counts.to_counts() == ne.count_layer_ops(model).to_counts()
    energy = ne.ModelEnergy(path)
    assert isinstance(energy.model, kind.Model)
    assert energy.total_energy("cpu") == ne.ModelEnergy(model).total_energy("cpu") > 0


def test_compile_state_is_left_out(kind, suffix, tmp_path):
    """Losses, optimizers and metrics that nobody knows, of models within as well."""

    def loss(y_true, y_pred):
        return y_pred - y_true

    inner = kind.Sequential([kind.Input((4,)), kind.layers.Dense(4)], name="inner")
    inner.compile("adam", loss)
    inputs = kind.Input((4,))
    model = randomize(kind.Model(inputs, inner(inputs)))
    model.compile("sgd", loss, metrics=[loss])
    loaded = load_model(save(model, tmp_path / f"model{suffix}"))
    x = np.ones((2, 4), "float32")
    np.testing.assert_array_equal(predict(loaded, [x]), predict(model, [x]))


def custom_layer(kind, **registered):
    class Scale(kind.layers.Layer):
        """Multiplies by a factor, with a weight of its own."""

        def __init__(self, factor=2.0, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def build(self, input_shape):
            self.offset = self.add_weight(name="offset", shape=(input_shape[-1],))

        def call(self, inputs):
            return self.factor * inputs + self.offset

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    return Scale


def double(x):
    return 2 * x


def custom_model(kind, scale):
    layers = kind.layers
    x = inputs = kind.Input((4,))
    x = layers.Dense(3, activation=double, name="dense")(x)
    return randomize(kind.Model(inputs, scale(3.0, name="own")(x)))


def test_custom_objects_are_those_that_are_passed(kind, suffix, tmp_path):
    scale = custom_layer(kind)
    model = custom_model(kind, scale)
    path = save(model, tmp_path / f"model{suffix}")
    objects = {"Scale": scale, "double": double}
    loaded = load_model(path, custom_objects=objects)
    assert objects == {"Scale": scale, "double": double}
    assert type(loaded.get_layer("own")) is scale
    x = np.random.RandomState(0).normal(size=(3, 4)).astype("float32")
    np.testing.assert_array_equal(predict(loaded, [x]), predict(model, [x]))
    with pytest.raises(ne.InputError, match="layer 'own' needs 'Scale'.*{'Scale': "):
        load_model(path, custom_objects={"double": double})


def test_registered_classes_must_be_passed_too(kind, suffix, tmp_path):
    register = getattr(kind, "saving", kind.utils).register_keras_serializable
    scale = custom_layer(kind)
    register("ours")(scale)
    try:
        path = save(custom_model(kind, scale), tmp_path / f"model{suffix}")
        for name in ("Scale", "ours>Scale"):
            loaded = load_model(path, {name: scale, "double": double})
            assert type(loaded.get_layer("own")) is scale
        with pytest.raises(ne.InputError, match="needs 'ours>Scale'"):
            load_model(path, {"double": double})
    finally:
        objects = getattr(kind, "saving", kind.utils).get_custom_objects()
        del objects["ours>Scale"]
    # and one that was never registered in this process
    loaded = load_model(path, {"Scale": scale, "double": double})
    assert type(loaded.get_layer("own")) is scale


def test_convert_takes_custom_objects(tmp_path):
    tf_keras = compat.import_tf_keras()

    class OwnDense(tf_keras.layers.Dense):
        """Its own class, but nothing else."""

    inputs = tf_keras.Input((4,))
    model = tf_keras.Model(inputs, OwnDense(3, name="own")(inputs))
    path = save(model, tmp_path / "model.h5")
    with pytest.raises(ne.InputError, match="needs 'OwnDense'"):
        ne.convert(path)
    snn = ne.convert(path, custom_objects={"OwnDense": OwnDense})
    assert snn.layers["own"].size_out == 3
    with pytest.raises(
        ne.InputError, match="the model is no path; it is a .*Functional"
    ):
        ne.convert(model, custom_objects={"OwnDense": OwnDense})
    with pytest.raises(
        ne.InputError, match="must map names to objects; got 'OwnDense'"
    ):
        ne.convert(path, custom_objects="OwnDense")


def test_a_model_is_passed_on_as_it_is():
    model = object()
    assert as_model(model) is model


@pytest.mark.parametrize("name", ["Softmax", "UnitNormalization"])
def test_axes_that_keras3_loses_from_hdf5_are_refused(name, tmp_path):
    """Keras 3 drops a list of axes when it reads the configuration in an .h5 file."""
    kind = keras3()
    inputs = kind.Input((3, 4))
    layer = getattr(kind.layers, name)(axis=(1, 2), name="both")
    model = kind.Model(inputs, layer(inputs))
    path = save(model, tmp_path / "model.h5")
    with pytest.raises(ne.UnsupportedError, match=r"layer 'both' has axis=\[1, 2\]"):
        load_model(path)
    x = np.random.RandomState(0).uniform(size=(2, 3, 4)).astype("float32")
    loaded = load_model(save(model, tmp_path / "model.keras"))
    np.testing.assert_array_equal(predict(loaded, [x]), predict(model, [x]))


# ------------------------------------------------------------ files that run code


class Sentinel:
    """A file that an attack would make."""

    def __init__(self, folder):
        self.path = folder / "sentinel"

    def is_made(self):
        found = self.path.exists()
        if found:
            self.path.unlink()
        return found

    def bytecode_function(self):
        """Return a function that makes the file, for Keras to save with its code."""
        # names that the function finds wherever it is loaded
        touch = f"__import__('pathlib').Path({str(self.path)!r}).touch()"
        return eval(f"lambda x: [x, {touch}][0]")


@pytest.fixture
def sentinel(tmp_path):
    return Sentinel(tmp_path)


def lambda_model(kind, function):
    inputs = kind.Input((4,))
    layer = kind.layers.Lambda(function, name="evil", output_shape=(4,))
    return kind.Model(inputs, layer(inputs))


def test_lambda_layers_are_refused(kind, suffix, sentinel, tmp_path):
    path = save(
        lambda_model(kind, sentinel.bytecode_function()), tmp_path / f"model{suffix}"
    )
    sentinel.is_made()  # by the symbolic call
    if kind.__version__[0] == "2" and suffix:
        # the attack works
        options = {"safe_mode": False} if zipfile.is_zipfile(path) else {}
        kind.models.load_model(path, **options)
        assert sentinel.is_made()
    for load in (load_model, ne.convert, ne.count_layer_ops):
        with pytest.raises(ne.UnsupportedError, match="layer 'evil' has 'Lambda'"):
            load(path)
    assert not sentinel.is_made()


def test_lambda_layers_of_known_functions_are_loaded(tmp_path):
    """Keras 3 saves the name of a function that is no lambda, and not its code."""
    kind = keras3()
    path = save(lambda_model(kind, double), tmp_path / "model.keras")
    with pytest.raises(ne.InputError, match="layer 'evil' needs 'double'"):
        load_model(path)
    loaded = load_model(path, {"double": double})
    np.testing.assert_array_equal(predict(loaded, [np.ones((1, 4))]), [[[2.0] * 4]])


def archive(path, config, version, **members):
    """Write a .keras file by hand."""
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("metadata.json", json.dumps({"keras_version": version}))
        target.writestr("config.json", json.dumps(config))
        for name, content in members.items():
            target.writestr(name, content)
    return path


def changed_archive(path, change, **members):
    """Change the configuration in a .keras file."""
    with zipfile.ZipFile(path) as source:
        config = json.loads(source.read("config.json"))
        version = json.loads(source.read("metadata.json"))["keras_version"]
        weights = source.read("model.weights.h5")
    change(config)
    members["model.weights.h5"] = weights
    return archive(path, config, version, **members)


@pytest.fixture
def dense_file(kind, tmp_path):
    """Return the path of a .keras file of one layer, and a function that changes it."""
    if kind.__version__ < "2.12" and kind.__version__[0] == "2":
        pytest.skip("this Keras writes no archives")
    inputs = kind.Input((4,))
    layer = kind.layers.Dense(3, name="dense", activation="relu")
    path = save(kind.Model(inputs, layer(inputs)), tmp_path / "model.keras")

    def change(**update):
        def apply(config):
            (dense,) = (
                layer
                for layer in config["config"]["layers"]
                if layer["name"] == "dense"
            )
            dense.update({k: v for k, v in update.items() if k in dense})
            dense["config"].update({k: v for k, v in update.items() if k not in dense})

        return changed_archive(path, apply)

    return path, change


def test_modules_are_not_imported(kind, sentinel, tmp_path, monkeypatch):
    """Of a file that names a module, which lies beside it and runs when imported."""
    (tmp_path / "evil_module.py").write_text(
        f"import pathlib; pathlib.Path({str(sentinel.path)!r}).touch()"
    )
    monkeypatch.syspath_prepend(tmp_path)
    config = {"module": "evil_module", "class_name": "Evil", "config": {}}
    path = archive(tmp_path / "model.keras", config, kind.__version__)
    if keras_formats.version_of(kind) == (2, 21):
        with pytest.raises(TypeError):  # the attack works
            kind.models.load_model(path, safe_mode=True)
        assert sentinel.is_made()
        sys.modules.pop("evil_module")
    with pytest.raises(ne.InputError, match="needs 'Evil' of module 'evil_module'"):
        load_model(path)
    assert "evil_module" not in sys.modules
    assert not sentinel.is_made()


def named_function(module, name):
    return {
        "module": module,
        "class_name": "function",
        "config": name,
        "registered_name": name,
    }


@pytest.mark.parametrize(
    "module, name",
    [
        ("os", "system"),
        ("builtins", "exec"),
        ("builtins", "print"),
        ("keras.utils", "get_file"),
        ("tf_keras.utils", "get_file"),
        ("keras.models", "load_model"),
        ("keras.activations", "deserialize"),
        ("keras.src.utils.file_utils", "relu"),
    ],
)
def test_functions_are_only_those_that_compute(dense_file, module, name):
    _, change = dense_file
    path = change(activation=named_function(module, name))
    with pytest.raises(
        ne.InputError, match=f"'dense' needs {name!r} of module {module!r}"
    ):
        load_model(path)


def test_harmless_functions_are_loaded(kind, dense_file):
    _, change = dense_file
    loaded = load_model(change(activation=named_function("builtins", "tanh")))
    assert loaded.get_layer("dense").activation is kind.activations.tanh


@pytest.mark.parametrize(
    "update",
    [
        {"module": "os", "class_name": "system", "registered_name": None},
        {"module": "subprocess", "class_name": "Popen", "registered_name": "Popen"},
        {"module": "keras.callbacks", "class_name": "ModelCheckpoint"},
        {"module": "keras.models", "class_name": "load_model"},
        {"module": None, "class_name": "Unheard"},
        # somebody's layer of the same name
        {"module": "somebody.layers", "class_name": "Dense"},
        # what somebody registered, under the name of a layer of Keras
        {"registered_name": "somebody>Dense"},
    ],
    ids=lambda update: update.get("class_name", "registered"),
)
def test_classes_are_only_those_that_compute(dense_file, update):
    _, change = dense_file
    name = update.get("registered_name") or update["class_name"]
    with pytest.raises(ne.InputError, match=f"layer 'dense' needs {name!r}"):
        load_model(change(**update))


@pytest.mark.parametrize(
    "name",
    [
        "StringLookup",
        "TextVectorization",
        "TFSMLayer",
        "TorchModuleWrapper",
        "JaxLayer",
    ],
)
def test_layers_that_read_other_files_are_refused(dense_file, name):
    _, change = dense_file
    with pytest.raises(ne.UnsupportedError, match=f"has {name!r}.*safe_mode=False"):
        load_model(change(class_name=name, vocabulary="/etc/hostname"))


def test_code_deep_within_is_found(dense_file):
    _, change = dense_file
    code = {"class_name": "__lambda__", "config": {"value": ["4wAAAA==", None, None]}}
    with pytest.raises(ne.UnsupportedError, match="layer 'dense' has '__lambda__'"):
        load_model(change(kernel_regularizer={"deep": [{"er": code}]}))


@pytest.mark.parametrize("name", [5, None, ["Dense"]])
def test_names_that_are_no_text(dense_file, name):
    _, change = dense_file
    with pytest.raises(ne.InputError, match="which isn't text"):
        load_model(change(class_name=name))


@pytest.mark.parametrize("function", ["io.write_file", "py_function", "raw_ops.Print"])
def test_functions_of_tensorflow_are_only_those_that_compute(
    function, suffix, tmp_path
):
    """Keras 2 makes a layer of every function of TensorFlow in a model."""
    tf_keras = compat.import_tf_keras()
    inputs = tf_keras.Input((4,))
    model = tf_keras.Model(inputs, inputs + 1.0)
    path = save(model, tmp_path / f"model{suffix}")
    x = np.ones((1, 4), "float32")
    np.testing.assert_array_equal(predict(load_model(path), [x]), [[[2.0] * 4]])
    replace_in_config(path, "math.add", "__operators__.add", function)
    with pytest.raises(ne.UnsupportedError, match="layer 'tf.* has 'TFOpLambda'"):
        load_model(path)


def replace_in_config(path, *words):
    """Replace some words, whichever it has, by the last in a file's configuration."""
    *old, new = words

    def replaced(text):
        for word in old:
            text = text.replace(word, new)
        return text

    if path.is_dir():
        messages = saved_metadata(path)
        for node in messages.nodes:
            node.metadata = replaced(node.metadata)
        (path / "keras_metadata.pb").write_bytes(messages.SerializeToString())
    elif zipfile.is_zipfile(path):
        changed_archive(
            path, lambda x: x.update(json.loads(replaced(json.dumps(x)))) or x
        )
    else:
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = replaced(file.attrs["model_config"])


def saved_metadata(path):
    package = compat.import_tf_keras().Model.__module__.partition(".")[0]
    module = __import__(f"{package}.protobuf.saved_metadata_pb2", fromlist=["x"])
    messages = module.SavedMetadata()
    messages.ParseFromString((path / "keras_metadata.pb").read_bytes())
    return messages


def test_functions_of_a_saved_model_are_not_read(tmp_path):
    """They could write files; the layers and the variables are enough."""
    model = cnn(compat.import_tf_keras())
    path = save(model, tmp_path / "model")
    (path / "saved_model.pb").write_bytes(b"no protocol buffer")
    x = np.random.RandomState(0).normal(size=(2, 8, 8, 2)).astype("float32")
    np.testing.assert_array_equal(predict(load_model(path), [x]), predict(model, [x]))


@pytest.mark.parametrize("name", ["../outside", "/outside", "assets/words.txt"])
def test_other_files_in_an_archive_are_not_extracted(dense_file, tmp_path, name):
    path, _ = dense_file
    changed_archive(path, lambda config: None, **{name: "content"})
    with pytest.raises(ne.UnsupportedError, match=f"files that aren't read: {name}"):
        load_model(path)
    assert not list(tmp_path.parent.glob("**/outside"))


def link(group, name, file):
    h5py = pytest.importorskip("h5py")
    del group[name]
    group[name] = h5py.ExternalLink(str(file), "/values")


def soft_link(group, name, file):
    h5py = pytest.importorskip("h5py")
    del group[name]
    group[name] = h5py.SoftLink("/elsewhere")


def external(group, name, file):
    shape = group[name].shape
    del group[name]
    group.create_dataset(name, shape, "f4", external=[(str(file), 0, 1024)])


def virtual(group, name, file):
    h5py = pytest.importorskip("h5py")
    shape = group[name].shape
    del group[name]
    layout = h5py.VirtualLayout(shape, "f4")
    layout[...] = h5py.VirtualSource(str(file), "values", shape)
    group.create_virtual_dataset(name, layout)


@pytest.mark.parametrize("how", [link, soft_link, external, virtual])
@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_values_from_other_files_are_refused(kind, suffix, how, tmp_path):
    h5py = pytest.importorskip("h5py")
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["values"] = np.ones((4, 3), "float32")
    inputs = kind.Input((4,))
    model = kind.Model(inputs, kind.layers.Dense(3, name="dense")(inputs))
    path = save(model, tmp_path / f"model{suffix}")
    weights = path
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as source:
            weights = Path(source.extract("model.weights.h5", tmp_path))
    with h5py.File(weights, "r+") as file:
        found = []
        file.visititems(
            lambda name, value: (
                found.append(name) if getattr(value, "shape", None) == (4, 3) else None
            )
        )
        how(file, found[0], secret)
    if weights != path:
        with zipfile.ZipFile(path) as source:
            config = json.loads(source.read("config.json"))
        members = {"model.weights.h5": weights.read_bytes()}
        archive(path, config, kind.__version__, **members)
    with pytest.raises(ne.UnsupportedError, match=f"lie in other files.*{found[0]}"):
        load_model(path)


# ------------------------------------------------------------ files that aren't models


def write(path, content):
    path.write_bytes(content)
    return path


def test_what_is_no_model_is_named_without_tensorflow(tmp_path):
    """The messages say what was found and what is allowed; nothing is imported."""
    files = {
        "missing.keras": None,
        "empty.keras": b"",
        "text.h5": b"weights",
        "model.json": b'{"class_name": "Sequential"}',
        "other.zip": None,
        "damaged.keras": None,
        "list.keras": None,
        "cut.h5": b"\x89HDF\r\n\x1a\n" + bytes(100),
        "weights.h5": None,
        "old.h5": None,
        "folder": None,
        "exported": None,
    }
    for name, content in files.items():
        if content is not None:
            write(tmp_path / name, content)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as target:
        target.writestr("readme.txt", "nothing")
    archive(tmp_path / "list.keras", ["Dense"], "3.0.0")
    with zipfile.ZipFile(tmp_path / "damaged.keras", "w") as target:
        target.writestr("metadata.json", "{}")
        target.writestr("config.json", '{"class_name": "Functional", ')
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.attrs["layer_names"] = ["dense"]
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["model_config"] = "{}"
    (tmp_path / "folder").mkdir()
    (tmp_path / "exported").mkdir()
    write(tmp_path / "exported" / "saved_model.pb", b"")
    script = """
import json, sys
import nengo_energy as ne
found = {}
for path in sys.argv[1:]:
    try:
        ne.load_model(path)
    except ne.NengoEnergyError as error:
        found[path] = [type(error).__name__, str(error)]
loaded = sorted({"tensorflow", "keras", "tf_keras"} & set(sys.modules))
print(json.dumps([found, loaded]))
"""
    paths = [str(tmp_path / name) for name in files]
    run = subprocess.run(
        [sys.executable, "-c", script, *paths], capture_output=True, text=True
    )
    found, loaded = json.loads(run.stdout)
    assert loaded == []
    messages = {Path(path).name: " ".join(error) for path, error in found.items()}
    expected = {
        "missing.keras": ["NotFoundError", "no file or folder"],
        "empty.keras": ["InputError", "is empty; allowed are a .keras file"],
        "text.h5": ["InputError", "neither a zip archive nor an HDF5 file; allowed"],
        "model.json": ["InputError", "looks like JSON", "allowed"],
        "other.zip": ["InputError", "lacks config.json", "allowed"],
        "damaged.keras": ["InputError", "is damaged: no JSON"],
        "list.keras": ["InputError", "JSON holds a list"],
        "cut.h5": ["InputError", "can't be read as a saved model"],
        "weights.h5": ["InputError", "no architecture", "model.save(", "load_weights"],
        "old.h5": ["UnsupportedError", "Keras 1", "Keras 2 and 3 are known"],
        "folder": ["InputError", "without saved_model.pb", "allowed"],
        "exported": ["UnsupportedError", "model.export", 'model.save("model.keras")'],
    }
    assert messages.keys() == expected.keys()
    for name, words in expected.items():
        assert name in messages[name]
        for word in words:
            assert word in messages[name], messages[name]


def test_damaged_files_are_named(kind, suffix, tmp_path):
    path = save(image_model(kind), tmp_path / f"model{suffix}")
    file = path / "variables" / "variables.index" if path.is_dir() else path
    content = file.read_bytes()
    for length in (len(content) // 2, len(content) - 100):
        file.write_bytes(content[:length])
        with pytest.raises(ne.InputError, match="model.*(damaged|can't be|neither)"):
            load_model(path)


def test_missing_weights_are_named(kind, suffix, tmp_path):
    path = save(image_model(kind), tmp_path / f"model{suffix}")
    if path.is_dir():
        shutil.rmtree(path / "variables")
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as source:
            config = json.loads(source.read("config.json"))
        archive(path, config, kind.__version__)
    else:
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "r+") as file:
            del file["model_weights"]
    with pytest.raises(
        ne.InputError, match="model.*(damaged|can't be loaded by .*keras)"
    ):
        load_model(path)


def test_variables_of_another_model_are_named(tmp_path):
    """Of a SavedModel: one that lacks a layer's weights."""
    tf_keras = compat.import_tf_keras()
    path = save(grown_model(tf_keras), tmp_path / "model")
    smaller = tf_keras.Sequential([tf_keras.Input((4,)), tf_keras.layers.Dense(3)])
    other = save(smaller, tmp_path / "smaller")
    shutil.rmtree(path / "variables")
    shutil.copytree(other / "variables", path / "variables")
    with pytest.raises(ne.InputError, match="model can't be loaded by .*keras"):
        load_model(path)


def test_weights_alone_are_no_model(kind, tmp_path):
    path = tmp_path / "model.weights.h5"
    image_model(kind).save_weights(path)
    with pytest.raises(
        ne.InputError, match="weights without a model_config.*model.save"
    ):
        load_model(path)


def test_an_exported_model_has_no_layers(tmp_path):
    tensorflow = compat.import_tensorflow()
    model = grown_model(tensorflow.keras)
    tensorflow.saved_model.save(model, str(tmp_path / "model"))
    with pytest.raises(ne.UnsupportedError, match="no layers; save the whole model"):
        load_model(tmp_path / "model")


def test_a_subclassed_saved_model_is_named(tmp_path):
    model = subclassed_model(compat.import_tf_keras())
    model(np.ones((1, 4), "float32"))
    path = save(model, tmp_path / "model")
    with pytest.raises(ne.UnsupportedError, match="holds 'Subclassed', no functional"):
        load_model(path)


def test_damaged_metadata_is_named(tmp_path):
    path = save(grown_model(compat.import_tf_keras()), tmp_path / "model")
    write(path / "keras_metadata.pb", b"\xff\xff\xff")
    with pytest.raises(ne.InputError, match="keras_metadata.pb can't be read"):
        load_model(path)
    write(path / "keras_metadata.pb", b"")
    with pytest.raises(ne.UnsupportedError, match="holds 'something', no functional"):
        load_model(path)


def test_the_format_is_told_by_the_content(kind, tmp_path):
    model = grown_model(kind)
    x = np.ones((1, 4), "float32")
    path = save(model, tmp_path / "model.keras")
    if zipfile.is_zipfile(path):
        path = path.rename(tmp_path / "model.zip")
    np.testing.assert_array_equal(predict(load_model(path), [x]), predict(model, [x]))
    # TensorFlow 2.10 and 2.11 wrote HDF5 under this name
    path = save(model, tmp_path / "model.h5").rename(tmp_path / "model.keras")
    if kind.__version__[0] == "2":
        found = predict(load_model(path), [x])
        np.testing.assert_array_equal(found, predict(model, [x]))
        path = path.rename(tmp_path / "model.hdf")
    with pytest.raises(ne.InputError, match="name that ends in .h5 or .*; rename it"):
        load_model(path)


def test_keras_that_is_not_installed_is_named(tmp_path, monkeypatch):
    path = archive(tmp_path / "model.keras", {}, "3.4.1")
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(ne.MissingDependencyError, match="saved by Keras 3.4.1.*pip"):
        load_model(path)

    class Keras2:
        __version__ = "2.15.0"

    monkeypatch.setitem(sys.modules, "keras", Keras2)
    message = "Keras 3.4.1, needs Keras 3, but keras 2.15.0 is installed"
    with pytest.raises(ne.MissingDependencyError, match=message):
        load_model(path)


def test_keras_too_old_for_archives_is_named(tmp_path, monkeypatch):
    path = archive(tmp_path / "model.keras", {}, "2.13.1")
    monkeypatch.setattr(keras_formats, "version_of", lambda keras: (2, 11))
    with pytest.raises(ne.MissingDependencyError, match="2.13.1.*tensorflow>=2.12"):
        load_model(path)


@pytest.mark.parametrize("version", ["1.2.2", "None"])
def test_other_versions_are_named(tmp_path, version):
    path = archive(tmp_path / "model.keras", {}, version)
    with pytest.raises(ne.UnsupportedError, match=f"saved by Keras {version}"):
        load_model(path)
