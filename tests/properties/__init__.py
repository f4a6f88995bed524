"""Properties that hold for whatever a provider or a client sends, searched by hypothesis.

`answers.py` makes up answers and the sloppy ways in which providers tell them, `conversations.py` the items of
conversations. The examples of a plain run are always the same ones; `HYPOTHESIS_PROFILE=explore pytest
tests/properties` looks at ten times as many, new ones each time.
"""
