"""The page in a real browser: drawn with the mouse, corrected, found again, exported; and 20,000 boxes in motion."""

import json
import os
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper

pytest.importorskip('starlette', reason='the page needs the extra label')
pytest.importorskip('uvicorn', reason='the page needs the extra label')
pytest.importorskip('playwright', reason='browser tests need the package playwright')

import uvicorn
from playwright.sync_api import sync_playwright

from mmcrowd.apis.labeling import LabelStore, make_app, read_heads
from mmcrowd.datasets import CustomCrowd, SCUTHead, SyntheticCrowd
from mmcrowd.datasets.formats import FORMATS
from mmcrowd.utils.pictures import read_image
from mmcrowd.utils.pictures import write_image as write_picture
from tests.apis.labeling.test_batch import crowd, entry, write
from tests.models.test_box_detectors import build, one_stage

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason='browser tests need a Chromium on PATH')
LOAD = dict(type='mmcrowd.LoadSynthetic')
VIEW = 'window.mmcrowd.view'
STATE = 'window.mmcrowd.work.state'
SAVED = "() => window.mmcrowd.work.saving === 'saved' && !window.mmcrowd.work.running"


@pytest.fixture(scope='module')
def browser():
    with sync_playwright() as tools:
        made = tools.chromium.launch(executable_path=CHROMIUM, args=['--no-sandbox'])
        yield made
        made.close()


@pytest.fixture
def serve():
    servers = []

    def start(store: LabelStore, **options) -> str:
        config = uvicorn.Config(make_app(store, **options), port=0, log_level='error')
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        return f'http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/'

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join()


@pytest.fixture
def page(browser):
    made = browser.new_page(viewport=dict(width=1200, height=800))
    made.set_default_timeout(120_000)
    faults = []
    made.on('pageerror', lambda error: faults.append(str(error)))
    yield made
    made.close()
    assert faults == []


def open_page(page, address: str) -> None:
    page.goto(address)
    page.wait_for_function('() => window.mmcrowd?.work.name && !window.mmcrowd.work.asking')


def screen(page, x: float, y: float) -> tuple[float, float]:
    """Where a point of the image is on the page."""
    return tuple(
        page.evaluate(
            f'([x, y]) => {{ const a = document.getElementById("overlay").getBoundingClientRect();'
            f' const [sx, sy] = {VIEW}.toScreen(x, y); return [sx + a.left, sy + a.top]; }}',
            [x, y],
        )
    )


