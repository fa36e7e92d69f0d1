"""How good a run's models are: the board they stand on and the panels about each of them. Light."""
