from hypothesis import given
from hypothesis import strategies as st

from handlens.seeds import generator, integer

seeds = st.integers(0, 2**63)


@given(seeds, st.text(max_size=20), st.integers(0, 2**31))
def test_the_same_seed_and_names_give_the_same_stream(seed, name, number):
    first, second = generator(seed, name, number), generator(seed, name, number)
    assert first.integers(2**62, size=4).tolist() == second.integers(2**62, size=4).tolist()


@given(seeds)
def test_other_names_and_other_seeds_give_other_streams(seed):
    streams = [
        generator(seed, "split"),
        generator(seed, "weights"),
        generator(seed, "split", 1),
        generator(seed + 1, "split"),
    ]
    assert len({tuple(s.integers(2**62, size=3)) for s in streams}) == 4


@given(seeds)
def test_integer_fits_what_scikit_learn_takes(seed):
    assert 0 <= integer(seed, "estimator") < 2**31
