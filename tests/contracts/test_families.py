"""What every family promises, run over the catalogue: a new family is tested by its line there."""

import keras
import numpy as np
import pytest

from dl_core import families, space
from dl_core.layers import losses
from dl_core.tasks import TASKS
from dl_core.training.feeds import RowFeed
from dl_core.training.program import Program, TrainState
from tests.contracts.signatures import Memorised, problem, problems

pytestmark = pytest.mark.heavy


def _smallest(family, signature) -> dict:
    """The cheapest parameters that still can learn: the first of the portfolio, without dropout."""
    params = dict(family.portfolio(signature)[0])
    return {**params, **{name: 0.0 for name in params if "dropout" in name}}


def _trained(name: str, task: str, steps: int = 150):
    family = families.load(name)
    signature, inputs, target = problem(name, task)
    params = _smallest(family, signature)
    model = family.build(signature, params, 0)
    recipe = family.recipe(signature, params)
    feed = RowFeed(Memorised(signature, inputs, target), "train")
    program = Program(model, getattr(losses, TASKS.load(task).loss), feed, recipe)
    hyper = {
        "learning_rate": recipe.learning_rate,
        "weight_decay": 0.0,
        "label_smoothing": 0.0,
        "total_steps": float(steps),
    }
    state = TrainState.of(model)
    order = np.arange(len(target))
    _, before = program.predict(state.weights, state.others, feed, 8)
    for _ in range(steps):
        state, _ = program.advance(state, feed, order, 0, 1, hyper)
    _, after = program.predict(state.weights, state.others, feed, 8)
    state.assign_to(model)
    return model, inputs, before, after


@pytest.mark.parametrize("name, task", problems())
def test_a_family_builds_at_its_defaults_and_at_both_ends_of_its_space(name, task):
    family = families.load(name)
    signature, inputs, _ = problem(name, task)
    open_space = family.space(signature)
    for params in (space.defaults(open_space), *space.ends(open_space)):
        model = family.build(signature, params, 0)
        answer = np.asarray(model(inputs, training=False))
        assert answer.shape == (8, *signature.output)
        assert np.isfinite(answer).all()
        assert set(model.input) == set(signature.inputs)


@pytest.mark.parametrize("name, task", problems())
def test_a_family_learns_eight_samples_and_reloads_to_the_same_answers(name, task, tmp_path):
    model, inputs, before, after = _trained(name, task)
    assert after < 0.5 * before
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(inputs, training=False), model(inputs, training=False), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name, task", problems())
def test_the_same_seed_gives_the_same_weights(name, task):
    family = families.load(name)
    signature, _, _ = problem(name, task)
    params = space.defaults(family.space(signature))
    first, second, other = (family.build(signature, params, seed).get_weights() for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("name, task", problems())
def test_a_portfolio_lies_inside_the_space(name, task):
    family = families.load(name)
    signature, _, _ = problem(name, task)
    params = {param.name: param for param in family.space(signature)}
    entries = family.portfolio(signature)
    assert entries
    for entry in entries:
        assert set(entry) == set(params)
        for key, value in entry.items():
            param = params[key]
            assert value in param.choices if param.kind == "choice" else param.low <= value <= param.high
