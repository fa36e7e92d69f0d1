"""Bundles: the deployable folder of a model, and the Predictor that every model of the board answers through."""
