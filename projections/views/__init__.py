"""The read models, one file each: its rows, its shape, its assembly. `subjects.py` lists what they are of."""
