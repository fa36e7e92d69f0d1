"""Integrated gradients: known answers on a linear network, and shares that add up on a deep one."""

import numpy as np
import pytest

from dl_core.report import percent

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


def network(hidden=None, seed=0):
    """Numbers and categories (one one-hot column, one embedding) to two raw outputs."""
    import keras

    from dl_core.layers.tabular import CategoryFeatures, PeriodicEmbedding

    keras.utils.set_random_seed(seed)
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
    shares, gap = attribution.integrate([tapped], ROW, TYPICAL, np.array([1.0, 0.0]))
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
    shares, gap = attribution.integrate([tapped], ROW, TYPICAL, weights)
    difference = (tapped.raw(ROW) - tapped.raw(TYPICAL))[0] @ weights
    assert sum(shares.values()) == pytest.approx(difference, abs=0.02 * abs(difference) + 1e-3)
    assert gap <= attribution.SMALL_GAP
    assert set(shares) == {"age", "income", "town", "colour"}


def test_networks_that_answer_together_share_the_mean_of_their_attributions(attribution):
    from dl_core.tuning.trial import averaged

    weights = np.array([1.0, 0.0])
    alone = [network(hidden=2, seed=seed) for seed in (1, 2)]
    apart = [attribution.integrate([attribution.Tapped.of(one, ROW, NAMES)], ROW, TYPICAL, weights)[0] for one in alone]
    together = averaged(alone)
    assert attribution.members(together) == alone and attribution.members(alone[0]) == [alone[0]]
    tapped = [attribution.Tapped.of(member, ROW, NAMES) for member in attribution.members(together)]
    shares, gap = attribution.integrate(tapped, ROW, TYPICAL, weights)
    size = sum(map(abs, shares.values()))
    assert shares == pytest.approx({name: (apart[0][name] + apart[1][name]) / 2 for name in shares}, abs=0.02 * size)
    answers = (np.asarray(together(inputs, training=False))[0] for inputs in (ROW, TYPICAL))
    difference = (next(answers) - next(answers)) @ weights
    assert sum(shares.values()) == pytest.approx(difference, abs=attribution.SMALL_GAP * size)
    assert gap <= attribution.SMALL_GAP


def test_a_row_that_is_typical_has_nothing_to_explain(attribution):
    tapped = attribution.Tapped.of(network(hidden=1), ROW, NAMES)
    shares, _gap = attribution.integrate([tapped], ROW, ROW, np.array([1.0, 0.0]))
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


@pytest.fixture(scope="module")
def context(finished):
    """The best network of a run with folds, as it was scored: five networks that answer together."""
    from dl_core.bundle.predictor import Predictor
    from dl_core.explain import Context
    from dl_core.tuning.trial import load_network
    from dl_core.workflow.deliver import bench_of, write_bundle

    run = finished.run("table")
    model = run.leaderboard()["best_network"]
    together = load_network(bench_of(run), run.folder / "trials" / run.model(model)["trial"])
    predictor = Predictor.load(write_bundle(run, model))
    return Context(run=run, model=model, predictor=predictor, network=together, sample=3)


def test_the_networks_of_a_run_with_folds_are_explained_together(context, attribution):
    assert len(attribution.members(context.network)) == context.prepared.folds == 5
    (panel,) = attribution.explain(context)
    one = {name: np.asarray(array[3:4]) for name, array in context.prepared.inputs("test").items()}
    answer = context.task.decode(context.prepared.state["task"], np.asarray(context.network(one, training=False)))[0]
    scored = np.load(context.run.model_folder(context.model) / "test.npy")[3]
    assert answer == pytest.approx(scored, abs=1e-5), "what is explained is what was scored"
    assert f"The model answers {percent(answer.max())}" in panel.note
    assert panel.data["gap"] <= attribution.SMALL_GAP


def test_importance_of_a_run_with_folds_is_measured_on_the_test_part(context):
    from dl_core.explain import importance

    (panel,) = importance.explain(context)
    assert f"on {context.prepared.size('test')} test rows, more than any other column" in panel.note
    assert ("has learned from these rows" in panel.help) == bool(context.run.model(context.model).get("refit"))
    assert panel.data["values"][0] > 0
