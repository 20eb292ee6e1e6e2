"""Vectors of pieces of code: models that make them, stores that keep and search them.

    embedder.open_embedder   the model that the environment names: texts -> unit vectors
    store.open_store         where vectors are kept: files in the workspace, or Milvus
    fill.fill                makes the vectors that a store lacks, in the background

A store holds vectors of one model and one dimension. Others of the same workspace lie beside it, and are
never mixed with it: ``store.models_here`` names them.
"""
