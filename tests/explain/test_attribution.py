"""Integrated gradients: known answers on a linear network, and shares that add up on a deep one."""

import numpy as np
import pytest

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def attribution():
    from dl_core.explain import attribution

    return attribution


NAMES = {"numeric": ["age", "age", "income"], "category": ["town", "colour"]}
ROW = {
    "numeric": np.array([[1.0, 0.0, 2.0]], np.float32),
    "category": np.array([[3, 20]], np.int32),
}
TYPICAL = {
    "numeric": np.array([[0.5, 0.0, -1.0]], np.float32),
    "category": np.array([[2, 5]], np.int32),
}


def network(hidden=None):
    """Numbers and categories (one one-hot column, one embedding) to two raw outputs."""
    import keras

    from dl_core.layers.tabular import CategoryFeatures, PeriodicEmbedding

    keras.utils.set_random_seed(0)
    inputs = {
        "numeric": keras.Input((3,), name="numeric"),
        "category": keras.Input((2,), dtype="int32", name="category"),
    }
    numbers = PeriodicEmbedding(sigma=1.0, name="periodic")(inputs["numeric"]) if hidden else inputs["numeric"]
    words = CategoryFeatures((5, 40), seed=1, name="categories")(inputs["category"])
    x = keras.layers.Concatenate()([numbers, words])
    for _ in range(hidden or 0):
        x = keras.layers.Dense(32, activation="relu")(x)
    return keras.Model(inputs, keras.layers.Dense(2, name="output")(x))


def test_a_linear_network_is_explained_exactly(attribution):
    model = network()
    tapped = attribution.Tapped.of(model, ROW, NAMES)
    shares, gap = attribution.integrate(tapped, ROW, TYPICAL, np.array([1.0, 0.0]))
    kernel = model.get_layer("output").kernel.numpy()[:, 0]
    table = model.get_layer("categories").tables[1].numpy()
    assert shares["age"] == pytest.approx(0.5 * kernel[0], abs=1e-5)
    assert shares["income"] == pytest.approx(3.0 * kernel[2], abs=1e-5)
    assert shares["town"] == pytest.approx(kernel[3 + 2] - kernel[3 + 1], abs=1e-5)
    assert shares["colour"] == pytest.approx((table[20] - table[5]) @ kernel[7:], abs=1e-5)
    assert gap < 1e-4


def test_every_output_of_a_category_layer_belongs_to_one_column(attribution):
    tapped = attribution.Tapped.of(network(), ROW, NAMES)
    assert tapped.columns["categories"] == ["town"] * 4 + ["colour"] * 8
    assert tapped.columns["numeric"] == ["age", "age", "income"]


def test_shares_of_a_deep_network_add_up_to_the_difference(attribution):
    model = network(hidden=3)
    tapped = attribution.Tapped.of(model, ROW, NAMES)
    weights = np.array([-1.0, 1.0])
    shares, gap = attribution.integrate(tapped, ROW, TYPICAL, weights)
    difference = (tapped.raw(ROW) - tapped.raw(TYPICAL))[0] @ weights
    assert sum(shares.values()) == pytest.approx(difference, abs=0.02 * abs(difference) + 1e-3)
    assert gap <= attribution.SMALL_GAP
    assert set(shares) == {"age", "income", "town", "colour"}


def test_a_row_that_is_typical_has_nothing_to_explain(attribution):
    tapped = attribution.Tapped.of(network(hidden=1), ROW, NAMES)
    shares, _gap = attribution.integrate(tapped, ROW, ROW, np.array([1.0, 0.0]))
    assert all(value == 0 for value in shares.values())


def test_the_typical_row_is_the_median_and_the_most_frequent(attribution):
    inputs = {
        "numeric": np.array([[1.0], [2.0], [9.0]], np.float32),
        "category": np.array([[4, 1], [4, 2], [7, 2]], np.int32),
    }
    row = attribution.typical_row(inputs)
    assert row["numeric"].tolist() == [[2.0]]
    assert row["category"].tolist() == [[4, 2]]
    assert row["category"].dtype == np.int32
