"""What one provider accepts (`dialect.py`, `presets.py`), and what its rejections teach about that.

`rejections.py` reads the words of a rejection, `evidence.py` checks whether the request contains what they mention, and
`amendments.py` joins both into a lesson that amends the dialect.
"""
