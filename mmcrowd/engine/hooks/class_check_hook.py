"""The classes of the data against those of the model, before anything is trained or tested on them."""

import logging

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch import nn

from mmcrowd.registry import HOOKS


@HOOKS.register_module()
class ClassCheckHook(Hook):
    """Refuse data whose classes are not those of the model, and log what is trained or tested on what.

    A detector would learn a class that it lacks as background, and a model of points would take every class as a head;
    both run to their end without a word. So the numbers must be equal for every loader, and where there are several
    classes, their names and order must be those of the training data. A single class may have another name in the test
    data: it is logged.

    A model has the ``num_classes`` of its ``bbox_head``; models without one, and data without ``classes`` in their
    meta information, are not compared.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self.learnt: tuple[str, ...] | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Remember the classes that the weights were trained on."""
        self.learnt = _classes_of((checkpoint.get('meta') or {}).get('dataset_meta', {}))

    def before_train(self, runner: Runner) -> None:
        """Compare the training data and the validation data with the model.

        Raises:
            ValueError: Their classes are not those of the model, or not the same.
        """
        self.learnt = self._check(runner.model, runner.train_dataloader.dataset, 'trained on')
        if runner.val_loop is not None:
            self.before_val(runner)

    def before_val(self, runner: Runner) -> None:
        """Compare the validation data with the model; see :meth:`before_train`."""
        self._compare_names(self._check(runner.model, runner.val_dataloader.dataset, 'validated on'), 'validation')

    def before_test(self, runner: Runner) -> None:
        """Compare the test data with the model; see :meth:`before_train`."""
        self._compare_names(self._check(runner.model, runner.test_dataloader.dataset, 'tested on'), 'test')

    @staticmethod
    def _check(model: nn.Module, dataset: object, done: str) -> tuple[str, ...] | None:
        """Names of the data's classes, after the comparison of their number."""
        names = _classes_of(getattr(dataset, 'metainfo', {}))
        if names is None:
            return None
        heads = class_heads(model)
        wrong = {name: number for name, number in heads.items() if number != len(names)}
        place = f'{type(dataset).__name__} {getattr(dataset, "ann_file", "") or getattr(dataset, "data_root", "")}'
        listed = f'{", ".join(map(repr, names))} ({place.strip()})'
        if wrong:
            has = ', '.join(f'{name}.num_classes={number}' for name, number in wrong.items())
            raise ValueError(
                f'the model has {has}, but would be {done} {len(names)} classes: {listed}. Choose classes of the data '
                "by classes=('NAME', ...) of mmcrowd.CustomCrowd, count them all as one by merge_classes='NAME', or "
                f'give a detector num_classes={len(names)}'
            )
        if heads:
            print_log(f'Classes {done}: {listed}', 'current')
        return names

    def _compare_names(self, names: tuple[str, ...] | None, what: str) -> None:
        if None in (names, self.learnt) or names == self.learnt:
            return
        message = f'the classes of the training data are {self.learnt}, those of the {what} data {names}'
        if len(names) > 1:
            raise ValueError(f'{message}: expected the same, in the same order')
        print_log(f'{message}: taken as the same', 'current', logging.WARNING)


def _classes_of(metainfo: dict | list[dict]) -> tuple[str, ...] | None:
    """The classes in the meta information of data: a list of such where joined data sets differ in any of it.

    Raises:
        ValueError: Joined data sets have other classes.
    """
    kinds = [info.get('classes') for info in (metainfo if isinstance(metainfo, list) else [metainfo])]
    kinds = list(dict.fromkeys(None if names is None else tuple(names) for names in kinds))
    if len(kinds) > 1:
        listed = ', '.join(map(str, kinds))
        raise ValueError(f'the joined data sets have different classes, {listed}: expected the same, in the same order')
    return kinds[0]


def class_heads(model: nn.Module) -> dict[str, int]:
    """Number of classes by name of each head of boxes or points in ``model``."""
    found = {}
    for name, module in model.named_modules():
        number = getattr(module, 'num_classes', None)
        # Region proposals and backbones made to classify have a num_classes that is none of the data's.
        if 'bbox_head' in name.split('.') and isinstance(number, int):
            found[name] = number
    return found
