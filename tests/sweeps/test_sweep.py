"""Sweeps in one process: rows, errors, checkpoints."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from paths import HELPERS
from sweep_examples import GRID, N_INFERENCES, build_model, make_data

import nengo_energy as ne
from nengo_energy.comparison.reference import keras_outputs
from nengo_energy.conversion import converting as conversion, verifying
from nengo_energy.sweeps import checkpoint, work

pytestmark = pytest.mark.tensorflow

HERE = dict(scheduler="synchronous", progress=False)


@pytest.fixture(scope="module")
def model():
    return build_model()


@pytest.fixture(scope="module")
def data():
    return make_data()


@pytest.fixture(scope="module")
def swept(model, data):
    return ne.sweep(model, *data, GRID, **HERE)


@pytest.fixture
def simulated(monkeypatch):
    """Keys of the simulations that are run, with first and last inference."""
    seen = []
    run = work._run_chunk

    def note(job, simulation, chunk):
        seen.append((simulation.key, chunk.start, chunk.end))
        return run(job, simulation, chunk)

    monkeypatch.setattr(work, "_run_chunk", note)
    return seen


def test_rows_are_what_each_stage_says(model, data, swept):
    """Every point converted, measured and priced by itself, without a sweep."""
    x, labels = data
    frame = swept.to_frame()
    assert len(frame) == 6 and not frame["error"].any()
    keras = model.predict(x, verbose=0).argmax(axis=1)
    for _, row in frame.iterrows():
        snn = ne.convert(model, scale_firing_rates=row["scale_firing_rates"])
        activity = snn.measure(x, int(row["timesteps"]), progress=False)
        assert row["accuracy"] == activity.accuracy(labels)
        assert row["keras_accuracy"] == np.mean(keras == labels)
        found = activity.outputs[snn.output_probes[0]].argmax(axis=1)
        assert row["agreement"] == np.mean(found == keras)
        spikes = sum(p.spikes.sum() for p in activity.populations.values())
        assert row["spikes"] == spikes / N_INFERENCES
        counts = snn.count(activity)
        assert row["synops"] == counts.total("synop") / N_INFERENCES
        estimate = snn.estimate(activity, ["loihi", "cpu"])
        for device in ("loihi", "cpu"):
            assert row[f"energy {device}"] == estimate.total(device)
            ends = (row[f"low {device}"], row[f"high {device}"])
            assert ends == estimate.interval(device)
        assert row["accuracy_low"] < row["accuracy"] < row["accuracy_high"]
        assert (row["seed"], row["n_inferences"]) == (0, N_INFERENCES)
        assert "numba" in row["versions"]
    assert frame["spikes"].max() > 10 and frame["accuracy"].nunique() > 1


def test_points_share_simulations(model, data, simulated):
    ne.sweep(model, *data, GRID, **HERE)
    assert len(simulated) == 2


@pytest.mark.parametrize("chunk_size", [1, 4, 10])
def test_chunks_are_merged_exactly(model, data, swept, chunk_size, simulated):
    """Whatever they are: the same integers, so the same row to the last bit."""
    grid = {**GRID, "scale_firing_rates": [400]}
    cut = ne.sweep(
        model, *data, grid, chunk_size=chunk_size, minibatch_size=5, **HERE
    ).to_frame()
    whole = swept.to_frame()
    whole = whole[whole["scale_firing_rates"] == 400].reset_index(drop=True)
    assert_frame_equal(cut, whole, check_exact=True)
    assert len(simulated) == -(-N_INFERENCES // chunk_size)


def test_a_point_that_fails_is_a_row_with_its_error(data):
    def build(width):
        if width == 5:
            raise ValueError("no model\nof width 5")
        return build_model(width)

    grid = {"width": [4, 5], "timesteps": [5, 10], "devices": "loihi"}
    found = ne.sweep(build, *data, {**grid, "scale_firing_rates": 300}, **HERE)
    frame = found.to_frame()
    failed = frame["width"] == 5
    assert (frame["error"][failed] == "ValueError: no model of width 5").all()
    assert (
        frame.loc[failed, ["accuracy", "energy loihi", "synops"]].isna().all(axis=None)
    )
    assert (frame["error"][~failed] == "").all()
    assert frame.loc[~failed, "energy loihi"].gt(0).all()
    assert len(found.failed) == 2 and "width=5, timesteps=5, ValueError" in str(found)
    assert found.pareto("loihi").index.isin(frame.index[~failed]).all()
    assert found.recommend("loihi", 1.0).settings["width"] == 4


def test_conversion_that_fails_and_settings_that_reach_it(model, data):
    """AdaptiveLIF and a filter are simulated; where all fails, nothing is best."""
    x, labels = data
    grid = {"neuron": ["AdaptiveLIF"], "synapse": [0.01], "simulator": ["nengo"]}
    found = ne.sweep(
        model, x[:2], labels[:2], {**grid, "timesteps": 3, "dt": 0.002}, **HERE
    )
    (point,) = found.points
    assert point.error is None
    settings = point.estimate.settings
    assert settings["neuron_types"] == ["AdaptiveLIF"]
    assert (settings["synapse"], settings["dt"]) == (0.01, 0.002)
    assert settings["simulator"] == "nengo"
    failed = ne.sweep(lambda: model, x[:1], [7], {"timesteps": [3, 4]}, **HERE)
    with pytest.raises(ne.InputError, match="all 2 points.*failed.*between 0 and 2"):
        failed.recommend("loihi")
    assert "Failed" in str(failed) and len(failed.pareto("loihi")) == 0


def test_conversion_is_verified_once_a_model(data, monkeypatch):
    """And at every point, where it fails: rate neurons tell as much at any scale."""
    verified = []
    verify = conversion.verify_conversion

    def note(*arguments, **options):
        verified.append(1)
        return verify(*arguments, **options)

    monkeypatch.setattr(conversion, "verify_conversion", note)
    grid = {"scale_firing_rates": [1, 50, 90], "timesteps": 2, "devices": "loihi"}
    ne.sweep(build_model, *data, {**grid, "width": [4, 5]}, **HERE)
    assert len(verified) == 2
    off = {"convert_options": {"verify": False}, **HERE}
    ne.sweep(build_model, *data, {**grid, "width": [4, 5]}, **off)
    assert len(verified) == 2
    monkeypatch.setattr(verifying, "TOLERANCE", -1)
    found = ne.sweep(build_model, *data, {**grid, "width": 4}, **HERE)
    assert len(found.failed) == 3 and len(verified) == 5


def test_models_are_built_anew_for_each_sweep(data):
    """A function may return another, as after more training, and be the same text."""
    models = []

    def build():
        return models[-1]

    grid = {"scale_firing_rates": 400, "timesteps": 20, "devices": "loihi"}
    spikes = []
    for width in (4, 40):
        models.append(build_model(width))
        spikes += [
            point.spikes for point in ne.sweep(build, *data, grid, **HERE).points
        ]
    assert spikes[0] != spikes[1]
    assert not work._models and not work._networks  # none stays in memory


def test_activations_may_be_swapped_at_all_points(model, data, tmp_path):
    """By functions, which a checkpoint knows by name."""
    import nengo

    from nengo_energy.compat import import_tensorflow

    relu = import_tensorflow().nn.relu
    options = {"swap_activations": {relu: nengo.RegularSpiking(nengo.Sigmoid())}}
    grid = {"timesteps": 3, "simulator": "nengo", "devices": "loihi"}
    arguments = dict(convert_options=options, checkpoint=tmp_path, **HERE)
    found = ne.sweep(model, data[0][:1], data[1][:1], grid, **arguments)
    settings = found.points[0].estimate.settings
    assert settings["neuron_types"] == ["RegularSpiking"]
    ((name, neuron),) = found.settings["convert_options"]["swap_activations"].items()
    assert name == "relu" and neuron.startswith("RegularSpiking")


def test_seed_decides_random_initial_states(model, data):
    grid = {"neuron": "SpikingRectifiedLinear", "scale_firing_rates": 100}
    grid = {**grid, "timesteps": 20, "devices": "loihi"}
    one, same, other = (
        ne.sweep(model, *data, grid, seed=seed, **HERE).to_frame() for seed in (1, 1, 2)
    )
    assert_frame_equal(one, same, check_exact=True)
    assert one["spikes"][0] != other["spikes"][0]
    assert (one["seed"][0], other["seed"][0]) == (1, 2)


def test_pareto_and_recommendation(swept):
    # 100 Hz over 5 timesteps silence a layer: cheapest of all, and on no front
    everything = swept.to_frame()
    frame = everything[~everything["dead"]]
    assert 0 < len(frame) < len(everything)
    assert everything["energy loihi"].idxmin() not in frame.index
    n_dead = len(everything) - len(frame)
    assert str(swept).startswith(f"Warning: {n_dead} of 6 points have silent layers")
    front = swept.pareto("Loihi")
    assert front["energy loihi"].is_monotonic_increasing
    assert front["accuracy"].is_monotonic_increasing
    for index, row in frame.iterrows():
        beaten = (
            (frame["energy loihi"] <= row["energy loihi"])
            & (frame["accuracy"] >= row["accuracy"])
            & (
                (frame["energy loihi"] < row["energy loihi"])
                | (frame["accuracy"] > row["accuracy"])
            )
        ).any()
        assert beaten == (index not in front.index)
    drop = 0.2
    enough = frame[frame["accuracy"] >= frame["keras_accuracy"] - drop - 1e-9]
    best = swept.recommend("loihi", drop)
    assert best.estimate.total("loihi") == enough["energy loihi"].min()
    assert str(best).startswith("scale_firing_rates=")
    with pytest.warns(UserWarning, match="within 0.0% of the accuracy of 200.0%"):
        nearest = swept.recommend("loihi", 0, reference=2)
    assert nearest.accuracy.value == frame["accuracy"].max()


def test_latency_is_an_objective_where_it_is_known(model, data):
    """In real time 5 timesteps take 5 ms; energy alone wouldn't keep the slow ones."""
    prices = {"synop": 1e-12, "neuron_update": 1e-12}
    ne.register_device("clocked", kind="event", energies=prices, real_time=True)
    grid = {"timesteps": [5, 20], "dt": [0.001, 0.002], "devices": ["loihi", "clocked"]}
    found = ne.sweep(model, *data, {**grid, "scale_firing_rates": 2000}, **HERE)
    frame = found.to_frame()
    by_hand = frame["timesteps"] * frame["dt"]
    assert frame["latency clocked"].tolist() == pytest.approx(by_hand.tolist())
    assert frame["latency loihi"].isna().all()
    front = found.pareto("clocked", ["energy", "latency"])
    assert front["latency clocked"].min() == pytest.approx(0.005)
    assert len(found.pareto("clocked", ["latency"])) == 1
    with pytest.raises(ne.InputError, match="latency on device 'loihi' isn't known"):
        found.pareto("loihi", ["energy", "latency"])
    with pytest.raises(ne.InputError, match="objectives must be one of energy"):
        found.pareto("loihi", ["power"])
    with pytest.raises(ne.InputError, match="objectives must be some of"):
        found.pareto("loihi", "energy")
    with pytest.raises(ne.NotFoundError, match="'cpu' isn't in this sweep; known: loi"):
        found.pareto("cpu")


