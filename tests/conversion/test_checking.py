"""What a check of a model says, from layers whose numbers are given."""

from __future__ import annotations

from nengo_energy.conversion.checking import LayerCheck, ModelCheck

CHECK = ModelCheck(
    "digits",
    (
        LayerCheck("conv", "Conv2D", "neurons", 3000, "Loihi", n_activations=3000),
        LayerCheck("pool", "MaxPooling2D", "neurons", 750, "Loihi"),
        LayerCheck("dense", "Dense", "neurons", 16, "Curve", 16, off_chip="no tanh"),
        LayerCheck("norm", "LayerNormalization", "host", note="computed by Keras"),
        LayerCheck("drop", "Dropout", "nothing"),
    ),
)


def test_neurons_over_the_activations_are_added() -> None:
    """A max pooling layer has none of its own, a rectified one as many as neurons."""
    assert [layer.n_added for layer in CHECK.layers] == [0, 750, 0, 0, 0]
    assert (CHECK.n_neurons, CHECK.n_added) == (3000 + 750 + 16, 750)


def test_neurons_on_the_chip_take_a_core_for_each_1024() -> None:
    """3 for 3,000, 1 for 750; what the chip lacks takes none."""
    assert (CHECK.min_cores, CHECK.min_chips) == (4, 1)
    many = ModelCheck("big", (LayerCheck("a", "Dense", "neurons", 129 * 1024),))
    assert (many.min_cores, many.min_chips) == (129, 2)


def test_table_says_it() -> None:
    text = str(CHECK)
    assert text.startswith("Model 'digits' converts\n")
    assert "norm: computed by Keras." in text and "- no tanh." in text
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line}
    assert rows["pool"] == ["pool", "MaxPooling2D", "neurons", "750", "750", "yes"]
    assert rows["dense"] == ["dense", "Dense", "neurons", "16", "no"]
    assert rows["total"] == ["total", "3,766", "750"]
    assert "4 cores at least, on 1 chip" in " ".join(text.split())


def test_refusals_are_said_and_frames_have_all() -> None:
    refused = ModelCheck("m", (), ("layer 'a' (RandomWidth): no fixed size",))
    assert CHECK.converts and not refused.converts
    assert "can't be converted" in str(refused)
    assert "- layer 'a' (RandomWidth): no fixed size" in str(refused)
    frame = CHECK.to_frame()
    assert list(frame["becomes"]) == ["neurons"] * 3 + ["host", "nothing"]
    assert frame["n_added"].sum() == 750
