"""Measuring a machine: meters with Zeus's interface, recorded readings, the file."""

from __future__ import annotations

import datetime
import inspect
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy import devices
from nengo_energy.calibration import measuring
from nengo_energy.calibration.calibrating import calibrate
from nengo_energy.calibration.device_file import (
    device_data,
    dynamic_energies,
    idle_power,
)
from nengo_energy.calibration.measuring import Reading, Readings, measure_models
from nengo_energy.calibration.meters import Meter, Window, open_meter
from nengo_energy.cli import program as cli
from nengo_energy.common.exceptions import (
    InputError,
    MissingDependencyError,
    UnsupportedError,
)
from nengo_energy.counts import OpCount, OpCounts
from nengo_energy.devices.files import parse_device
from nengo_energy.devices.writing import format_device_file

# One H100 in bf16 at batch size 64, NVML's counter: name, MACs, W, inferences/s.
RECORDED = (
    ("kws", 172_800, 135.6, 593_361.0),
    ("mlp", 36_806_656, 260.4, 521_737.0),
    ("vgg", 154_866_688, 292.5, 137_488.0),
    ("resnet", 4_089_184_256, 510.1, 7_930.33),
)
DAY = datetime.date(2026, 3, 14)


def recorded(**fields):
    given = {
        "models": tuple(
            Reading(name, macs, 640, power / rate, 1 / rate)
            for name, macs, power, rate in RECORDED
        ),
        "idle": (124.2, 124.7, 125.2, 124.6, 124.8, 124.7),
        "meter": "gpu",
        "batch_size": 64,
    }
    return Readings(**{**given, **fields})


class FakeMonitor:
    """A meter with the interface of zeus.monitor.ZeusMonitor.

    It counts ``powers`` [W] in turn, one for each window, over the window's own time.
    """

    def __init__(self, powers=(), gpu_indices=(0,), cpu_indices=(), dram=0.0):
        self.powers = list(powers)
        self.gpu_indices = list(gpu_indices)
        self.cpu_indices = list(cpu_indices)
        self.dram = dram
        self.started = {}

    def begin_window(self, key, sync_execution=True, restart=False):
        if key in self.started:
            raise ValueError(f"Measurement window '{key}' already exists")
        self.started[key] = time.perf_counter()

    def end_window(self, key, sync_execution=True, cancel=False):
        elapsed = time.perf_counter() - self.started.pop(key)
        power = self.powers.pop(0) if self.powers else 0.0
        return SimpleNamespace(
            time=elapsed,
            gpu_energy={i: power * elapsed for i in self.gpu_indices},
            cpu_energy={i: power * elapsed for i in self.cpu_indices} or None,
            dram_energy={i: self.dram * elapsed for i in self.cpu_indices} or None,
        )


class FakeModel:
    """What measuring needs of a Keras model, without Keras."""

    def __init__(self, macs, shapes=((None, 5),)):
        self.macs = macs
        self.inputs = [SimpleNamespace(shape=shape) for shape in shapes]
        self.batches = []

    def predict_on_batch(self, x):
        self.batches.append(x)


@pytest.fixture
def fake_models(monkeypatch):
    monkeypatch.setattr(
        measuring,
        "count_layer_ops",
        lambda model: SimpleNamespace(connections=model.macs),
    )
    return {"small": FakeModel(1_000), "large": FakeModel(9_000, ((None, 2, 3),) * 2)}


# --- meters ------------------------------------------------------------------------


def test_gpu_meter_reads_the_gpu_alone():
    monitor = FakeMonitor([50.0], gpu_indices=[0], cpu_indices=[0, 1])
    window = Meter("gpu", monitor).measure(lambda: time.sleep(0.01))
    assert window.energy == pytest.approx(50.0 * window.time)
    assert window.time >= 0.01


def test_cpu_meter_adds_packages_and_their_memory():
    monitor = FakeMonitor([20.0], gpu_indices=[0], cpu_indices=[0, 1], dram=3.0)
    window = Meter("cpu", monitor).measure(lambda: None)
    assert window.energy == pytest.approx(2 * (20.0 + 3.0) * window.time)