def test_json_holds_every_digit(swept):
    content = json.loads(swept.to_json())
    frame = swept.to_frame()
    assert [p["energy loihi"] for p in content["points"]] == list(frame["energy loihi"])
    assert content["points"][0]["synapse"] is None
    assert content["grid"]["timesteps"] == [20, 5, 30]
    assert content["settings"]["n_inferences"] == N_INFERENCES


def test_multiple_inputs_and_outputs(data):
    from nengo_energy.compat import import_tf_keras

    keras = import_tf_keras()
    keras.utils.set_random_seed(0)
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    h = keras.layers.Dense(5, "relu")(keras.layers.Concatenate()([a, b]))
    heads = [keras.layers.Dense(n, name=f"head_{n}")(h) for n in (2, 3)]
    two = keras.Model([a, b], heads)
    x, labels = data
    grid = {"timesteps": 10, "scale_firing_rates": 300, "devices": "loihi"}
    frames = [
        ne.sweep(two, given, labels, grid, output="head_3", chunk_size=6, **HERE)
        for given in ([x, -x], {"b": -x, "a": x})
    ]
    by_tensor = ne.sweep(two, [x, -x], labels, grid, output=two.outputs[1], **HERE)
    for found in (*frames[1:], by_tensor):
        assert_frame_equal(found.to_frame(), frames[0].to_frame(), check_exact=True)
    snn = ne.convert(two, scale_firing_rates=300)
    keras_head = keras_outputs(snn, snn.as_input([x, -x]))[1]
    expected = np.mean(keras_head.argmax(axis=1) == labels)
    assert frames[0].points[0].keras_accuracy.value == expected
    message = "2 outputs; say which to judge with output=, of head_2, head_3"
    with pytest.raises(ne.InputError, match=message):
        ne.sweep(two, [x, -x], labels, grid, **HERE)
    failed = ne.sweep(lambda: two, [x, -x], labels, grid, **HERE).points[0]
    assert message in failed.error
    for given in (x, {"a": x}):
        with pytest.raises(ne.InputError, match="has the inputs a, b; got"):
            ne.sweep(two, given, labels, grid, output="head_3", **HERE)


