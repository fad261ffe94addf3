"""The page's server without a browser: what is saved, refused, served and written."""

import base64
import json
import threading

import numpy as np
import pytest

pytest.importorskip('starlette', reason='the page needs the extra label')
pytest.importorskip('httpx', reason="starlette's test client needs httpx")

from starlette.testclient import TestClient

from mmcrowd.apis.labeling import Conflict, LabelStore, make_app, read_heads
from mmcrowd.apis.labeling.server import TILE, is_loopback
from mmcrowd.apis.labeling.store import MOST_HEADS
from mmcrowd.datasets.formats import FORMATS
from tests.apis.labeling.test_batch import SIZE, crowd, entry, write
from tests.datasets.fixtures.images import write_image

NAMES = ['a.jpg', 'sub dir/b #1.png']


@pytest.fixture
def store(tmp_path) -> LabelStore:
    return open_store(tmp_path)


def open_store(folder, **options) -> LabelStore:
    if not (folder / 'points.json').exists():
        write(folder, [entry(name) for name in NAMES])
    heads, images = read_heads(folder / 'points.json', images=folder / 'images')
    return LabelStore(images, heads, **options)


@pytest.fixture
def client(store) -> TestClient:
    return TestClient(make_app(store), base_url='http://localhost')


def state(client, name: str = 'a.jpg') -> dict:
    return client.get(f'/api/image/{name}').json()


def drawn(client, number: int = 4, name: str = 'a.jpg') -> dict:
    """What a page sends that has drawn presets."""
    now = state(client, name)
    return dict(now, presets=crowd(name)[1][:number].round(2).tolist())


def test_work_is_found_again_after_a_restart(client, tmp_path):
    sent = drawn(client)
    sent['points'].append([7.25, 9.5])
    sent['boxes'].append([5, 6, 10, 13])
    sent['done'] = True
    assert client.post('/api/save/a.jpg', json=sent).json() == dict(revision=1)
    again = TestClient(make_app(open_store(tmp_path)), base_url='http://localhost')
    assert state(again) == dict(sent, revision=1)
    rows = {row['name']: row for row in again.get('/api/images').json()['images']}
    assert rows['a.jpg'] == dict(name='a.jpg', heads=31, presets=4, done=True, revision=1)
    assert rows[NAMES[1]]['revision'] == 0


def test_two_tabs_do_not_overwrite_each_other(client):
    first, second = drawn(client, 2), drawn(client, 3)
    assert client.post('/api/save/a.jpg', json=first).status_code == 200
    answer = client.post('/api/save/a.jpg', json=second)
    assert (answer.status_code, 'another tab' in answer.json()['error']) == (409, True)
    assert len(state(client)['presets']) == 2
    assert client.post('/api/save/a.jpg', json=dict(second, revision=1)).json() == dict(revision=2)