def test_window_is_closed_when_the_work_fails():
    monitor = FakeMonitor([1.0, 1.0])
    meter = Meter("gpu", monitor)
    with pytest.raises(ZeroDivisionError):
        meter.measure(lambda: 1 / 0)
    assert isinstance(meter.measure(lambda: None), Window)


@pytest.mark.parametrize("kind", ["gpu", "cpu"])
def test_meter_that_doesnt_count_is_an_error(kind):
    monitor = FakeMonitor([0.0], cpu_indices=[0])
    with pytest.raises(UnsupportedError, match="counted 0 J in .* s; measure for long"):
        Meter(kind, monitor).measure(lambda: None)


@pytest.mark.parametrize(
    "indices, wanted, found",
    [
        (([0], [0]), None, "gpu"),
        (([0], [0]), "cpu", "cpu"),
        (([], [0, 1]), None, "cpu"),
        (([0], []), "gpu", "gpu"),
    ],
)
def test_meter_is_the_gpu_if_there_is_one(indices, wanted, found):
    monitor = FakeMonitor([], *indices)
    meter = open_meter(wanted, monitor)
    assert (meter.kind, meter.monitor) == (found, monitor)


@pytest.mark.parametrize(
    "indices, kind, words",
    [
        (([], []), None, r"NVML \(NVIDIA GPU\) or RAPL .*Nothing was measured"),
        (([0], []), "cpu", "no energy meter found: RAPL"),
        (([], [0]), "gpu", "no energy meter found: NVML"),
    ],
)
def test_machine_without_a_meter(indices, kind, words):
    with pytest.raises(UnsupportedError, match=words):
        open_meter(kind, FakeMonitor([], *indices))


def test_several_gpus_are_not_added_up():
    with pytest.raises(InputError, match="2 GPUs would be added up; choose one with "):
        open_meter(None, FakeMonitor([], [0, 1]))


def test_unknown_meter():
    with pytest.raises(InputError, match="meter must be one of gpu, cpu; got 'wall'"):
        open_meter("wall", FakeMonitor())


def test_zeus_has_the_interface_that_we_use():
    zeus = pytest.importorskip("zeus.monitor")
    ours, theirs = FakeMonitor, zeus.ZeusMonitor
    for method in ("begin_window", "end_window"):
        parameters = inspect.signature(getattr(theirs, method)).parameters
        assert list(parameters) == list(
            inspect.signature(getattr(ours, method)).parameters
        )
    from zeus.monitor.energy import Measurement

    names = set(inspect.signature(Measurement).parameters)
    assert {"time", "gpu_energy", "cpu_energy", "dram_energy"} <= names
    monitor = theirs(gpu_indices=[], cpu_indices=[])
    assert (monitor.gpu_indices, monitor.cpu_indices) == ([], [])
    with pytest.raises(UnsupportedError, match="counted 0 J"):
        Meter("cpu", monitor).measure(lambda: None)


# --- measuring ---------------------------------------------------------------------


def test_models_run_between_windows_of_idling(fake_models):
    monitor = FakeMonitor([10, 11, 12, 30, 50, 13, 14, 15])
    readings = measure_models(fake_models, Meter("gpu", monitor), 4, 0.02, False)
    assert readings.idle == pytest.approx([10, 11, 12, 13, 14, 15])
    assert [(r.name, r.macs) for r in readings.models] == [
        ("small", 1_000),
        ("large", 9_000),
    ]
    for reading, power in zip(readings.models, (30, 50)):
        # energy / time is the power, and all the runs fill the time
        assert reading.energy == pytest.approx(power * reading.time)
        assert reading.n_inferences % 4 == 0
        total = reading.n_inferences * reading.time
        assert total >= 0.02
    assert (readings.meter, readings.batch_size) == ("gpu", 4)
    assert not monitor.powers


