"""Items of DynamoDB for Hypothesis: any attribute of any type."""

from __future__ import annotations

from base64 import b64encode

from hypothesis import strategies as st

NUMBERS = (
    st.integers(-(10**37), 10**37).map(str)
    | st.decimals(allow_nan=False, allow_infinity=False, places=9).map(str)
    | st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
BYTES = st.binary(max_size=9).map(lambda data: b64encode(data).decode())
LEAVES = (
    st.builds(lambda text: {"S": text}, TEXTS)
    | st.builds(lambda text: {"N": text}, NUMBERS.filter(lambda text: len(text) <= 64))
    | st.builds(lambda text: {"B": text}, BYTES)
    | st.builds(lambda flag: {"BOOL": flag}, st.booleans())
    | st.just({"NULL": True})
    | st.builds(lambda texts: {"SS": texts}, st.lists(TEXTS, max_size=3))
    | st.builds(lambda texts: {"NS": texts}, st.lists(st.integers().map(str).filter(lambda t: len(t) < 60), max_size=3))
    | st.builds(lambda texts: {"BS": texts}, st.lists(BYTES, max_size=3))
)
DESCRIPTORS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(lambda ones: {"L": ones}, st.lists(inner, max_size=3))
        | st.builds(lambda ones: {"M": ones}, st.dictionaries(TEXTS, inner, max_size=3))
    ),
    max_leaves=8,
)
ITEMS = st.dictionaries(TEXTS, DESCRIPTORS, max_size=6)
