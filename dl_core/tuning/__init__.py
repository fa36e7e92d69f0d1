"""The search: what to try next, for how long, and one trial as a function of files."""
