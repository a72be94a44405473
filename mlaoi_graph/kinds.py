"""How a test and what was learned can overlap."""

from __future__ import annotations

from enum import Enum

__all__ = ["LeakageKind"]


class LeakageKind(Enum):
    """How a test and what was learned overlap, the strongest first; ``sentence`` says it.

    >>> LeakageKind("place").sentence
    'The test and what was learned from lie on the same ground.'
    """

    sentence: str

    SAME_SAMPLES = "same-samples", "Samples of the test were learned from."
    SAME_DATASET = "same-dataset", "The split that was measured on was learned from."
    SPLIT_AGAINST_USE = "split-against-use", "A model learned from what its publisher declared a test split."
    SELECTION_ON_TEST = "selection-on-test", "A checkpoint was chosen on what is, or is reported as, the test."
    DERIVED_DATASET = "derived-dataset", "The test and what was learned from were made one from the other."
    COMMON_SOURCE = "common-source", "The test and what was learned from were made from one dataset."
    SAME_SCENE = "same-scene", "The test and what was learned from were cut from one image."
    PLACE_AND_TIME = "place-and-time", "The test and what was learned from lie on the same ground at the same time."
    PLACE = "place", "The test and what was learned from lie on the same ground."

    def __new__(cls, word: str, sentence: str) -> LeakageKind:
        made = object.__new__(cls)
        made._value_ = word
        made.sentence = sentence
        return made