def test_models_are_given_batches_of_their_inputs(fake_models):
    monitor = FakeMonitor([1] * 8)
    measure_models(fake_models, Meter("gpu", monitor), 4, 0.001, False)
    assert fake_models["small"].batches[0].shape == (4, 5)
    first, second = fake_models["large"].batches[0]
    assert first.shape == second.shape == (4, 2, 3)
    assert first.std() > 0


def test_only_runs_within_the_window_count(fake_models):
    monitor = FakeMonitor([1] * 8)
    readings = measure_models(fake_models, Meter("gpu", monitor), 1, 0.01, False)
    for reading in readings.models:
        n_all = len(fake_models[reading.name].batches)
        # one run to build, and 0.3 of the time to warm up, aren't in it
        assert 1 <= reading.n_inferences <= n_all - 2


@pytest.mark.parametrize("macs", [[], [500], [500, 500]])
def test_models_of_one_size_are_refused_before_measuring(macs, fake_models):
    models = {str(i): FakeModel(n) for i, n in enumerate(macs)}
    monitor = FakeMonitor([1.0] * 9)
    with pytest.raises(InputError, match="models must be of at least two sizes"):
        measure_models(models, Meter("gpu", monitor), 1, 0.01, False)
    assert len(monitor.powers) == 9


# --- fitting recorded readings -----------------------------------------------------


def test_dynamic_energy_is_above_the_mean_of_idling():
    # kws: (135.6 - 124.7) W / 593,361 per s
    low, mean, high = idle_power(recorded())
    assert mean == pytest.approx(124.7)
    # 6 windows, standard deviation 0.32 W, t = 2.571
    values = np.array([-0.5, 0, 0.5, -0.1, 0.1, 0])
    reach = 2.5706 * np.sqrt(np.sum(values**2) / 5 / 6)
    assert (mean - low, high - mean) == pytest.approx((reach, reach), rel=1e-4)
    kws = dynamic_energies(recorded())[0]
    assert kws == pytest.approx((135.6 - 124.7) / 593_361)


def test_device_of_recorded_readings_is_that_of_a_fit_of_two_terms():
    # the H100 in bf16 at batch size 64, by a fit to benchmarks/data/h100_measured.csv
    data, comment = device_data(recorded(), "mine", "a host", DAY)
    device = parse_device(format_device_file(data, comment), "file")
    found = {name: q.value for name, q in device.quantities.items()}
    expected = {
        "energies.mac": 8.571e-12,
        "fixed_energy": 16.67e-6,
        "times.mac": 30.35e-15,
        "fixed_time": 1.472e-6,
        "static_power": 124.7,
    }
    assert found == pytest.approx(expected, rel=0.01)
    assert device.batch_size == 64
    assert device.included == devices.get("h100").included


def test_file_says_when_where_and_how_and_grades_it_measured():
    data, comment = device_data(recorded(), "mine", "node7 (x86, Linux)", DAY)
    text = format_device_file(data, comment)
    device = parse_device(text, "file")
    assert set(device.evidence) == {"measured"}
    assert {q.year for q in device.quantities.values()} == {2026}
    (source,) = device.sources.values()
    assert source.startswith(
        "Measured on node7 (x86, Linux) on 2026-03-14: NVML (NVIDIA GPU) read by Zeus, "
        "4 Keras models, batch size 64, by nengo-energy "
    )
    assert device.description == "node7, measured 2026-03-14"
    assert "# resnet: 4089184256, 0.06432, 0.0001261, 640\n" in text
    assert "# idle [W]: 124.2, 124.7, 125.2, 124.6, 124.8, 124.7\n" in text
    for name in ("fixed_energy", "energies.mac", "static_power", "times.mac"):
        quantity = device.quantities[name]
        low, high = quantity.bounds
        assert low < quantity.value < high, name
        assert "95% confidence interval" in quantity.note


