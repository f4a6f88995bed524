"""Properties that hold for whatever a provider or a client sends, searched by hypothesis.

`strategies/` makes up answers, the sloppy ways in which providers stream them, and the items of conversations. The
examples of a plain run are always the same ones; `HYPOTHESIS_PROFILE=explore pytest tests/properties` looks at ten
times as many, new ones each time.
"""
