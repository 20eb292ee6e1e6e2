"""Learning online which tool helps next: a contextual linear bandit whose state is a fold over events.

``learner`` folds events, ``linear`` holds what was learned, ``policies`` choose by it, ``rewards`` say what a
step was worth, ``prior`` is where it starts, ``state`` how it is kept, ``ope`` judges policies by a log.
"""