def drag(page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag the mouse between two points of the image."""
    page.mouse.move(*screen(page, *start))
    page.mouse.down()
    page.mouse.move(*screen(page, *[(a + b) / 2 for a, b in zip(start, end, strict=True)]))
    page.mouse.move(*screen(page, *end))
    page.mouse.up()
    page.wait_for_function(SAVED)


def test_draw_correct_reload_and_export(tmp_path, page, serve):
    write(tmp_path, [entry('a.jpg')])
    heads, images = read_heads(tmp_path / 'points.json', images=tmp_path / 'images')
    store = LabelStore(images, heads)
    open_page(page, serve(store))
    points, true = crowd('a.jpg')
    page.keyboard.press('b')
    order = np.argsort(points[:, 1])
    for row in order[[2, 14, 28]]:
        drag(page, true[row, :2].tolist(), true[row, 2:].tolist())
    assert len(store.read('a.jpg').presets) == 3
    page.wait_for_function('() => window.mmcrowd.work.table?.length === 150')
    # A step taken back, and done again.
    page.keyboard.press('Control+z')
    page.wait_for_function(SAVED)
    assert len(store.read('a.jpg').presets) == 2
    page.keyboard.press('Control+Shift+Z')
    page.wait_for_function(SAVED)
    # A single box is corrected at its corner.
    page.keyboard.press('v')
    presets = store.read('a.jpg').presets
    free = next(
        r
        for r in order[::-1]
        if not ((points[r] > presets[:, :2] - 9) & (points[r] < presets[:, 2:] + 9)).all(1).any()
        and np.sort(np.abs(points - points[r]).max(axis=1))[1] > 8
    )
    page.mouse.click(*screen(page, *points[free].tolist()))
    assert page.evaluate(f'{VIEW}.chosen') == dict(kind='head', index=int(free))
    box = page.evaluate(f'{VIEW}.chosenBox()')
    drag(page, box[2:], [box[2] + 6, box[3] + 7])
    corrected = store.read('a.jpg').boxes[free]
    np.testing.assert_allclose(corrected, [box[0], box[1], box[2] + 6, box[3] + 7], atol=0.6)
    # All is there again.
    before = page.evaluate(STATE)
    open_page(page, page.url)
    assert page.evaluate(STATE) == before
    page.select_option('#format', 'json')
    page.click('#export')
    page.wait_for_selector('#message[open]')
    made = FORMATS['json'].read(store.work_dir / 'export' / 'boxes.json', images).images[0]
    assert np.isfinite(made.boxes).all()
    np.testing.assert_array_equal(made.boxes[free], corrected)


def rendered_crowd(folder) -> tuple[np.ndarray, np.ndarray]:
    crowd = SyntheticCrowd(length=1, size=(640, 480), heads=(60, 60), min_head=9, seed=7, pipeline=[LOAD])[0]
    write_picture(folder / 'images' / 'crowd.png', crowd['img'])
    return crowd['heads'][:, :2], crowd['heads'][:, 2:]


def real_crowd(folder) -> tuple[np.ndarray, np.ndarray]:
    if 'MMCROWD_DATA' not in os.environ:
        pytest.skip('MMCROWD_DATA does not name a folder with scut_head')
    root = Path(os.environ['MMCROWD_DATA']) / 'scut_head'
    data = SCUTHead(str(root), split='test', pipeline=[])
    crowd = next(info for info in map(data.get_data_info, range(len(data))) if len(info['heads']) >= 40)
    write_picture(folder / 'images' / 'crowd.png', read_image(crowd['img_path']))
    return crowd['heads'][:, :2], crowd['heads'][:, 2:]


def train_detector(annotations, images) -> list[float]:
    """A few steps of a small detector on what was exported; the losses of the boxes."""
    pipeline = [dict(type='LoadImageFromFile'), dict(type='mmcrowd.LoadHeads'), dict(type='mmcrowd.PackCrowdInputs')]
    data = CustomCrowd(str(images.parent), str(annotations), pipeline=pipeline)
    model = build(one_stage('FCOSHead')).train()
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), 0.001))
    losses = [model.train_step(pseudo_collate([data[0]]), optimizer) for _ in range(3)]
    assert all(torch.isfinite(value) for step in losses for value in step.values())
    return [step['loss_bbox'].item() for step in losses]


@pytest.mark.parametrize('crowd_of', [rendered_crowd, real_crowd])
def test_from_points_to_a_detector(crowd_of, tmp_path, page, serve):
    (tmp_path / 'images').mkdir()
    points, true = (table.astype(float) for table in crowd_of(tmp_path))
    (tmp_path / 'points.json').write_text(
        json.dumps(dict(data_list=[dict(img_path='crowd.png', points=points.tolist())]))
    )
    heads, images = read_heads(tmp_path / 'points.json', images=tmp_path / 'images')
    store = LabelStore(images, heads)
    open_page(page, serve(store))
    alone = np.sort(np.abs(points[:, None] - points).max(axis=2), axis=1)[:, 1] > 8  # to be hit with the mouse
    rows = np.flatnonzero(alone & (true > 2).all(axis=1))
    rows = rows[np.argsort(points[rows, 1])]
    page.keyboard.press('b')
    for row in rows[np.linspace(0, len(rows) - 1, 5).round().astype(int)]:
        drag(page, true[row, :2].tolist(), true[row, 2:].tolist())
    page.wait_for_function(f'() => window.mmcrowd.work.table?.length === {5 * len(points)}')
    made = np.array(page.evaluate('() => Array.from(window.mmcrowd.work.table)')).reshape(-1, 5)[:, :4]
    size = [np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1)) for boxes in (made, true)]
    assert np.median(np.abs(size[0] / size[1] - 1)) < 0.3
    # A box is corrected, a head is added, one is taken away.
    page.keyboard.press('v')
    presets = store.read('crowd.png').presets
    centres = (presets[:, :2] + presets[:, 2:]) / 2
    free = rows[np.abs(points[rows, None] - centres).max(axis=2).min(axis=1).argmax()]
    page.evaluate(f'([x, y]) => {VIEW}.goTo([x, y], 150)', points[free].tolist())
    page.mouse.click(*screen(page, *points[free].tolist()))
    assert page.evaluate(f'{VIEW}.chosen') == dict(kind='head', index=int(free))
    box = page.evaluate(f'{VIEW}.chosenBox()')
    drag(page, box[2:], [box[2] + 4, box[3] + 3])
    page.keyboard.press('p')
    page.mouse.click(*screen(page, points[free, 0] + (30 if points[free, 0] < 250 else -30), points[free, 1] + 1))
    page.wait_for_function(SAVED)
    assert len(store.read('crowd.png').points) == len(points) + 1
    page.keyboard.press('Control+z')
    page.wait_for_function(SAVED)
    before = page.evaluate(STATE)
    open_page(page, page.url)
    assert page.evaluate(STATE) == before
    assert (before['boxes'][free], len(before['points'])) != (None, len(points) + 1)
    page.select_option('#format', 'json')
    page.click('#export')
    page.wait_for_selector('#message[open]')
    assert f'1 images, {len(points)} heads' in page.inner_text('#message p')
    assert min(train_detector(store.work_dir / 'export' / 'boxes.json', images)) > 0


def test_the_second_tab_is_told(tmp_path, page, serve):
    write(tmp_path, [entry('a.jpg')])
    heads, images = read_heads(tmp_path / 'points.json', images=tmp_path / 'images')
    store = LabelStore(images, heads)
    open_page(page, serve(store))
    other = store.read('a.jpg').to_json()
    store.save('a.jpg', dict(other, presets=[[10, 10, 30, 30]]))
    page.keyboard.press('d')
    page.wait_for_selector('#message[open]')
    page.wait_for_function(f'() => {STATE}.presets.length === 1')
    assert store.read('a.jpg').done is False


def test_what_is_wrong_is_said_and_the_rest_goes_on(tmp_path, page, serve):
    write(tmp_path, [entry(name) for name in ('a.jpg', 'b.jpg', 'c.jpg')])
    heads, images = read_heads(tmp_path / 'points.json', images=tmp_path / 'images')
    (images / 'a.jpg').write_bytes(b'no picture')
    (images / 'c.jpg').write_bytes((images / 'b.jpg').read_bytes())
    bad = {'b.jpg': np.array([[500.0, 500, 520, 520]]), 'gone.jpg': np.array([[1.0, 1, 5, 5]])}
    store = LabelStore(images, heads, bad)
    page.goto(serve(store))
    page.wait_for_selector('#message[open]')
    page.wait_for_function('() => document.querySelector("#message p").textContent.includes("same file")')
    said = page.inner_text('#message p')
    for line in ('a.jpg: this file of 10 bytes', 'c.jpg: the same file as b.jpg', 'gone.jpg: 1 presets, and no such'):
        assert line in said
    assert 'b.jpg: preset 0 is outside the image' in said
    page.keyboard.press('Escape')
    page.keyboard.press(']')
    page.wait_for_function('() => window.mmcrowd.work.name === "b.jpg" && !window.mmcrowd.work.asking')
    page.keyboard.press('d')
    page.wait_for_function(SAVED)
    assert store.read('b.jpg').done


def test_presets_of_another_program_are_imported(tmp_path, page, serve):
    write(tmp_path, [entry('a.jpg')])
    heads, images = read_heads(tmp_path / 'points.json', images=tmp_path / 'images')
    store = LabelStore(images, heads)
    open_page(page, serve(store))
    (tmp_path / 'broken.xml').write_text('<annotations><image')
    (tmp_path / 'boxes.csv').write_text('image,x1,y1,x2,y2\na.jpg,10,10,20,22\na.jpg,100,90,120,112\ngone.jpg,1,1,5,5')
    page.click('#upload-button')
    for kind, file, error in (('cvat', 'broken.xml', 'broken.xml: '), ('coco', 'boxes.csv', 'boxes.csv: ')):
        page.select_option('#upload-format', kind)
        page.set_input_files('#upload-files', tmp_path / file)
        page.click('#upload-send')
        page.wait_for_function(f'() => document.getElementById("upload-error").textContent.startsWith("{error}")')
    assert store.read('a.jpg').revision == 0
    page.select_option('#upload-format', 'csv')
    page.click('#upload-send')
    page.wait_for_selector('#message[open]')
    assert '2 presets for 1 images\n\ngone.jpg: 1 presets, and no such image' in page.inner_text('#message p')
    page.wait_for_function(f'() => {STATE}.presets.length === 2 && window.mmcrowd.work.table?.length === 150')
    assert page.inner_text('#images .count') == '30 / 2'
    page.keyboard.press('Escape')
    page.keyboard.press('d')  # the page knows the revision that the import made
    page.wait_for_function(SAVED)
    assert store.read('a.jpg').done


def test_thousands_of_boxes_are_redrawn_at_once(tmp_path, page, serve):
    write(tmp_path, [dict(img_path='a.jpg', points=np.random.default_rng(0).uniform(0, 150, (20_000, 2)).tolist())])
    heads, images = read_heads(tmp_path / 'points.json', images=tmp_path / 'images')
    drawn = np.array([[20, 20, 26, 26], [100, 120, 112, 132.0]])
    open_page(page, serve(LabelStore(images, heads, {'a.jpg': drawn})))
    page.wait_for_function('() => window.mmcrowd.work.table?.length === 100000')
    times = page.evaluate(
        f"""async () => {{
            const times = [];
            for (let i = 0; i < 12; i++) {{
                const start = performance.now();
                {VIEW}.pan(3, 2);
                await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
                times.push(performance.now() - start);
            }}
            return times;
        }}"""
    )
    print(f'redraw of 20,000 boxes: {np.median(times):.0f} ms with the frame after it')
    assert page.evaluate(f'{VIEW}.lastRender') > 0  # how fast is printed and decides nothing
