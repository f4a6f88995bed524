"""JSON schemas as one provider takes them: without some keywords (`keywords.py`), in other words (`forms.py`)."""