def test_noisy_readings_of_a_known_machine_are_covered():
    # 2 uJ + 3 pJ per MAC, 1 us + 0.1 ps per MAC, at 100 W of idling; 3 % of noise
    rng = np.random.default_rng(1)
    models = []
    for macs in (10**5, 10**6, 10**7, 10**8, 10**9):
        duration = (1e-6 + 1e-13 * macs) * np.exp(rng.normal(0, 0.03))
        energy = (2e-6 + 3e-12 * macs) * np.exp(rng.normal(0, 0.03))
        models.append(Reading(f"{macs}", macs, 1, energy + 100 * duration, duration))
    readings = recorded(models=tuple(models), idle=(99.9, 100.0, 100.1, 100.0))
    data, comment = device_data(readings, "mine", "host", DAY)
    device = parse_device(format_device_file(data, comment), "file")
    truth = {
        "fixed_energy": 2e-6,
        "energies.mac": 3e-12,
        "fixed_time": 1e-6,
        "times.mac": 1e-13,
        "static_power": 100.0,
    }
    for name, value in truth.items():
        low, high = device.quantities[name].bounds
        assert low <= value <= high, name
        assert device.quantities[name].value == pytest.approx(value, rel=0.1)
    # and a network that wasn't measured costs what the machine would draw
    counts = OpCounts((OpCount("net", "mac", 5 * 10**6, 1, execution="dense"),))
    expected = 2e-6 + 3e-12 * 5e6 + 100 * (1e-6 + 1e-13 * 5e6)
    total = ne.estimate_energy(counts, device).total("mine")
    assert total == pytest.approx(expected, rel=0.05)


def test_two_models_fit_exactly_and_have_no_interval():
    data, _ = device_data(recorded(models=recorded().models[:2]), "mine", "host", DAY)
    assert "low" not in data["energies"]["mac"]
    assert data["shared"]["note"].endswith("no interval: two models fit exactly")
    assert "low" in data["static_power"]


def test_model_that_draws_no_more_than_idling_is_an_error():
    models = (Reading("faint", 1000, 1, 120.0 * 1e-3, 1e-3), *recorded().models)
    with pytest.raises(InputError, match="'faint' drew 120 W, no more than the 125 W"):
        device_data(recorded(models=models), "mine", "host", DAY)


# --- from models to the file -------------------------------------------------------


def test_calibrate_writes_a_file_that_loads(fake_models, tmp_path):
    path = tmp_path / "my-gpu.toml"
    monitor = FakeMonitor([10] * 3 + [30, 50] + [10.1] * 3)
    device = calibrate(path, fake_models, seconds=0.01, monitor=monitor, progress=False)
    assert device == ne.load_device(path)
    assert device.name == "my-gpu" and device.evidence == ("measured",)
    assert device.static_power.value == pytest.approx(10.05, rel=1e-3)
    assert datetime.date.today().isoformat() in device.description
    assert "my-gpu" not in devices.names()


@pytest.mark.parametrize(
    "fields, error, message",
    [
        ({"batch_size": 0}, InputError, "batch_size must be a whole number of at l"),
        ({"seconds": 0}, InputError, "seconds must be a number above 0"),
        ({"name": "a,b"}, InputError, "a device's name must be one line without co"),
        ({"meter": "wall"}, InputError, "meter must be one of gpu, cpu"),
        ({"monitor": FakeMonitor([], [], [])}, UnsupportedError, "no energy meter"),
        ({"monitor": FakeMonitor([0.0])}, UnsupportedError, "counted 0 J"),
        (
            {"monitor": FakeMonitor([10] * 3 + [5] * 2 + [10] * 3)},
            InputError,
            "drew 5 W, no more than the 10 W of idling",
        ),
    ],
)
def test_nothing_is_written_after_an_error(
    fields, error, message, fake_models, tmp_path
):
    path = tmp_path / "mine.toml"
    given = {"monitor": FakeMonitor([10] * 20), "seconds": 0.001, "progress": False}
    with pytest.raises(error, match=message):
        calibrate(path, fake_models, **{**given, **fields})
    assert not list(tmp_path.iterdir())


