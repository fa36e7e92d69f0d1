"""The story of a run: prepare, train, judge, deliver; a page of code each."""
