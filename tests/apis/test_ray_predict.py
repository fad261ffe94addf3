"""Many images by several processes: a worker's files, a run of two, stopping and going on."""

import json
import os

import cv2
import numpy as np
import pytest

from mmcrowd.apis import CrowdInferencer, CrowdResult, predict_folder, ray_predict
from mmcrowd.apis.export import rendered_crowd
from mmcrowd.apis.parquet_parts import drop_errors, read_parts, read_summary, write_part
from mmcrowd.apis.ray_predict import FOLDER, CrowdWorker, predict_many
from tests.docs.pages import blocks

pyarrow = pytest.importorskip('pyarrow', reason='needs the extra ray')
needs_ray = pytest.mark.skipif(ray_predict.find_spec('ray') is None, reason='needs the extra ray')


@pytest.fixture(scope='module')
def crowd_picture():
    return rendered_crowd((120, 160))


@pytest.fixture
def photos(crowd_picture, tmp_path):
    """Four crowds, an empty picture and a file that is no picture."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    for turns in range(4):
        cv2.imwrite(str(folder / f'{turns}.png'), np.rot90(crowd_picture, turns))
    cv2.imwrite(str(folder / 'empty.png'), np.zeros((64, 96, 3), np.uint8))
    (folder / 'bad.jpg').write_text('no picture')
    return folder


def row(name: str, **values) -> dict:
    found = dict(width=9, height=8, count=1, points=[[1.5, 2.25]], scores=[0.5], boxes=[[0.0, 1.0, 2.0, 3.0]])
    return dict(image=name) | found | values


def batch(*paths: str) -> 'pyarrow.Table':
    names = [os.path.basename(path) for path in paths]
    return pyarrow.table(dict(path=pyarrow.array(map(os.fsencode, paths), pyarrow.binary()), image=names))


def test_rows_come_back(tmp_path) -> None:
    rows = [
        row('a', boxes=[None], interval=[0, 4]),
        row('b', count=0, points=[], scores=[], boxes=[]),
        row('c', count=1.25, counts=dict(left=0.5), points=None, scores=None, boxes=None),
    ]
    write_part(tmp_path, rows)
    write_part(tmp_path, [dict(image='d', error='no picture')])
    found = {each['image']: each for each in read_parts(tmp_path)}
    assert [found[each['image']] for each in rows] == [dict(each, error=None) for each in rows]
    assert found['d']['error'] == 'no picture'
    assert not CrowdResult.from_dict(found['c']).has_points
    assert read_summary(tmp_path) == dict(a=(1, None), b=(0, None), c=(1.25, None), d=(None, 'no picture'))


def test_code_of_the_guide(repo_root, tmp_path, monkeypatch, capsys) -> None:
    pytest.importorskip('pandas', reason='needs the extra ray')
    monkeypatch.chdir(tmp_path)
    write_part(tmp_path / 'out' / FOLDER, [row('a', count=2.5), row('b'), dict(image='c', error='no picture')])
    for block in blocks(repo_root / 'docs/en/user_guides/large_scale.md', 'python')[:2]:
        exec(block.code, {})
    assert capsys.readouterr().out.splitlines() == ['3.5 heads; 1 images without a result', 'a 2.5', 'b 1']


def test_the_same_images_are_the_same_file(tmp_path) -> None:
    """A call that is repeated after the death of its process leaves no image twice."""
    for count in (1, 2):
        write_part(tmp_path, [row('a', count=count), row('b')])
    assert [each['count'] for each in read_parts(tmp_path)] == [2, 1]


def test_errors_are_taken_out(tmp_path) -> None:
    write_part(tmp_path, [row('a'), dict(image='b', error='gone')])
    write_part(tmp_path, [dict(image='c', error='gone')])
    drop_errors(tmp_path)
    assert read_summary(tmp_path) == dict(a=(1, None))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_of_another_kind_is_named(tmp_path) -> None:
    (tmp_path / 'part-0.parquet').write_text('else')
    with pytest.raises(ValueError, match=r'part-0\.parquet: no results of many images'):
        read_summary(tmp_path)


def test_worker(photos, tmp_path) -> None:
    odd = os.fsdecode(os.fsencode(photos) + b'/caf\xe9.png')
    try:
        os.link(photos / '1.png', odd)
    except OSError:
        pytest.skip('this file system takes no such names')
    worker = CrowdWorker(tmp_path / 'parts', device='cpu')
    table = batch(*(str(photos / name) for name in ('0.png', 'bad.jpg', 'gone.png')))
    odd_row = dict(path=pyarrow.array([os.fsencode(odd)], pyarrow.binary()), image=['caf\\xe9.png'])
    said = worker(pyarrow.concat_tables([table, pyarrow.table(odd_row)]))
    good, bad, gone, named = read_parts(tmp_path / 'parts')
    columns = pyarrow.parquet.read_table(tmp_path / 'parts', columns=['count', 'low', 'high']).to_pydict()
    assert [columns['low'][0], columns['high'][0]] == good['interval']
    assert columns['low'][1] is columns['high'][1] is None
    expected = worker.crowd.predict(photos / '0.png').to_dict()
    assert expected['count'] > 0
    assert good == expected | dict(image='0.png', error=None)
    assert 'bad.jpg: ' in bad['error']
    assert 'gone.png' in gone['error']
    assert named['image'] == 'caf\\xe9.png'
    assert named['error'] is None
    assert said['error'].tolist() == ['', bad['error'], gone['error'], '']
    assert np.isnan(said['count']).tolist() == [False, True, True, False]


def test_a_fault_of_the_program_is_no_row(photos, tmp_path, monkeypatch) -> None:
    worker = CrowdWorker(tmp_path, device='cpu')

    def fails(*args, **kwargs):
        raise RuntimeError('sizes of tensors must match')

    monkeypatch.setattr(worker.crowd, 'predict_batch', fails)
    with pytest.raises(RuntimeError, match='must match'):
        worker(batch(str(photos / '0.png')))
    assert not list(tmp_path.glob('*.parquet'))


def run_here(waiting, worker, workers, part, needs) -> None:
    """In place of Ray: one call for all."""
    with_names = dict(path=pyarrow.array(map(os.fsencode, waiting.values()), pyarrow.binary()), image=list(waiting))
    CrowdWorker(worker.pop('folder'), **worker)(pyarrow.table(with_names))


@pytest.fixture
def without_ray(monkeypatch):
    """Calls of worker processes, made here; which images each was given."""
    given = []

    def run(waiting, *args) -> None:
        given.append(sorted(os.path.basename(path) for path in waiting))
        run_here(waiting, *args)

    monkeypatch.setattr(ray_predict, '_predict', run)
    monkeypatch.setattr(ray_predict, '_ray', lambda *args: ray_predict.contextmanager(lambda: iter([None]))())
    monkeypatch.setattr(ray_predict, 'find_spec', lambda name: True)
    return given


def test_going_on(photos, tmp_path, without_ray) -> None:
    out = tmp_path / 'out'
    first = predict_many([photos / '0.png', photos / 'bad.jpg'], out)
    assert first[0] == 1
    assert len(first[2]) == 1
    with pytest.raises(ValueError, match='results of 2 images are there: go on with them'):
        predict_many(photos, out)
    (out / FOLDER / '.part-1.parquet.tmp').write_bytes(b'half')
    images, heads, errors = predict_many(photos, out, resume=True)
    assert (images, len(errors)) == (5, 1)
    assert heads == sum(count for count, _ in read_summary(out / FOLDER).values() if count is not None)
    assert predict_many(photos, out, resume=True) == (images, heads, errors)
    assert without_ray == [['0.png', 'bad.jpg'], ['1.png', '2.png', '3.png', 'empty.png']]
    assert not list((out / FOLDER).glob('.*'))

    cv2.imwrite(str(photos / 'bad.png'), np.zeros((64, 96, 3), np.uint8))
    (photos / 'bad.png').replace(photos / 'bad.jpg')
    assert predict_many(photos, out, resume=True, retry=True) == (6, heads, [])
    assert without_ray[2:] == [['bad.jpg']]
    assert len(list(read_parts(out / FOLDER))) == 6
    with pytest.raises(ValueError, match='another score threshold'):
        predict_many(photos, out, resume=True, score_thr=0.9)


@pytest.mark.parametrize('wrong', [dict(workers=0), dict(cpus=0), dict(part=0), dict(gpus=-1), dict(gpus=float('nan'))])
def test_numbers_that_make_no_sense(photos, tmp_path, wrong) -> None:
    with pytest.raises(ValueError, match=f'{next(iter(wrong))}: expected'):
        predict_many(photos, tmp_path / 'out', **wrong)


def test_ray_is_missing(photos, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(ray_predict, 'find_spec', lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "ray\[data\]"'):
        predict_many(photos, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@needs_ray
def test_errors_of_ray_are_explained() -> None:
    import ray

    with pytest.raises(RuntimeError, match='a process died 3 times over the same images'):
        ray_predict._explain(ray.exceptions.ActorDiedError())
    full = ray.exceptions.UserCodeException("frames\nOSError: [Errno 28] No space left on device: '/x'\n\nThe above")
    with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device: '/x'$"):
        ray_predict._explain(full)
    ray_predict._explain(ray.exceptions.UserCodeException('RuntimeError: sizes'))


@needs_ray
def test_two_processes_find_what_one_finds(photos, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)  # paths that only the caller's folder explains
    images, heads, errors = predict_many('photos', 'many', workers=2, part=2)
    results, failures = predict_folder(CrowdInferencer(device='cpu'), 'photos', 'one', pictures=False)
    expected = {each['image']: each for each in json.loads((tmp_path / 'one' / 'predictions.json').read_text())}
    found = {each['image']: each for each in read_parts(tmp_path / 'many' / FOLDER)}
    bad = found.pop('photos/bad.jpg')
    assert found == {name: dict(each, error=None) for name, each in expected.items()}
    assert [bad['error']] == errors
    assert len(failures) == 1
    assert (images, heads) == (5, sum(result.count for result in results))
    assert len(list((tmp_path / 'many' / FOLDER).glob('part-*.parquet'))) == 3