@pytest.mark.parametrize("chunk_size", [None, 4])
def test_binary_classifiers_and_positions(data, tmp_path, chunk_size):
    """Shares by hand, from the outputs of one measurement."""
    from nengo_energy.compat import import_tf_keras

    keras = import_tf_keras()
    keras.utils.set_random_seed(0)
    x = keras.Input((4,))
    h = keras.layers.Dense(6, "relu")(x)
    one = keras.Model(x, keras.layers.Dense(1)(h))
    maps = keras.layers.Reshape((2, 3))(keras.layers.Dense(6)(h))
    grid = {"timesteps": 10, "scale_firing_rates": 300, "devices": "loihi"}
    rng = np.random.RandomState(0)
    inputs = data[0]
    for model, size, classes in ((one, (), 2), (keras.Model(x, maps), (2,), 3)):
        labels = rng.randint(classes, size=(N_INFERENCES, *size))
        options = dict(chunk_size=chunk_size, checkpoint=tmp_path / str(size), **HERE)
        found = ne.sweep(model, inputs, labels, grid, **options).points[0]
        again = ne.sweep(model, inputs, labels, grid, **options).points[0]
        assert again.error is None and again.accuracy == found.accuracy
        snn = ne.convert(model, scale_firing_rates=300)
        (output,) = snn.measure(inputs, 10, progress=False).outputs.values()
        keras_output = model.predict(inputs, verbose=0)
        if size:
            decided = output.reshape(-1, 2, 3).argmax(axis=2), keras_output.argmax(2)
        else:
            decided = output[:, 0] > 0, keras_output[:, 0] > 0
        assert found.accuracy.value == np.mean(decided[0] == labels)
        assert found.keras_accuracy.value == np.mean(decided[1] == labels)
        assert found.agreement.value == np.mean(decided[0] == decided[1])
        assert found.accuracy.n == labels.size
        (population,) = snn.measure(inputs, 10, progress=False).populations.values()
        assert population.spikes.any()
        assert found.spikes == population.spikes.sum() / N_INFERENCES


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"labels": [0, 1]}, r"labels must have the shape \(11,\)"),
        ({"labels": np.full(N_INFERENCES, 3)}, "labels must be between 0 and 2"),
        ({"x": np.zeros((N_INFERENCES, 5))}, r"'x' must have the shape \(n, 4\); got"),
        ({"grid": {}}, "grid is empty"),
        ({"grid": {"hidden": [1]}}, "unknown names hidden"),
        ({"grid": {"timesteps": 5, "devices": ["abacus"]}}, "'abacus' not found"),
        ({"grid": {"timesteps": 5, "devices": ["loihi2"]}}, "can't be estimated"),
        ({"host": "loihi"}, "host must be a device that prices mac"),
        ({"scheduler": "threads"}, "scheduler must be one of"),
        ({"client": "tcp://localhost"}, "client must be a dask.distributed.Client"),
        ({"n_workers": 0}, "n_workers must be"),
        ({"seed": -1}, "seed must be"),
        ({"chunk_size": 0}, "chunk_size must be"),
        ({"convert_options": {"synapse": 1}}, "convert_options holds synapse; allowed"),
        ({"model": "nothing.keras"}, "nothing.keras"),
        ({"model": 3}, "model is a builtins.int"),
    ],
)
def test_bad_arguments(model, data, changes, message):
    arguments = {"model": model, "x": data[0], "labels": data[1], "grid": GRID}
    arguments = {**arguments, **HERE, **changes}
    errors = (ne.InputError, ne.NotFoundError, ne.UnsupportedError)
    with pytest.raises(errors, match=message):
        ne.sweep(**arguments)


