"""Losses per sample: (target, raw output) -> (batch,). The trainer weighs and averages them."""

from keras import ops


def softmax_crossentropy(target, output, smoothing=0.0):
    """Cross-entropy of class numbers (batch,) against logits (batch, classes)."""
    classes = output.shape[-1]
    hot = ops.one_hot(target, classes, dtype=output.dtype) * (1.0 - smoothing) + smoothing / classes
    return -ops.sum(hot * ops.log_softmax(output, axis=-1), axis=-1)


def squared_error(target, output, smoothing=0.0):
    """Mean squared error over the targets: (batch, targets) against (batch, targets)."""
    return ops.mean(ops.square(output - target), axis=-1)


def pinball(target, output, smoothing=0.0):
    """Mean quantile loss for the quantiles 0.1 … 0.9: (batch, horizon), NaN for a gap, against
    (batch, horizon, 9)."""
    observed = ops.logical_not(ops.isnan(target))
    known = ops.where(observed, target, 0.0)
    levels = ops.cast(ops.arange(1, 10), output.dtype) / 10.0
    error = known[:, :, None] - output
    loss = ops.mean(ops.maximum(levels * error, (levels - 1.0) * error), axis=-1)
    mask = ops.cast(observed, output.dtype)
    return ops.sum(loss * mask, axis=-1) / ops.maximum(ops.sum(mask, axis=-1), 1.0)
