"""The file: symbols to bytes (`entropy`), alpha (`alpha`), chunks to a file (`container`).

Nothing here knows a model, a picture's pixels, or TensorFlow. ``docs/format.md`` is the contract.
"""