def test_finished_work_is_not_done_again(model, data, swept, simulated, tmp_path):
    folder = tmp_path / "deep" / "sweep"
    options = dict(checkpoint=folder, chunk_size=6, minibatch_size=6, **HERE)
    first = ne.sweep(model, *data, GRID, **options)
    assert len(simulated) == 4
    names = sorted(p.name for p in folder.iterdir())
    assert len(names) == 5 and names[-1] == "_sweep.json"
    # what is lost is run again, and only that
    (folder / names[0]).unlink()
    again = ne.sweep(model, *data, GRID, **options)
    assert len(simulated) == 5
    assert_frame_equal(first.to_frame(), again.to_frame(), check_exact=True)
    assert_frame_equal(again.to_frame(), swept.to_frame(), check_exact=True)
    # other devices are priced from the same counts, and another host
    other = {**GRID, "devices": ["spinnaker"]}
    priced = ne.sweep(model, *data, other, host="cpu", **options)
    assert len(simulated) == 5 and priced.devices == ("spinnaker",)
    # other programs can read it
    table = pd.read_parquet(folder)
    assert len(table) == 4 * 3 and set(table["timesteps"]) == {5, 20, 30}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"grid": {**GRID, "timesteps": [5]}}, r"grid was \{.*20.*\}, is"),
        ({"seed": 3}, "seed was 0, is 3"),
        ({"labels": np.zeros(N_INFERENCES)}, "data was"),
        ({"x": np.zeros((N_INFERENCES, 4))}, "data was"),
        ({"chunk_size": 3}, "chunk_size was 512, is 3"),
        (
            {"convert_options": {"verify": False}},
            'convert_options was {}, is {"verify"',
        ),
        ({"model": "other"}, "model was"),
    ],
)
def test_checkpoint_of_another_sweep_is_refused(
    model, data, simulated, tmp_path, changes, message
):
    arguments = {"model": model, "x": data[0], "labels": data[1], "grid": GRID}
    arguments = {**arguments, **HERE, "checkpoint": tmp_path}
    checkpoint.Checkpoint(tmp_path, _identity(arguments)).close()
    if "model" in changes:
        changes = {"model": build_model(width=7)}
    with pytest.raises(ne.InputError, match=f"is of another sweep: .*{message}"):
        ne.sweep(**{**arguments, **changes})
    assert simulated == []


