"""The classes of the data are those of the model, or nothing is trained or tested."""

from types import SimpleNamespace

import pytest
from torch import nn

from mmcrowd.engine.hooks import ClassCheckHook
from mmcrowd.engine.hooks.class_check_hook import class_heads
from mmcrowd.models.dense_heads import CrowdMapHead, HeadSizeHead
from mmcrowd.registry import MODELS


class Head(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes


def model(num_classes: int) -> nn.Module:
    return nn.ModuleDict(dict(backbone=Head(1000), bbox_head=Head(num_classes)))


def runner(net: nn.Module, **classes: tuple[str, ...] | None) -> SimpleNamespace:
    loaders = {}
    for split in ('train', 'val', 'test'):
        names = classes.get(split)
        dataset = SimpleNamespace(metainfo={} if names is None else dict(classes=names), ann_file=f'{split}.json')
        loaders[f'{split}_dataloader'] = SimpleNamespace(dataset=dataset)
    return SimpleNamespace(model=net, val_loop='val' in classes or None, **loaders)


@pytest.mark.parametrize('method', ['train', 'val', 'test'])
@pytest.mark.parametrize(('has', 'names'), [(1, ('head', 'bike')), (1, ('a', 'b', 'c')), (2, ('head',)), (1, ())])
def test_other_numbers_are_refused(method, has, names):
    message = rf'the model has bbox_head\.num_classes={has}, but would be .* on {len(names)} classes: .*{method}\.json'
    with pytest.raises(ValueError, match=message):
        getattr(ClassCheckHook(), f'before_{method}')(runner(model(has), **{method: names}))


def test_validation_data_are_compared_before_training():
    with pytest.raises(ValueError, match='would be validated on 2 classes'):
        ClassCheckHook().before_train(runner(model(1), train=('head',), val=('head', 'bike')))


def test_names_and_order_are_those_of_the_training_data():
    hook = ClassCheckHook()
    hook.before_train(runner(model(2), train=('head', 'bike'), val=('head', 'bike')))
    with pytest.raises(
        ValueError, match=r"training data are \('head', 'bike'\), those of the validation data \('bike'"
    ):
        hook.before_val(runner(model(2), val=('bike', 'head')))
    hook = ClassCheckHook()
    hook.after_load_checkpoint(None, dict(meta=dict(dataset_meta=dict(classes=['head', 'bike']))))
    hook.before_test(runner(model(2), test=('head', 'bike')))
    with pytest.raises(ValueError, match='those of the test data'):
        hook.before_test(runner(model(2), test=('head', 'car')))


def test_one_class_may_have_another_name():
    hook = ClassCheckHook()
    hook.after_load_checkpoint(None, dict(meta=dict(dataset_meta=dict(classes=('head',)))))
    hook.before_test(runner(model(1), test=('person',)))


def test_joined_data():
    """mmdet's ConcatDataset lists the meta information of its parts if they differ in anything."""
    hook, joined = ClassCheckHook(), runner(model(1), train=('head',))
    infos = [dict(classes=('head',), revision='2016-11'), dict(classes=['head'])]
    joined.train_dataloader.dataset.metainfo = infos
    hook.before_train(joined)
    assert hook.learnt == ('head',)
    hook.after_load_checkpoint(None, dict(meta=dict(dataset_meta=infos)))
    assert hook.learnt == ('head',)
    infos.append(dict(classes=('bike',)))
    with pytest.raises(ValueError, match=r"joined data sets have different classes, \('head',\), \('bike',\)"):
        hook.before_train(joined)


@pytest.mark.parametrize('checkpoint', [{}, dict(meta=None), dict(meta={})])
def test_nothing_to_compare(checkpoint):
    hook = ClassCheckHook()
    hook.after_load_checkpoint(None, checkpoint)
    hook.before_test(runner(model(2), test=None))
    hook.before_test(runner(nn.ModuleDict(dict(backbone=Head(1000))), test=('head', 'bike')))


@pytest.mark.parametrize('wrapped', [False, True])
def test_heads_of_detectors(wrapped):
    """A detector of two stages: its region proposals know no classes; a process of several wraps the model."""
    net = nn.ModuleDict(dict(rpn_head=Head(1), roi_head=nn.ModuleDict(dict(bbox_head=nn.ModuleList([Head(2)])))))
    assert list(class_heads(nn.ModuleDict(dict(module=net)) if wrapped else net).values()) == [2]


def test_heads_of_points_have_one_class():
    for head in (CrowdMapHead, HeadSizeHead):
        assert head.num_classes == 1
    head = MODELS.build(
        dict(type='mmcrowd.FIDTLiteHead', in_channels=4, codec=dict(type='mmcrowd.FIDTCodec'), losses={})
    )
    assert class_heads(nn.ModuleDict(dict(bbox_head=head))) == dict(bbox_head=1)
