"""Indices of data sets go to a folder of their own in every test, and loading does not stop for a full collection."""

from types import SimpleNamespace

import pytest


@pytest.fixture(autouse=True)
def index_folder(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv('MMCROWD_CACHE', str(tmp_path_factory.mktemp('cache')))
    # mmengine collects garbage for each data set it loads: a third of a second in a test session.
    monkeypatch.setattr('mmengine.dataset.base_dataset.gc', SimpleNamespace(collect=lambda: None))