def _identity(arguments):
    """Return what a sweep writes about itself before it runs anything."""
    found = {}

    class Stop(Exception):
        pass

    def note(folder, identity):
        found.update(identity)
        raise Stop

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nengo_energy.sweeps.exploring.Checkpoint", note)
        with pytest.raises(Stop):
            ne.sweep(**arguments)
    return found


def test_folder_that_cannot_be_written_is_refused_before_anything_runs(
    model, data, simulated, tmp_path
):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ne.InputError, match="can't be written: Not a directory"):
        ne.sweep(model, *data, GRID, checkpoint=file / "sweep", **HERE)
    (tmp_path / "x.parquet").write_text("")
    with pytest.raises(ne.InputError, match="holds results of something else"):
        ne.sweep(model, *data, GRID, checkpoint=tmp_path, **HERE)
    assert simulated == []


def test_damaged_checkpoints_are_named(model, data, tmp_path):
    options = dict(checkpoint=tmp_path, **HERE)
    ne.sweep(model, *data, GRID, **options)
    file = sorted(tmp_path.glob("*.parquet"))[0]
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ne.InputError, match=f"{file.name} can't be read.*delete it"):
        ne.sweep(model, *data, GRID, **options)
    (tmp_path / "_sweep.json").write_text("{")
    with pytest.raises(ne.InputError, match="isn't JSON"):
        ne.sweep(model, *data, GRID, **options)


