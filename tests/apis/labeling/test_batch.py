"""Boxes for a data set in one go: what comes out of good input, and what is said about bad one."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from mmcrowd.apis.labeling import label_collection, read_heads
from mmcrowd.datasets.formats import FORMATS
from tests.datasets.fixtures.images import write_image

SIZE = (200, 150)


def crowd(name: str, number: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Points, and boxes that grow down the image."""
    points = np.random.default_rng(list(name.encode())).uniform((20, 20), (180, 130), (number, 2)).round(2)
    sides = (4 + points[:, 1:] / 10) * (0.9, 1.1)
    return points, np.concatenate([points - sides / 2, points + sides / 2], axis=1)


def entry(name: str, presets: int = 0, number: int = 30, **more) -> dict:
    points, boxes = crowd(name, number)
    drawn = np.argsort(points[:, 1])[np.linspace(0, len(points) - 1, presets).round().astype(int)]
    listed = [boxes[row].tolist() if row in drawn else None for row in range(len(points))] if presets else None
    return dict(img_path=name, points=points.tolist(), **(dict(boxes=listed) if presets else {}), **more)


def write(folder: Path, entries: list[dict], name: str = 'points.json') -> Path:
    for item in entries:
        if not (folder / 'images' / item['img_path']).exists():
            write_image(folder / 'images' / item['img_path'], SIZE)
    (folder / name).write_text(json.dumps(dict(data_list=entries)))
    return folder / name


def label(folder: Path, **options):
    heads, images = read_heads(folder / 'points.json', images=folder / 'images')
    return label_collection(heads, images, **options)


