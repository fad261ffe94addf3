"""Weights are data: what is read, what fits, what is refused, and that nothing of a file is run."""

import pickle
import threading

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from safetensors.torch import save_file
from torch import nn

from mmcrowd.utils.weights import (
    WeightsError,
    content_sha256,
    file_sha256,
    load_fitting_weights,
    load_weights,
    read_weights,
)

from .bad_weights import FORMS, GOOD, PARTIAL, POISONED_PLACES, REFUSED, poisoned, save_as


class Net(nn.Module):
    def __init__(self, backbone=4):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, backbone, 3), nn.BatchNorm2d(backbone))
        self.head = nn.Linear(4, 2)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return Net()


def load(net, path, **options):
    return load_weights(net, read_weights(path), path, **options)


def state_of(net):
    return {key: value.clone() for key, value in net.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


class TestKinds:
    @pytest.mark.parametrize('kind', [*REFUSED, *PARTIAL])
    def test_refused_in_one_line_and_nothing_changed(self, kind, net, tmp_path):
        write, message = {**REFUSED, **PARTIAL}[kind]
        path, before = tmp_path / 'w.pth', state_of(net)
        write(path, state_of(Net()))
        with pytest.raises(WeightsError, match=f'(?i)^{path}: .*{message}') as error:
            load(net, path)
        text = str(error.value)
        assert '\n' not in text
        assert len(text) < 500
        assert same(state_of(net), before)

    @pytest.mark.parametrize('kind', GOOD)
    def test_accepted(self, kind, net, tmp_path):
        other = Net()
        other.half().float()  # float16 holds it, too
        GOOD[kind](tmp_path / 'w.pth', state_of(other))
        assert load(net, tmp_path / 'w.pth') >= 8
        assert same(state_of(net), state_of(other))

    def test_missing(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=f'^{tmp_path}/w.pth: no such file'):
            read_weights(tmp_path / 'w.pth')

    def test_no_permission(self, net, tmp_path, monkeypatch):
        torch.save({}, tmp_path / 'w.pth')

        def refuse(*args, **kwargs):
            raise PermissionError(13, 'Permission denied')

        monkeypatch.setattr('builtins.open', refuse)
        with pytest.raises(WeightsError, match=r'w.pth: cannot be read \(Permission denied\)'):
            read_weights(tmp_path / 'w.pth')

    def test_pages_of_names_are_cut(self):
        many = nn.Sequential(*[nn.Linear(1, 1) for _ in range(500)])
        with pytest.raises(WeightsError, match=r'0 of 1000 tensors fit; 1000 not in the file \(0.weight, .* 997 more'):
            load_weights(many, {'x' * 5000: torch.ones(1)}, 'w.pth')


class TestPoison:
    @pytest.mark.parametrize('form', FORMS)
    @pytest.mark.parametrize('place', POISONED_PLACES)
    def test_nothing_runs(self, form, place, net, tmp_path):
        marker = tmp_path / 'ran'
        content = poisoned(marker, place, dict(state_dict=state_of(net), meta={}))
        path = save_as(form, content, tmp_path / 'w.pth')
        with pytest.raises(WeightsError, match=rf'^{path}: .*nothing of it was run'):
            read_weights(path)
        assert not marker.exists()

    def test_the_poison_is_poison(self, net, tmp_path):
        path = save_as('zip', poisoned(tmp_path / 'ran', 'meta', dict(meta={})), tmp_path / 'w.pth')
        torch.load(path, weights_only=False)
        assert (tmp_path / 'ran').exists()

    @pytest.mark.parametrize(
        'call',
        [
            (getattr, (HistoryBuffer, '__init__')),
            (getattr, (HistoryBuffer, '__setstate__')),
            (getattr, (np.ndarray, 'tofile')),
            (np.dtype, ('O',)),
            (np.dtype, ('S4',)),
            (eval, ('1',)),
            (threading.Thread, ()),
        ],
    )
    def test_what_is_allowed_gives_no_more(self, call, tmp_path):
        class Call:
            def __reduce__(self):
                return call

        path = save_as('zip', dict(a=Call()), tmp_path / 'w.pth')
        with pytest.raises(WeightsError, match='holds more than weights'):
            read_weights(path)

    def test_dtypes_keep_their_flags(self, tmp_path):
        """With flags of its own, a dtype reads the numbers of a file as pointers."""

        class Flagged:
            def __reduce__(self):
                return np.dtype, ('f8', False, True), (3, '<', None, None, None, -1, -1, 63)

        path = save_as('zip', dict(a=Flagged()), tmp_path / 'w.pth')
        assert read_weights(path)['a'].flags == 0
        assert torch.load(path, weights_only=False)['a'].flags == 63


def test_checkpoints_of_trainings_are_read(tmp_path):
    """Histories of logged values, arrays, numpy numbers: what mmengine keeps beside the weights."""
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    hub = dict(log_scalars=dict(loss=history), runtime_info=dict(best=np.float64(3.5), n=np.int64(2), a=np.arange(3)))
    torch.save(dict(message_hub=hub, seed=np.uint32(5)), tmp_path / 'w.pth')
    found = read_weights(tmp_path / 'w.pth')
    assert found['message_hub']['log_scalars']['loss'].mean() == 1.5
    assert found['message_hub']['runtime_info']['a'].tolist() == [0, 1, 2]
    assert (found['message_hub']['runtime_info']['best'], found['seed']) == (3.5, 5)


class TestLoadWeights:
    def test_prefix(self, net):
        other = Net()
        assert load_weights(net.backbone, state_of(other), 'w', prefix='backbone.') == 7
        assert same(net.backbone.state_dict(), other.backbone.state_dict())

    def test_names_that_one_side_may_lack(self, net):
        whole = state_of(Net())
        part = {key: value for key, value in whole.items() if not key.startswith('head.')}
        load_weights(net, part, 'w', absent=[r'head\.'])
        more = {**whole, 'fc.weight': torch.ones(1)}
        load_weights(net, more, 'w', optional=[r'fc\.'])
        with pytest.raises(WeightsError, match='1 not in the model'):
            load_weights(net, more, 'w', optional=[r'weight'])
        with pytest.raises(WeightsError, match='2 not in the file'):
            load_weights(net, part, 'w', optional=[r'head\.'])

    def test_module_of_that_name_keeps_its_prefix(self):
        wrapped = nn.ModuleDict(dict(module=nn.Linear(2, 2)))
        load_weights(wrapped, state_of(wrapped), 'w')

    def test_precision_of_the_module(self, net):
        load_weights(net, {key: value.double() for key, value in state_of(net).items() if value.ndim}, 'w')
        assert net.head.weight.dtype == torch.float32


class TestLoadFittingWeights:
    @pytest.mark.parametrize('kind', REFUSED)
    def test_refused(self, kind, net, tmp_path):
        path = tmp_path / 'w.pth'
        REFUSED[kind][0](path, state_of(Net()))
        with pytest.raises(WeightsError, match=f'^{path}: '):
            load_fitting_weights(net, read_weights(path), path)

    def test_says_what_it_left_out(self, net):
        state = state_of(Net()) | {'neck.weight': torch.ones(1), 'head.bias': torch.ones(3)}
        del state['backbone.0.bias']
        said = load_fitting_weights(net, state, 'w.pth')
        assert said == (
            'w.pth: loaded Net: 6 of 8 tensors fit; 1 not in the file (backbone.0.bias); '
            '1 not in the model (neck.weight); 1 unlike (head.bias (3,), expected (2,))'
        )
        assert torch.equal(net.head.weight, state['head.weight'])
        assert load_fitting_weights(net, state_of(net), 'w.pth') == 'w.pth: all 8 tensors loaded'

    def test_backbone_must_fit(self, net):
        with pytest.raises(WeightsError, match='no tensor of the backbone fits'):
            load_fitting_weights(net, state_of(Net(backbone=5)), 'w.pth')


class TestSha256:
    def test_of_the_file(self, net, tmp_path):
        path = tmp_path / 'w.pth'
        torch.save(state_of(net), path)
        digest = file_sha256(path)
        assert read_weights(path, sha256=digest[:8].upper()).keys() == state_of(net).keys()
        with pytest.raises(WeightsError, match=f'w.pth: its SHA-256 is {digest}, expected 00ff'):
            read_weights(path, sha256='00ff')

    @pytest.mark.parametrize('change', ['tensor', 'name', 'string'])
    def test_of_the_content(self, change, net, tmp_path):
        state, meta = state_of(net), dict(config='a = 1')
        meta['sha256'] = content_sha256(state, meta)
        path = tmp_path / 'w.safetensors'
        save_file(state, path, meta)
        assert read_weights(path)['meta'] == meta
        if change == 'tensor':
            state['head.bias'][0] += 1e-3
        elif change == 'name':
            state['head.other'] = state.pop('head.bias')
        else:
            meta['config'] = 'a = 2'
        save_file(state, path, meta)
        with pytest.raises(WeightsError, match=r'w\.safetensors: is damaged .*SHA-256'):
            read_weights(path)


def test_mmengine_stays_as_it_is(tmp_path):
    """Reading leaves no type behind that others could then load."""
    torch.save(dict(a=np.arange(3)), tmp_path / 'w.pth')
    read_weights(tmp_path / 'w.pth')
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / 'w.pth', weights_only=True)