def test_a_checkpoint_has_one_writer(model, data, simulated, tmp_path):
    """The second is refused, whichever sweep it is, until the first has ended."""
    first = {"model": model, "x": data[0], "labels": data[1], "grid": GRID, **HERE}
    first["checkpoint"] = tmp_path / "sweep"
    with checkpoint.Checkpoint(tmp_path / "sweep", _identity(first)):
        for changes in ({}, {"seed": 3}):
            with pytest.raises(ne.InputError, match="sweep is in use by another sweep"):
                ne.sweep(**{**first, **changes})
    assert simulated == []
    with pytest.raises(ne.InputError, match="seed was 0, is 3"):
        ne.sweep(**{**first, "seed": 3})  # and one that is refused lets go of it
    ne.sweep(**first)


def test_foreign_files_are_named_and_parts_passed_over(model, data, swept, tmp_path):
    options = dict(checkpoint=tmp_path, **HERE)
    ne.sweep(model, *data, GRID, **options)
    part = tmp_path / ".a.0123.part.parquet"
    part.write_bytes(b"what a killed sweep has left")
    found = ne.sweep(model, *data, GRID, **options)
    assert_frame_equal(found.to_frame(), swept.to_frame(), check_exact=True)
    foreign = tmp_path / "foreign.parquet"
    pd.DataFrame({"a": [1.0]}).to_parquet(foreign)
    with pytest.raises(ne.InputError, match=f"{foreign.name} can't be read.*delete it"):
        ne.sweep(model, *data, GRID, **options)


def in_a_row(column, value):
    """Return what puts a value into a column of a finished result."""

    def change(file):
        frame = pd.read_parquet(file)
        frame[column] = value
        frame.to_parquet(file, index=False)

    return change


def elsewhere(file):
    file.unlink()
    file.symlink_to(file.parent.parent / "elsewhere")


def many_rows(file):
    """100 rows of one text of 1 MB, stored once."""
    frame = pd.read_parquet(file).iloc[[0] * 100]
    frame["counts"] = "x" * 10**6
    frame.to_parquet(file, index=False)


def no_file(file):
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    "harm, said",
    [
        (in_a_row("timesteps", -1), "too small"),
        (in_a_row("timesteps", 10**6), "holds no result of"),
        (in_a_row("correct", -1), "too small"),
        (in_a_row("correct", 10**18), "too large"),
        (in_a_row("positions", -1), "too small"),
        (in_a_row("spikes", np.nan), "too large, or none"),
        (in_a_row("counts", "[" * 50_000), "recursion"),
        (many_rows, "unpacks to more than 10 MB"),
        (elsewhere, "is a link"),
        (no_file, "or no file"),
    ],
)
def test_results_of_strangers_are_named(harm, said, model, data, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "MAX_BYTES", 10**7)
    options = dict(checkpoint=tmp_path / "sweep", **HERE)
    grid = {"timesteps": [5], "scale_firing_rates": [200]}
    ne.sweep(model, *data, grid, **options)
    (file,) = (tmp_path / "sweep").glob("*.parquet")
    harm(file)
    with pytest.raises(ne.InputError, match=f"{file.name} .*{said}.*delete it"):
        ne.sweep(model, *data, grid, **options)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("content", ["[1]", "null", "[" * 50_000, "9" * 5000])
def test_foreign_identities_are_named(content, tmp_path):
    (tmp_path / "_sweep.json").write_text(content)
    with pytest.raises(ne.InputError, match="_sweep.json isn't JSON"):
        checkpoint.Checkpoint(tmp_path, {})