@pytest.fixture
def run(repo_root, monkeypatch, capsys):
    def call(*arguments: object) -> tuple[int, str, str]:
        path = repo_root / 'tools' / 'label_heads.py'
        monkeypatch.setattr(sys, 'argv', [str(path), *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(str(path), run_name='__main__')
        return stop.value.code, *capsys.readouterr()

    return call


@pytest.mark.parametrize('target', ['coco', 'json', 'mot', 'voc', 'yolo'])
def test_every_target_is_read_again(target, tmp_path, run):
    write(tmp_path, [entry('cam/img1/000001.jpg', 4), entry('cam/img1/000002.jpg')])
    images, out = tmp_path / 'images', tmp_path / 'out'
    points = tmp_path / 'points.json'
    code, printed, _ = run(
        *('--data', images, '--points', points, '--out', out, '--to', target, '--scenes', 'folder'),
        *('--report', tmp_path / 'report'),
    )
    assert (code, '60 heads, 56 interpolated' in printed) == (0, True)
    read = FORMATS[target].read(out, images)
    assert [image.img_path for image in read.images] == ['cam/img1/000001.jpg', 'cam/img1/000002.jpg']
    for image in read.images:
        true = crowd(image.img_path)[1]
        order = [np.argsort(boxes.sum(axis=1)) for boxes in (true, image.boxes)]
        sizes = [(b[o, 2:] - b[o, :2]).prod(axis=1) ** 0.5 for b, o in zip((true, image.boxes), order, strict=True)]
        assert np.abs(sizes[1] / sizes[0] - 1).mean() < 0.15
    report = json.loads((tmp_path / 'report' / 'report.json').read_text())
    assert report['leave_one_out_error'] < 0.5
    assert report['scenes']['cam/img1']['presets'] == 4
    assert len(list((tmp_path / 'report' / 'gallery').iterdir())) == 2
    assert (tmp_path / 'report' / 'sizes' / 'img1.png').is_file()


@pytest.mark.parametrize('program', ['labelme', 'coco', 'cvat', 'via', 'csv', 'json'])
def test_presets_of_other_programs(program, tmp_path, run):
    write(tmp_path, [entry('a.jpg')])
    write(tmp_path, [entry('a.jpg', 30)], 'drawn.json')
    drawn = FORMATS['json'].read(tmp_path / 'drawn.json', tmp_path / 'images')
    drawn.images[0].points, drawn.images[0].boxes = (
        rows[::6] for rows in (drawn.images[0].points, drawn.images[0].boxes)
    )
    drawn.images[0].labels, drawn.images[0].size = drawn.images[0].labels[::6], SIZE
    FORMATS[program].write(drawn, tmp_path / 'presets', tmp_path / 'images', lossy=True)
    code, printed, _ = run(
        *('--data', tmp_path / 'images', '--points', tmp_path / 'points.json', '--out', tmp_path / 'out.json'),
        *('--presets', tmp_path / 'presets', '--presets-format', program),
    )
    assert (code, '30 heads, 25 interpolated' in printed) == (0, True)
    made = FORMATS['json'].read(tmp_path / 'out.json', tmp_path / 'images').images[0]
    assert {*range(30)} - set(made.extra['pseudo_boxes']) == {*range(0, 30, 6)}


def test_scenes_share_presets(tmp_path):
    write(tmp_path, [entry('a/1.jpg', 4, group='g'), entry('a/2.jpg'), entry('b/1.jpg', group='g')])
    for scenes, images in (('image', 1), ('folder', 2), ('group', 2), ('all', 3)):
        assert len(label(tmp_path, scenes=scenes).collection.images) == images


def test_what_is_wrong_is_said_and_the_rest_goes_on(tmp_path):
    bad = dict(entry('outside.jpg', 3), img_path='outside.jpg')
    bad['boxes'] = [[500, 500, 520, 520] if box else None for box in bad['boxes']]
    write(
        tmp_path,
        [
            *[bad, entry('alone.jpg', 1), entry('bare.jpg'), entry('good.jpg', 4)],
            *[entry('broken.jpg', 3), entry('empty.jpg', number=0), dict(entry('other.jpg', 3), width=9, height=9)],
            dict(
                entry('same.jpg', 5),
                boxes=[
                    [x - 5, y - 5, x + 5, y + 5] if k % 9 == 0 else None
                    for k, (x, y) in enumerate(entry('same.jpg')['points'])
                ],
            ),
        ],
    )
    (tmp_path / 'images' / 'broken.jpg').write_bytes(b'no picture')
    (tmp_path / 'images' / 'gone.jpg').unlink(missing_ok=True)
    made = label(tmp_path)
    assert [image.img_path for image in made.collection.images] == ['alone.jpg', 'good.jpg', 'empty.jpg', 'same.jpg']
    text = '\n'.join(made.notes)
    for line in (
        *['outside.jpg: preset 0 is outside the image of 200x150 pixels', 'outside.jpg: 27 heads and no preset'],
        *['alone.jpg: one preset alone', 'bare.jpg: 30 heads and no preset', 'broken.jpg: '],
        *['other.jpg: 200x150 pixels, (9, 9) in the annotations', 'same.jpg: all 4 presets are of one size'],
    ):
        assert line in text
    assert 'good.jpg' not in text
    assert all(np.isfinite(image.boxes).all() for image in made.collection.images)


def test_duplicates_and_what_has_no_preset_are_left_out_and_the_exit_code_tells(tmp_path, run):
    named = ['a.jpg', 'bare.jpg', 'broken.jpg', 'copy.jpg', 'd.jpg', 'x/d.jpg', 'y/d.jpg', 'good.jpg']
    listed = {name: entry(name, 3) for name in named[:5]} | {'bare.jpg': entry('bare.jpg'), 'x/d.jpg': entry('x/d.jpg')}
    write(tmp_path, [*(entry(name) for name in named), *listed.values()])
    write(tmp_path, [*listed.values(), entry('a.jpg', 5)])
    images = tmp_path / 'images'
    (images / 'd.jpg').unlink()
    (images / 'broken.jpg').write_bytes(b'no picture')
    for name in ('a.jpg', 'copy.jpg', 'good.jpg'):  # of one size, two of them the same
        (images / name).write_bytes((images / 'bare.jpg').read_bytes() + name[:1].replace('c', 'a').encode())
    given = ('--data', images, '--points', tmp_path / 'points.json', '--out', tmp_path / 'out.json')
    code, printed, said = run(*given)
    assert (code, '2 images, 60 heads' in printed) == (1, True)
    for line in (
        *['a.jpg again; left out, the first is taken', 'bare.jpg: 30 heads and no preset', 'broken.jpg: this file of'],
        *['copy.jpg: the same file as a.jpg', 'd.jpg may be x/d.jpg or y/d.jpg', 'x/d.jpg: 30 heads and no preset'],
    ):
        assert line in said
    read = FORMATS['json'].read(tmp_path / 'out.json', images).images
    assert [(image.img_path, len(image.extra['pseudo_boxes'])) for image in read] == [('a.jpg', 27), ('copy.jpg', 27)]
    write(tmp_path, [entry('good.jpg', 4)])
    assert run(*given)[0] == 0


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--out', 'x.json'), '--out needs --points'),
        (('--points', 'points.json', '--out', 'x.json'), '--data is needed'),
        (('--data', 'images', '--config', 'c.py'), 'belong together'),
        (('--data', 'images', '--points', 'points.json', '--out', 'x.json'), 'no preset'),
        (('--data', 'nowhere', '--points', 'points.json', '--out', 'x.json'), 'nowhere'),
        (('--data', 'images', '--points', 'points.json', '--presets', 'no.json', '--out', 'x.json'), 'no.json'),
    ],
)
def test_mistakes_are_one_line(arguments, message, tmp_path, run, monkeypatch):
    write(tmp_path, [entry('a.jpg')])
    monkeypatch.chdir(tmp_path)
    code, _, error = run(*arguments)
    assert code == 2
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_heads_of_a_config(tmp_path, repo_root, monkeypatch):
    monkeypatch.setenv('MMCROWD_CACHE', str(tmp_path / 'cache'))
    write(tmp_path, [entry('a.jpg', 3), entry('b.jpg', 3)])
    (tmp_path / 'config.py').write_text(
        f"own = dict(type='mmcrowd.CustomCrowd', data_root={str(tmp_path)!r}, ann_file='points.json', pipeline=[])\n"
        'train_dataloader = dict(dataset=own)\n'
    )
    heads, folder = read_heads(tmp_path / 'config.py')
    assert ([image.img_path for image in heads.images], folder) == (['a.jpg', 'b.jpg'], tmp_path / 'images')
    assert len(label_collection(heads, folder).collection.images) == 2
    with pytest.raises(ValueError, match="no split 'val'"):
        read_heads(tmp_path / 'config.py', split='val')