def test_existing_files_are_kept_unless_asked(fake_models, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("precious")
    powers = [10] * 3 + [30, 50] + [10.1] * 3
    with pytest.raises(InputError, match="mine.toml' exists; pass overwrite=True"):
        calibrate(path, fake_models, monitor=FakeMonitor(powers))
    assert path.read_text() == "precious"
    calibrate(
        path,
        list(fake_models.values()),
        monitor=FakeMonitor(powers),
        seconds=0.001,
        overwrite=True,
        progress=False,
    )
    assert ne.load_device(path).name == "mine"
    with pytest.raises(InputError, match="folder '.*nowhere' doesn't exist"):
        calibrate(tmp_path / "nowhere" / "mine.toml", fake_models)


def test_zeus_missing_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "zeus.monitor", None)
    monkeypatch.setitem(sys.modules, "zeus", None)
    match = r'needs Zeus.*: pip install "nengo-energy\[calibrate\]"'
    with pytest.raises(MissingDependencyError, match=match):
        calibrate(tmp_path / "mine.toml")
    assert cli.main(["calibrate", str(tmp_path / "mine.toml")]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("nengo-energy: measuring energy needs Zeus")
    assert not list(tmp_path.iterdir())


def zeus_that_opens(monkeypatch, monitor):
    opened = []

    def open_monitor(**fields):
        opened.append(fields)
        return monitor

    module = SimpleNamespace(ZeusMonitor=open_monitor)
    monkeypatch.setitem(sys.modules, "zeus", SimpleNamespace(monitor=module))
    monkeypatch.setitem(sys.modules, "zeus.monitor", module)
    return opened


@pytest.mark.parametrize(
    "kind, fields",
    [(None, {}), ("gpu", {"cpu_indices": []}), ("cpu", {"gpu_indices": []})],
)
def test_zeus_is_asked_for_the_wanted_meter_alone(kind, fields, monkeypatch):
    opened = zeus_that_opens(monkeypatch, FakeMonitor([], [0], [0]))
    open_meter(kind)
    assert opened == [fields]


@pytest.mark.tensorflow
def test_command_measures_keras_models(monkeypatch, tmp_path, capsys):
    import tensorflow as tf

    paths = []
    for units in (16, 512):
        x = tf.keras.Input((64,))
        model = tf.keras.Model(x, tf.keras.layers.Dense(units, "relu")(x))
        paths.append(str(tmp_path / f"{units}.keras"))
        model.save(paths[-1])
    zeus_that_opens(monkeypatch, FakeMonitor([10] * 3 + [30, 50] + [10.1] * 3))
    file = tmp_path / "mine.toml"
    models = [word for path in paths for word in ("--model", path)]
    options = ["--seconds", "0.05", "--batch-size", "8"]
    assert cli.main(["calibrate", str(file), *models, *options]) == 0
    out = capsys.readouterr().out
    assert out.startswith("mine: ") and f"Written to {file}" in out
    text = file.read_text()
    # 64 x 16 and 64 x 512 multiply-accumulates
    assert "16.keras: 1024, " in text and "512.keras: 32768, " in text
    assert ne.load_device(file).batch_size == 8


@pytest.mark.tensorflow
def test_models_of_our_own_span_two_decades():
    sizes = [
        ne.count_layer_ops(model).connections
        for model in measuring.reference_models().values()
    ]
    # 390-256-256-29, and 784-4096-4096-4096-10
    assert sizes[0] == 172_800 and max(sizes) == 36_806_656
    assert len(set(sizes)) == len(sizes) == 5


@pytest.mark.tensorflow
def test_model_file_that_cant_be_loaded(monkeypatch, tmp_path, capsys):
    zeus_that_opens(monkeypatch, FakeMonitor([10] * 9))
    file = str(tmp_path / "mine.toml")
    assert cli.main(["calibrate", file, "--model", "nothing.keras"]) == 1
    assert "there is no file or folder 'nothing.keras'" in capsys.readouterr().err
