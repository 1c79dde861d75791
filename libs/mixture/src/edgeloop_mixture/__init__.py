"""The mixture that learns between fits.

A *frame* says what a mixture is made of, an *adapter* what it has learned so far. ``learning`` moves an adapter by labels,
``graph`` makes one ONNX graph of a frame's members, ``session`` answers with it, ``packing`` turns both into events and back.
"""
