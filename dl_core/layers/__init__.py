"""Custom Keras layers and losses. Each module is standalone (keras and numpy only): kits carry the ones they need."""
