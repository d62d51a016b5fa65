"""Tables as KerasSpiking's documentation prints them, with the calls that print them.

Source: "Estimating model energy", documentation of KerasSpiking 0.3.0 (Applied
Brain Research, 2021), https://www.nengo.ai/keras-spiking/examples/model-energy.html. A
cell is ``?`` where its figure depends on randomly drawn weights.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Tuple


class Table(NamedTuple):
    """A call of ``summary`` and what it prints."""

    model: str
    data: str
    arguments: Dict[str, Any]
    lines: Tuple[str, ...]


def _lines(text: str) -> Tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


_PARTS = (
    "name",
    "rate",
    "synop_energy cpu",
    "synop_energy loihi",
    "neuron_energy cpu",
    "neuron_energy loihi",
)

TABLES = {
    "default columns": Table(
        "cnn",
        "none",
        {},
        _lines("""
            Layer (type)|Output shape|Param #|Conn #|Neuron #|J/inf (cpu)
            --------------------|-------------------|-------|------|--------|-----------
            input_1 (InputLayer)|[(None, 28, 28, 1)]|0|0|0|0
            conv2d (Conv2D)|(None, 22, 22, 2)|100|47432|0|0.00041
            re_lu (ReLU)|(None, 22, 22, 2)|0|0|968|8.3e-06
            flatten (Flatten)|(None, 968)|0|0|0|0
            dense (Dense)|(None, 128)|124032|123904|0|0.0011
            re_lu_1 (ReLU)|(None, 128)|0|0|128|1.1e-06
            dense_1 (Dense)|(None, 10)|1290|1280|0|1.1e-05
            ============================================================================
            Total energy per inference [Joules/inf] (cpu): 1.49e-03
            """),
    ),
    "columns that are cut": Table(
        "cnn",
        "none",
        {
            "columns": (
                "name",
                "energy cpu",
                "energy gpu",
                "synop_energy cpu",
                "synop_energy gpu",
                "neuron_energy cpu",
                "neuron_energy gpu",
            )
        },
        _lines("""
            Layer (type)|J/inf (cpu)|J/inf (gpu)|Synop J/inf (|Synop J/inf (|Neuron J/inf (|Neuron J/inf (
            ----------------|-----------|-----------|-------------|-------------|--------------|--------------
            input_1 (InputLa|0|0|0|0|0|0
            conv2d (Conv2D)|0.00041|1.4e-05|0.00041|1.4e-05|0|0
            re_lu (ReLU)|8.3e-06|2.9e-07|0|0|8.3e-06|2.9e-07
            flatten (Flatten|0|0|0|0|0|0
            dense (Dense)|0.0011|3.7e-05|0.0011|3.7e-05|0|0
            re_lu_1 (ReLU)|1.1e-06|3.8e-08|0|0|1.1e-06|3.8e-08
            dense_1 (Dense)|1.1e-05|3.8e-07|1.1e-05|3.8e-07|0|0
            ==================================================================================================
            Total energy per inference [Joules/inf] (cpu): 1.49e-03
            Total energy per inference [Joules/inf] (gpu): 5.21e-05
            """),  # noqa: E501
    ),
    "rates": Table(
        "cnn",
        "ones without channels",
        {"columns": _PARTS},
        _lines("""
            Layer (type)|Rate [Hz]|Synop J/inf (cp|Synop J/inf (loih|Neuron J/inf (cp|Neuron J/inf (loih
            ------------------|---------|---------------|-----------------|----------------|------------------
            input_1 (InputLaye|1|0|0|0|0
            conv2d (Conv2D)|1|0.00041|1.3e-09|0|0
            re_lu (ReLU)|?|0|0|8.3e-06|7.8e-08
            flatten (Flatten)|?|0|0|0|0
            dense (Dense)|?|0.0011|?|0|0
            re_lu_1 (ReLU)|?|0|0|1.1e-06|1e-08
            dense_1 (Dense)|?|1.1e-05|?|0|0
            """),  # noqa: E501
    ),
    "larger input": Table(
        "cnn",
        "fives",
        {"columns": _PARTS},
        _lines("""
            Layer (type)|Rate [Hz]|Synop J/inf (cp|Synop J/inf (loih|Neuron J/inf (cp|Neuron J/inf (loih
            ------------------|---------|---------------|-----------------|----------------|------------------
            input_1 (InputLaye|5|0|0|0|0
            conv2d (Conv2D)|5|0.00041|6.4e-09|0|0
            re_lu (ReLU)|?|0|0|8.3e-06|7.8e-08
            flatten (Flatten)|?|0|0|0|0
            dense (Dense)|?|0.0011|?|0|0
            re_lu_1 (ReLU)|?|0|0|1.1e-06|1e-08
            dense_1 (Dense)|?|1.1e-05|?|0|0
            """),  # noqa: E501
    ),
    "custom device": Table(
        "cnn",
        "fives",
        {"columns": ("name", "energy gpu", "energy my-gpu")},
        _lines("""
            Layer (type)|J/inf (gpu)|J/inf (my-gpu)
            --------------------|-----------|--------------
            input_1 (InputLayer)|0|0
            conv2d (Conv2D)|1.4e-05|4.7e-05
            re_lu (ReLU)|2.9e-07|1.9e-06
            flatten (Flatten)|0|0
            dense (Dense)|3.7e-05|0.00012
            re_lu_1 (ReLU)|3.8e-08|2.6e-07
            dense_1 (Dense)|3.8e-07|1.3e-06
            ===============================================
            Total energy per inference [Joules/inf] (gpu): 5.21e-05
            Total energy per inference [Joules/inf] (my-gpu): 1.75e-04
            """),
    ),
}


def _cpu_and_loihi(conv: str, relu: str, relu_1: str) -> Tuple[str, ...]:
    return _lines(f"""
        Layer (type)|J/inf (cpu)|J/inf (loihi)
        --------------------|-----------|-------------
        input_1 (InputLayer)|0|0
        conv2d (Conv2D)|0.00041|{conv}
        re_lu (ReLU)|8.3e-06|{relu}
        flatten (Flatten)|0|0
        dense (Dense)|0.0011|?
        re_lu_1 (ReLU)|1.1e-06|{relu_1}
        dense_1 (Dense)|1.1e-05|?
        ==============================================
        Total energy per inference [Joules/inf] (cpu): 1.49e-03
        Total energy per inference [Joules/inf] (loihi): ?
        """)


_BOTH = ("name", "energy cpu", "energy loihi")

TABLES.update(
    {
        "10 timesteps": Table(
            "cnn",
            "fives",
            {"columns": _BOTH, "timesteps_per_inference": 10},
            _cpu_and_loihi("6.4e-08", "7.8e-07", "1e-07"),
        ),
        "20 timesteps": Table(
            "cnn",
            "fives",
            {"columns": _BOTH, "timesteps_per_inference": 20},
            _cpu_and_loihi("1.3e-07", "1.6e-06", "2.1e-07"),
        ),
        "dt of 1 ms": Table(
            "cnn",
            "fives",
            {"columns": _BOTH, "dt": 0.001},
            _cpu_and_loihi("6.4e-09", "7.8e-08", "1e-08"),
        ),
        "dt of 2 ms": Table(
            "cnn",
            "fives",
            {"columns": _BOTH, "dt": 0.002},
            _cpu_and_loihi("1.3e-08", "7.8e-08", "1e-08"),
        ),
        "not temporal": Table(
            "cnn",
            "ones",
            {"columns": _BOTH, "timesteps_per_inference": 10},
            _cpu_and_loihi("1.3e-08", "7.8e-07", "1e-07"),
        ),
        "temporal": Table(
            "temporal cnn",
            "ones in time",
            {"columns": _BOTH, "timesteps_per_inference": 10},
            _lines("""
                Layer (type)|J/inf (cpu)|J/inf (loihi)
                ------------------------------------|-----------|-------------
                input_2 (InputLayer)|0|0
                time_distributed (TimeDistributed)|0.00041|1.3e-08
                re_lu_2 (ReLU)|8.3e-06|7.8e-07
                time_distributed_1 (TimeDistributed)|0|0
                dense_2 (Dense)|0.0011|?
                re_lu_3 (ReLU)|1.1e-06|1e-07
                dense_3 (Dense)|1.1e-05|?
                ==============================================================
                Total energy per inference [Joules/inf] (cpu): 1.49e-03
                Total energy per inference [Joules/inf] (loihi): ?
                """),
        ),
        "fixed axis is space": Table(
            "fixed axis",
            "none",
            {"columns": ("name", "output_shape", "neurons", "energy cpu")},
            _lines("""
                Layer (type)|Output shape|Neuron #|J/inf (cpu)
                --------------------|----------------|--------|-----------
                input_3 (InputLayer)|[(None, 28, 28)]|0|0
                re_lu_4 (ReLU)|(None, 28, 28)|784|6.7e-06
                ==========================================================
                Total energy per inference [Joules/inf] (cpu): 6.74e-06
                """),
        ),
        "TimeDistributed is time": Table(
            "wrapped axis",
            "none",
            {"columns": ("name", "output_shape", "neurons", "energy cpu")},
            _lines("""
                Layer (type)|Output shape|Neuron #|J/inf (cpu)
                ------------------------------------|----------------|--------|-----------
                input_4 (InputLayer)|[(None, 28, 28)]|0|0
                time_distributed_2 (TimeDistributed)|(None, 28, 28)|28|2.4e-07
                ==========================================================================
                Total energy per inference [Joules/inf] (cpu): 2.41e-07
                """),
        ),
        "open axis is time": Table(
            "open axis",
            "none",
            {"columns": ("name", "output_shape", "neurons", "energy cpu")},
            _lines("""
                Layer (type)|Output shape|Neuron #|J/inf (cpu)
                --------------------|------------------|--------|-----------
                input_5 (InputLayer)|[(None, None, 28)]|0|0
                re_lu_6 (ReLU)|(None, None, 28)|28|2.4e-07
                ============================================================
                Total energy per inference [Joules/inf] (cpu): 2.41e-07
                """),
        ),
        "ReLU": Table(
            "dense and ReLU",
            "ones of 32",
            {"columns": ("name", "output_shape", "energy loihi")},
            _lines("""
                Layer (type)|Output shape|J/inf (loihi)
                --------------------|------------------|-------------
                input_6 (InputLayer)|[(None, None, 32)]|0
                dense_4 (Dense)|(None, None, 64)|5.6e-11
                re_lu_7 (ReLU)|(None, None, 64)|5.2e-09
                =====================================================
                Total energy per inference [Joules/inf] (loihi): 5.24e-09
                """),
        ),
        "SpikingActivation": Table(
            "dense and SpikingActivation",
            "ones of 32",
            {"columns": ("name", "output_shape", "energy loihi")},
            _lines("""
                Layer (type)|Output shape|J/inf (loihi)
                --------------------------------------|------------------|-------------
                input_7 (InputLayer)|[(None, None, 32)]|0
                dense_5 (Dense)|(None, None, 64)|5.6e-11
                spiking_activation (SpikingActivation)|(None, None, 64)|5.2e-09
                =======================================================================
                Total energy per inference [Joules/inf] (loihi): 5.24e-09
                """),
        ),
    }
)
