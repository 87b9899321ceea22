"""What the built-in model is measured with and never trained on: texts, names, schemas and topics of their own.

Nothing of `training/templates` is read here but the small language of the templates (`spin.py`), so that no change of
the corpus changes the measure. `guard.py` keeps these names and sentences out of the corpus, public sets included.
"""
