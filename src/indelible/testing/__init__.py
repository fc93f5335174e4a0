"""For authors of stores, nodes and executors: the suites we hold our own to, and what they need.

``store_contract`` and ``strategies`` need pytest and hypothesis: ``pip install indelible[test]``.
"""
