"""The dashboard: the shell, what every page shares, and the words it speaks. Never imports TensorFlow."""