def test_full_disk_loses_nothing(model, data, swept, tmp_path, monkeypatch):
    """The disk is full for the first two results; there is room for the last two."""
    written = []
    write = checkpoint._write

    def full(path, content):
        if path.suffix == ".parquet":
            written.append(path)
            if len(written) <= 2:
                raise ne.InputError(f"{path}: {os.strerror(errno.ENOSPC)}")
        write(path, content)

    monkeypatch.setattr(checkpoint, "_write", full)
    options = dict(chunk_size=6, minibatch_size=6, checkpoint=tmp_path, **HERE)
    with pytest.warns(UserWarning, match="No space left on device. The sweep goes on"):
        found = ne.sweep(model, *data, GRID, **options)
    assert_frame_equal(found.to_frame(), swept.to_frame(), check_exact=True)
    assert len(list(tmp_path.glob("*.parquet"))) == 4


def test_no_half_written_file_stays(tmp_path, monkeypatch):
    def fail(*paths):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(ne.InputError, match="broken"):
        checkpoint._write(tmp_path / "a.parquet", b"content")
    assert list(tmp_path.iterdir()) == []


KILLED = """
import sys, time
import nengo_energy as ne
from nengo_energy.sweeps.checkpoint import Checkpoint
from sweep_examples import GRID, build_model, make_data
save = Checkpoint.save
Checkpoint.save = lambda *args: (save(*args), time.sleep(0.2))  # there is time to kill
ne.sweep(build_model(), *make_data(), GRID, checkpoint=sys.argv[1], chunk_size=1,
         minibatch_size=5, scheduler="synchronous", progress=False)
"""


def test_killed_and_started_again(model, data, swept, simulated, tmp_path):
    """Killed without warning when some of 22 chunks are there; the rest is run."""
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, cwd=HELPERS, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 120
        while (
            len(list(tmp_path.glob(checkpoint.RESULTS))) < 3 and time.monotonic() < end
        ):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    n_done = len(list(tmp_path.glob(checkpoint.RESULTS)))  # a part may lie there too
    assert 3 <= n_done < 2 * N_INFERENCES
    options = dict(checkpoint=tmp_path, chunk_size=1, minibatch_size=5, **HERE)
    found = ne.sweep(model, *data, GRID, **options)
    assert len(simulated) == 2 * N_INFERENCES - n_done
    assert_frame_equal(found.to_frame(), swept.to_frame(), check_exact=True)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_scales_of_auto_are_those_of_convert(model, data):
    """In one process and in others, with inputs as arrays and as a dataset."""
    x, labels = data
    snn = ne.convert(model, scale_firing_rates="auto", example_data=x)
    activity = snn.measure(x, 20, labels=labels, progress=False)
    grid = {"scale_firing_rates": ["auto", 50], "timesteps": 20, "devices": "loihi"}
    pairs = ((x[i], labels[i]) for i in range(len(x)))
    swept = ne.sweep(model, pairs, None, grid, **HERE)
    again = ne.sweep(model, x, labels, grid, chunk_size=4, n_workers=1, progress=False)
    for point in (swept.points[0], again.points[0]):
        spikes = sum(p.spikes.sum() for p in activity.populations.values())
        assert point.spikes == spikes / len(x) > 0
        assert point.accuracy.value == activity.accuracy(labels)
    assert swept.points[1].spikes != swept.points[0].spikes
    with pytest.raises(ne.InputError, match="labels must be given"):
        ne.sweep(model, x, None, grid, **HERE)


def test_figure_has_a_front_for_each_device(swept):
    pytest.importorskip("matplotlib")
    assert legend(swept.plot()) == [*swept.devices, "Keras model", "recommended"]
    for one in ("LOIHI", ["loihi"], ne.devices.get("loihi")):
        figure = swept.plot(one)
        assert legend(figure) == ["loihi", "Keras model", "recommended"]
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    best = swept.recommend("loihi", max_accuracy_drop=0.01)
    ring = (best.estimate.total("loihi"), best.accuracy.value)
    assert [tuple(xy) for xy in lines["recommended"].get_xydata()] == [ring]
    assert set(lines["Keras model"].get_ydata()) == {swept.keras_accuracy}
    with pytest.raises(ne.NotFoundError, match="nowhere"):
        swept.plot(["nowhere"])
