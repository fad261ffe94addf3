"""Quantiles of split conformal prediction."""

import math

import numpy as np
import pytest

from mmcrowd.evaluation.functional.conformal import conformal_quantile, count_scores, quantiles_by_range


@pytest.mark.parametrize(('images', 'level'), [(9, 0.9), (19, 0.9), (30, 0.9), (7, 0.5), (25, 0.8)])
def test_coverage_is_exact_of_exchangeable_scores(images, level):
    """Each of n + 1 scores may be the new one, equally likely: the share at or below the quantile of the others."""
    scores = np.random.default_rng(images).permutation(images + 1) ** 1.5
    covered = [score <= conformal_quantile(np.delete(scores, i), level) for i, score in enumerate(scores)]
    assert np.sum(covered) == math.ceil((images + 1) * level - 1e-9)


def test_equal_scores_cover_all():
    assert conformal_quantile(np.full(12, 0.25), 0.9) == 0.25


@pytest.mark.parametrize('images', [0, 1, 8])
def test_too_few_images_say_nothing(images):
    assert conformal_quantile(np.ones(images), 0.9) == math.inf


@pytest.mark.parametrize('level', [0, 1, -0.5, math.nan])
def test_levels_that_are_none(level):
    with pytest.raises(ValueError, match='level: expected a number above 0 and below 1'):
        conformal_quantile(np.ones(30), level)


def test_a_score_that_is_none():
    with pytest.raises(ValueError, match='expected finite scores, found nan'):
        conformal_quantile(np.array([1, math.nan]), 0.5)


def test_no_heads_where_there_are_none_is_no_error():
    assert count_scores([0, 0], [0, 5], 10, 1).tolist() == [0, 0.5]


def test_ranges():
    pred = np.array([5] * 20 + [10] * 19 + [500] * 40)
    scores = np.arange(len(pred), dtype=float)
    found = quantiles_by_range(pred, scores, 0.9, [10, 100, 1000])
    assert found == [(20, 18), (19, None), (40, 39 + 36), (0, None)]  # the 19th of 20, the 37th of 40
