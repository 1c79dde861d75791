"""The mixture that learns between two versions.

A *frame* is the composition of a mixture, an *adapter* what the mixture has learned. ``learner`` updates an adapter by labels, ``graph``
builds one ONNX graph from a frame's members, ``session`` answers with it, and ``serialization`` converts both to events and back.
"""
