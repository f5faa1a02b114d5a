import pytest

from stdc_core.training.schedule import warmup_cosine, warmup_poly


def poly(iteration):
    return warmup_poly(iteration, iterations=10_000, warmup=200, power=0.9)


def test_warm_up_rises_exponentially_from_a_thousandth():
    assert poly(0) == pytest.approx(1e-3)
    assert poly(100) == pytest.approx(1e-3**0.5)
    assert poly(199) < 1
    ratios = [poly(i + 1) / poly(i) for i in range(199)]
    assert max(ratios) == pytest.approx(min(ratios))


def test_poly_falls_to_zero_as_the_paper_says():
    """(1 - iter / max_iter)^power, counted from the end of the warm-up."""
    assert poly(200) == 1
    assert poly(5_100) == pytest.approx(0.5**0.9)
    assert poly(9_999) > 0
    assert poly(10_000) == 0


def test_no_warm_up_starts_at_the_top():
    assert warmup_poly(0, iterations=10, warmup=0, power=0.9) == 1


def test_cosine_of_the_papers_classifier():
    """0.001 to 0.1 in 5 epochs, then down to 0 at epoch 300."""

    def rate(epoch):
        return 0.1 * warmup_cosine(epoch, epochs=300, warmup=5, start=0.01)

    assert rate(0) == pytest.approx(0.001)
    assert rate(2.5) == pytest.approx((0.001 + 0.1) / 2)
    assert rate(5) == pytest.approx(0.1)
    assert rate(152.5) == pytest.approx(0.05)
    assert rate(300) == pytest.approx(0, abs=1e-12)
