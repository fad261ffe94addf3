"""Models by name: config and weights that the index of models (``model-index.yml``) lists."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from mmcrowd.utils.downloads import is_address

PACKAGE = Path(__file__).parents[1]
DEFAULT_MODEL = 'crowd_count_lite'
"""The model that comes with the package and is used where none is named."""


@dataclass(frozen=True)
class ZooModel:
    """A model of the index.

    Attributes:
        name: Its name in the index.
        aliases: Short names of it.
        config: Its config file.
        weights: A file, or an address; None of a model whose weights are not published.
        sha256: Hexadecimal digits that the SHA-256 of the weights begins with, None where the address states them.
        trained_on: What it was trained on, and for what its data may be used.
    """

    name: str
    aliases: tuple[str, ...]
    config: Path
    weights: str | None
    sha256: str | None
    trained_on: str

    @property
    def short_name(self) -> str:
        """What it is called: its first short name, its name where it has none."""
        return self.aliases[0] if self.aliases else self.name


def is_model_name(model: object) -> bool:
    """Whether this names a model of the index, and is no path of a config."""
    return isinstance(model, str) and '::' not in model and not model.endswith('.py') and not Path(model).exists()


def check_weights_given(model: str | None, weights: str | None) -> None:
    """Refuse a config file without weights, whose network would be untrained.

    Raises:
        ValueError: There are none.
    """
    if weights is None and model is not None and not is_model_name(model):
        raise ValueError(f'{model}: expected a config and its weights, found no weights: add --weights FILE')


def find_model(name: str, needs_weights: bool = True) -> ZooModel:
    """The model of a name or a short name.

    Args:
        name: The name.
        needs_weights: Whether its weights are wanted, and not its config alone.

    Raises:
        ValueError: There is none; the closest names are suggested. Or its weights are not published, or should be part
            of the package and are not.
    """
    models = list_models()
    found = next((model for model in models if name == model.name or name in model.aliases), None)
    with_weights = {alias: model for model in models if model.weights for alias in (model.name, *model.aliases)}
    if found is None:
        known, what = with_weights, 'models with weights'
        if not needs_weights:
            known, what = {alias: model for model in models for alias in (model.name, *model.aliases)}, 'models'
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or sorted(
            {model.short_name for model in known.values()}
        )
        raise ValueError(
            f'{name}: no such model or config file; {what}: {", ".join(close) or "none"}. A config is '
            'named by its path, such as configs/fidt/x.py'
        )
    if not needs_weights:
        return found
    if found.weights is None:
        raise ValueError(
            f'{name}: its weights are not published: train {found.config}, or give weights; models with weights: '
            f'{", ".join(sorted(with_weights)) or "none"}'
        )
    if not is_address(found.weights) and not Path(found.weights).is_file():
        raise ValueError(f'{name}: {found.weights} is not part of this installation: install mmcrowd anew')
    return found


@lru_cache
def list_models() -> tuple[ZooModel, ...]:
    """All models of the index, with or without weights.

    Raises:
        FileNotFoundError: The installation has no index.
    """
    root = next((root for root in (PACKAGE / '.mim', PACKAGE.parent) if (root / 'model-index.yml').is_file()), None)
    if root is None:
        raise FileNotFoundError(f'{PACKAGE}: this installation of mmcrowd has no model-index.yml: install it anew')
    models = []
    for metafile in _load(root / 'model-index.yml')['Import']:
        for entry in _load(root / metafile).get('Models', ()):
            weights = entry.get('Weights')
            if weights is not None and not is_address(weights):
                weights = str(PACKAGE / weights)
            models.append(
                ZooModel(
                    name=entry['Name'],
                    aliases=tuple(entry.get('Alias', ())),
                    config=root / entry['Config'],
                    weights=weights,
                    sha256=entry.get('SHA256'),
                    trained_on=entry.get('Metadata', {}).get('Training Data', ''),
                )
            )
    return tuple(models)


def _load(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding='utf-8'))