def test_of_many_tabs_at_once_one_wins(store):
    sent, outcomes = store.read('a.jpg').to_json(), []

    def save() -> None:
        try:
            outcomes.append(store.save('a.jpg', sent).revision)
        except Conflict:
            outcomes.append(None)

    threads = [threading.Thread(target=save) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [1, *[None] * 7]


def test_a_kill_while_saving_loses_nothing_confirmed(client, tmp_path, monkeypatch):
    client.post('/api/save/a.jpg', json=drawn(client, 3))

    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr('os.replace', die)
    with pytest.raises(KeyboardInterrupt):
        open_store(tmp_path).save('a.jpg', drawn(client, 5))
    monkeypatch.undo()
    again = open_store(tmp_path).read('a.jpg')
    assert (again.revision, len(again.presets)) == (1, 3)


def test_boxes_follow_what_is_drawn(client):
    empty = client.post('/api/boxes/a.jpg', json={})
    assert empty.content == b''
    assert len(json.loads(empty.headers['x-facts'])['suggested']) == 3
    answer = client.post('/api/boxes/a.jpg', json=dict(presets=crowd('a.jpg')[1][:4].tolist()))
    table = np.frombuffer(answer.content, '<f4').reshape(-1, 5)
    facts = json.loads(answer.headers['x-facts'])
    assert (len(table), facts['presets'], facts['outliers']) == (30, 4, [])
    assert 0 < facts['error'] < 0.5
    assert (table[:, 2:4] > table[:, :2]).all()
    np.testing.assert_allclose(table[:4, :4], crowd('a.jpg')[1][:4], atol=1e-3)
    sent = drawn(client)
    sent['boxes'][9] = [1, 2, 3, 4]
    client.post('/api/save/a.jpg', json=sent)
    table = np.frombuffer(client.post('/api/boxes/a.jpg', json={}).content, '<f4').reshape(-1, 5)
    assert table[9].tolist() == [1, 2, 3, 4, 0]


def test_scenes_are_shared_and_remembered(client, tmp_path):
    client.post('/api/save/a.jpg', json=drawn(client))
    other = '/api/boxes/sub%20dir/b%20%231.png'
    assert client.post(other, json={}).content == b''
    assert client.post('/api/settings', json=dict(scenes='all')).json() == dict(scenes='all')
    assert len(client.post(other, json={}).content) == 30 * 5 * 4
    assert open_store(tmp_path).scenes == 'all'
    assert client.post('/api/settings', json=dict(scenes='some')).status_code == 400


@pytest.mark.parametrize('kind', ['coco', 'json', 'voc', 'yolo'])
def test_export_is_read_again(client, store, kind):
    client.post('/api/save/a.jpg', json=drawn(client))
    made = client.post('/api/export', json=dict(format=kind)).json()
    assert (made['images'], made['heads']) == (1, 30)
    assert any('b #1.png: 30 heads and no preset' in note for note in made['notes'])
    read = {i.img_path: i for i in FORMATS[kind].read(made['path'], store.folder).images}
    assert np.isfinite(read['a.jpg'].boxes).all()
    assert len(read['a.jpg']) == 30
    assert (store.work_dir / 'export' / 'report' / 'report.json').is_file()
    assert client.post('/api/export', json=dict(format='doc')).status_code == 400


def test_frames_are_exported_as_mot(tmp_path):
    write(tmp_path, [entry('cam/img1/000001.jpg')])
    client = TestClient(make_app(open_store(tmp_path)), base_url='http://localhost')
    assert client.post('/api/export', json=dict(format='mot')).status_code == 400
    name = 'cam/img1/000001.jpg'
    client.post(f'/api/save/{name}', json=drawn(client, name=name))
    made = client.post('/api/export', json=dict(format='mot')).json()
    assert made['heads'] == 30
    assert made['path'].endswith('mot')


def test_large_pictures_come_in_tiles(tmp_path):
    write_image(tmp_path / 'images' / 'large.png', (TILE + 300, 700))
    client = TestClient(make_app(LabelStore(tmp_path / 'images')), base_url='http://localhost')
    for level, column, status in ((0, 0, 200), (0, 1, 200), (1, 0, 200), (0, 2, 404), (1, 1, 404), (2, 0, 404)):
        answer = client.get(f'/tile/{level}/{column}/0/large.png')
        assert answer.status_code == status, (level, column)
        if status == 200:
            assert answer.headers['content-type'] == 'image/jpeg'
    assert state(client, 'large.png')['width'] == TILE + 300


@pytest.mark.parametrize(
    'path',
    [
        *['/api/image/../points.json', '/api/image/%2e%2e/points.json', '/tile/0/0/0/..%2fpoints.json'],
        *['/tile/0/0/0//etc/passwd', '/api/image/none.jpg', '/static/..%2f__init__.py', '/static/%2e%2e%2fboxes.py'],
        *['/api/image/.labels/settings.json', '/tile/0/0/0/a.jpg%00.jpg'],
    ],
)
def test_nothing_outside_the_data_is_served(client, path):
    assert client.get(path).status_code == 404


def valid() -> dict:
    return dict(revision=0, points=[[1, 2]], boxes=[None], presets=[[1, 1, 9, 9]])


@pytest.mark.parametrize(
    'change',
    [
        *[dict(points=[[1]]), dict(points='x'), dict(points=[[1, 'a']]), dict(points=[[1, 1e300]]), dict(boxes=[])],
        *[dict(presets=[[9, 9, 1, 1]]), dict(presets=[[1, 1, 1, 1]]), dict(presets=[None]), dict(revision='x')],
        *[dict(presets=[[900, 900, 950, 950]]), dict(points=[[float('nan'), 1]]), dict(points=None)],
        dict(points=[[0, 0]] * (MOST_HEADS + 1), boxes=[None] * (MOST_HEADS + 1)),
    ],
)
def test_malformed_work_is_an_error_and_changes_nothing(client, store, change):
    answer = client.post(
        '/api/save/a.jpg', content=json.dumps({**valid(), **change}), headers={'content-type': 'application/json'}
    )
    assert answer.status_code == 400
    assert answer.json()['error']
    assert not store.work_dir.exists()


@pytest.mark.parametrize('text', [b'', b'{', b'[]', b'3', b'"a"', b'\xff\xfe', b'[' * 100_000])
def test_what_is_no_json_is_an_error(client, text):
    for path in ('/api/save/a.jpg', '/api/boxes/a.jpg', '/api/settings', '/api/export'):
        answer = client.post(path, content=text, headers={'content-type': 'application/json'})
        assert answer.status_code == 400, path


def test_other_sites_reach_nothing(client, monkeypatch):
    assert client.get('/', headers=dict(host='evil.example')).status_code == 400
    assert client.post('/api/save/a.jpg', content='{}', headers={'content-type': 'text/plain'}).status_code == 415
    monkeypatch.setattr('mmcrowd.apis.labeling.server.MOST_BYTES', 100)
    assert client.post('/api/save/a.jpg', json=drawn(client)).status_code == 413
    assert 'access-control-allow-origin' not in client.get('/api/images').headers
    assert "default-src 'self'" in client.get('/').headers['content-security-policy']


def test_a_token_is_asked_for_beyond_loopback(store):
    client = TestClient(make_app(store, token='geheim', hosts=['*']), base_url='http://there')
    for path in ('/', '/api/images', '/api/images?token=wrong', '/tile/0/0/0/a.jpg', '/static/app.js'):
        assert client.get(path).status_code == 403
    assert client.get('/?token=geheim').status_code == 200
    assert client.get('/api/images').status_code == 200  # by the cookie
    assert [is_loopback(host) for host in ('127.0.0.1', '::1', 'localhost', '0.0.0.0', '10.0.0.1')] == [1, 1, 1, 0, 0]


def packed(path) -> list[dict]:
    """A file or folder as the page sends it."""
    files = [path] if path.is_file() else [file for file in path.rglob('*') if file.is_file()]
    root = path.parent if path.is_file() else path
    data = [base64.b64encode(file.read_bytes()).decode() for file in files]
    return [dict(name=f.relative_to(root).as_posix(), data=d) for f, d in zip(files, data, strict=True)]


@pytest.mark.parametrize('program', ['labelme', 'coco', 'cvat', 'via', 'csv', 'json', 'mot', 'voc', 'yolo'])
def test_presets_of_other_programs_are_imported_once(program, client, store, tmp_path):
    frames = ['cam/img1/000001.jpg', 'cam/img1/000002.jpg'] if program == 'mot' else NAMES
    if program == 'mot':
        write(tmp_path, [entry(name) for name in frames])
        store = LabelStore(tmp_path / 'images')
        client = TestClient(make_app(store), base_url='http://localhost')
    drawn = FORMATS['json'].read(write(tmp_path, [entry(name, 3, 3) for name in frames], 'drawn.json'))
    for image in drawn.images:
        image.size = SIZE
    FORMATS[program].write(drawn, tmp_path / 'presets', store.folder, lossy=True)
    sent = dict(format=program, files=packed(tmp_path / 'presets'))
    answer = client.post('/api/presets', json=sent).json()
    assert (answer['presets'], answer['images'], answer['known']) == (6, frames, 0)
    for name in frames:
        got, true = store.read(name).presets, crowd(name, 3)[1]
        np.testing.assert_allclose(got[np.argsort(got[:, 0])], true[np.argsort(true[:, 0])], atol=0.02)
    again = client.post('/api/presets', json=sent).json()
    assert (again['presets'], again['images'], again['known']) == (0, [], 6)
    assert store.read(frames[0]).revision == 1


def test_of_an_upload_what_is_wrong_is_left_out_and_the_rest_goes_on(client, store, tmp_path):
    (store.folder / NAMES[1]).write_bytes(b'no picture')
    rows = ['a.jpg,900,900,950,950', 'a.jpg,10,10,20,22', 'gone.jpg,1,1,9,9', f'{NAMES[1]},1,1,9,9']
    (tmp_path / 'boxes.csv').write_text('\n'.join(['image,x1,y1,x2,y2', *rows]))
    answer = client.post('/api/presets', json=dict(format='csv', files=packed(tmp_path / 'boxes.csv'))).json()
    assert (answer['presets'], answer['images']) == (1, ['a.jpg'])
    text = '\n'.join(answer['notes'])
    for line in ('a.jpg: preset 0 is outside the image', 'gone.jpg: 1 presets, and no such image', 'b #1.png: '):
        assert line in text


def upload(name: object = 'a.json', data: object = 'e30=', **more) -> dict:
    return dict(dict(format='coco', files=[dict(name=name, data=data)]), **more)


@pytest.mark.parametrize(
    'sent',
    [
        *[upload(), upload(format='exe'), upload(format='mat'), upload(files=[]), upload(files='x'), upload(data='%')],
        *[upload(data=None), upload(data='W10='), upload(data='/////w=='), upload(name='../a.json'), upload(name='/a')],
        *[upload(name='a/../../b'), upload(name='.'), upload(name='a\\b'), upload(name='a\0b'), upload(name=3), {}, []],
        *[upload(data='UEsDBA=='), upload(format='cvat', data='PCFET0NUWVBFIA=='), upload(files=upload()['files'] * 2)],
        *[upload(name='x' * 2000), upload(name='x' * 400), upload(format='labelme'), upload(format='csv', data='')],
        upload(format='via', data=base64.b64encode(b'[' * 100_000).decode()),
    ],
)
def test_malformed_uploads_are_errors_and_change_nothing(client, store, sent, tmp_path):
    answer = client.post('/api/presets', json=sent)
    assert answer.status_code == 400
    assert answer.json()['error']
    assert '/tmp' not in answer.json()['error'].replace(str(tmp_path), '')
    assert not store.work_dir.exists()


def test_a_model_proposes(store):
    client = TestClient(make_app(store, propose=lambda path: np.array([[3.0, 4]])), base_url='http://localhost')
    assert client.post('/api/propose/a.jpg').json() == dict(points=[[3, 4]])
    assert client.get('/api/images').json()['proposes'] is True
    none = TestClient(make_app(store), base_url='http://localhost')
    assert none.post('/api/propose/a.jpg').status_code == 400


def test_pictures_that_cannot_be_read(client, store, tmp_path):
    (store.folder / 'a.jpg').write_bytes(b'no picture')
    for path in ('/api/image/a.jpg', '/tile/0/0/0/a.jpg'):
        answer = client.get(path)
        assert answer.status_code == 400
        assert 'a.jpg' in answer.json()['error']
    assert client.get('/api/images').status_code == 200
    with pytest.raises(FileNotFoundError, match='expected a folder of images'):
        LabelStore(tmp_path / 'nothing')


def test_size_of_the_image_is_that_of_the_picture(client):
    assert (state(client)['width'], state(client)['height']) == SIZE
