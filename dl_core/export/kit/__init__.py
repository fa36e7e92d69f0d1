"""What a download carries: these files become its predict.py and the modules beside it.

They are ordinary modules of ours that import only one another, dl_core/data/values.py and the like; packing.py writes
them side by side into the ZIP and turns `from dl_core.x.values import …` into `from values import …`.
"""
