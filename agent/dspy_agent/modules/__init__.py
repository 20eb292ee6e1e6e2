"""The DSPy modules: where a model judges. One file each; plain code around them checks what they say."""
