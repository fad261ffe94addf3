"""The page's server: pictures in tiles, the work, boxes, proposals, exports. Needs the extra ``label``."""

from __future__ import annotations

import ipaddress
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

import mmcrowd.labeling
from mmcrowd.datasets.formats import format_named
from mmcrowd.datasets.formats.records import Record
from mmcrowd.utils.files import is_hidden, printable
from mmcrowd.utils.pictures import read_image
from mmcrowd.utils.sole_process import sole_process

from .report import write_report
from .store import Conflict, LabelStore, State
from .uploads import UPLOADS, import_presets

if TYPE_CHECKING:
    from starlette.applications import Starlette

STATIC = Path(mmcrowd.labeling.__file__).parent / 'static'
TILE = 1024
"""Side of the pieces in which a picture is sent, pixels."""
MOST_BYTES = 64 * 2**20
"""Longest request that is read."""
FILES = dict(coco='boxes.coco.json', json='boxes.json', mot='mot', voc='voc', yolo='yolo')
"""Format -> what an export is called in the work dir."""
LOCK_FILE = '.server.lock'
_TYPES = {'.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml'}
_POLICY = "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; frame-ancestors 'none'"

Propose = Callable[[str], np.ndarray]
"""Path of an image -> (N, 2) points xy that a model finds."""


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


class Pictures:
    """Tiles of pictures at halved sizes; the last few pictures are kept decoded."""

    def __init__(self, store: LabelStore, kept: int = 2) -> None:
        self._store, self._kept, self._lock = store, kept, Lock()
        self._levels: OrderedDict[str, list[np.ndarray]] = OrderedDict()

    def tile(self, name: str, level: int, column: int, row: int) -> bytes:
        """A tile as JPEG; level 0 has the pixels of the picture, each next half as many per side.

        Raises:
            KeyError: There is no such image or tile.
            ValueError: The image cannot be read.
        """
        import cv2

        with self._lock:
            levels = self._read(name)
        if not 0 <= level < len(levels):
            raise KeyError(f'{name}: no level {level}')
        piece = levels[level][row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        if min(column, row) < 0 or 0 in piece.shape:
            raise KeyError(f'{name}: no tile {column}, {row}')
        return cv2.imencode('.jpg', piece, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()

    def _read(self, name: str) -> list[np.ndarray]:
        import cv2

        if name not in self._levels:
            levels = [read_image(self._store.path(name))]
            while max(levels[-1].shape[:2]) > TILE:
                size = [-(-side // 2) for side in levels[-1].shape[1::-1]]
                levels.append(cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA))
            self._levels[name] = levels
        self._levels.move_to_end(name)
        while len(self._levels) > self._kept:
            self._levels.popitem(last=False)
        return self._levels[name]


class LabelApp:
    """What the page asks for, without HTTP: each method takes and returns plain values."""

    def __init__(self, store: LabelStore, propose: Propose | None = None) -> None:
        self.store, self._propose, self._pictures = store, propose, Pictures(store)
        self._busy = Lock()

    def listing(self) -> dict:
        """All images, and what the page can do."""
        return dict(
            images=self.store.listing(),
            notes=[printable(note) for note in self.store.notes],
            scenes=self.store.scenes,
            proposes=self._propose is not None,
            exports=list(FILES),
            uploads=list(UPLOADS),
        )

    def image(self, name: str) -> dict:
        """One image with what is known of it."""
        width, height = self.store.size(name)
        return dict(self.store.read(name).to_json(), width=width, height=height, tile=TILE)

    def tile(self, name: str, level: str, column: str, row: str) -> bytes:
        """See :meth:`Pictures.tile`."""
        return self._pictures.tile(name, int(level), int(column), int(row))

    def save(self, name: str, content: object) -> dict:
        """Save one image; see :meth:`LabelStore.save`."""
        return dict(revision=self.store.save(name, content).revision)

    def boxes(self, name: str, content: object) -> tuple[dict, bytes]:
        """Facts, and (N, 5) little-endian float32: x1, y1, x2, y2, relative deviation, negative where extrapolated;
        no bytes if the scene has no preset. ``presets`` in the content are those that are being drawn."""
        drawn = Record(content, name).get('presets')
        if drawn is not None:
            drawn = State.from_json(dict(points=[], boxes=[], presets=drawn.value), name, revision=0).presets
        made, facts = self.store.estimate(name, drawn)
        if made is None:
            return facts, b''
        deviation = np.where(made.extrapolated, -made.deviation, made.deviation)
        return facts, np.column_stack([made.boxes, deviation]).astype('<f4').tobytes()

    def propose(self, name: str) -> dict:
        """Points that the model finds.

        Raises:
            ValueError: There is no model, or the image cannot be read.
        """
        if self._propose is None:
            raise ValueError('no model: start with --config and --weights')
        path = self.store.path(name)
        with self._busy:
            points = np.asarray(self._propose(str(path)), np.float64).reshape(-1, 2)
        return dict(points=points.round(2).tolist())

    def settings(self, content: object) -> dict:
        """Which images share their presets."""
        self.store.scenes = Record(content, 'settings')['scenes'].text()
        return dict(scenes=self.store.scenes)

    def upload(self, content: object) -> dict:
        """Presets of other programs; see :func:`import_presets`."""
        return asdict(import_presets(self.store, content))

    def export(self, content: object) -> dict:
        """Write annotations and the report to the work dir."""
        kind = Record(content, 'export')['format'].text()
        if kind not in FILES:
            raise ValueError(f'format must be one of {sorted(FILES)}, found {kind!r}')
        made = self.store.label()
        target = self.store.work_dir / 'export' / FILES[kind]
        format_named(kind).write(made.collection, target, self.store.folder, lossy=True)
        write_report(made, self.store.work_dir / 'export' / 'report', self.store.folder, pictures=4)
        images = made.collection.images
        return dict(path=str(target), images=len(images), heads=sum(map(len, images)), notes=made.notes)


def make_app(
    store: LabelStore, propose: Propose | None = None, token: str | None = None, hosts: list[str] | None = None
) -> Starlette:
    """The ASGI application.

    Args:
        store: The work.
        propose: A model; None has none.
        token: Asked for in every request, as ``?token=`` once and as a cookie then; None asks for none.
        hosts: Names by which the page may be called (so that no other site's page reaches it through a name of its
            own); None takes loopback's.
    """
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    app = LabelApp(store, propose)

    async def body(request) -> object:
        if request.headers.get('content-type', '').split(';')[0] != 'application/json':
            raise HTTPException(415, 'expected application/json')
        parts, length = [], 0
        async for part in request.stream():
            parts.append(part)
            length += len(part)
            if length > MOST_BYTES:
                raise HTTPException(413, f'expected at most {MOST_BYTES} bytes')
        try:
            return json.loads(b''.join(parts))
        except (ValueError, RecursionError) as error:
            raise HTTPException(400, f'expected JSON: {error}') from error

    def answering(method: Callable, *keys: str, sends: bool = False):
        async def endpoint(request) -> Response:
            values = [request.path_params[key] for key in keys]
            if sends:
                values.append(await body(request))
            made = await run_in_threadpool(method, *values)
            if isinstance(made, bytes):
                return Response(made, media_type='image/jpeg', headers={'cache-control': 'private, max-age=3600'})
            if isinstance(made, tuple):
                facts, data = made
                return Response(data, media_type='application/octet-stream', headers={'x-facts': json.dumps(facts)})
            return JSONResponse(made, headers={'cache-control': 'no-store'})

        return endpoint

    def static(request) -> Response:
        name = request.path_params.get('name', 'index.html')
        path = STATIC / name
        if is_hidden(name) or path.suffix not in _TYPES or path.name != name or not path.is_file():
            raise HTTPException(404, f'{name}: not found')
        headers = {'content-security-policy': _POLICY, 'cache-control': 'no-cache', 'referrer-policy': 'no-referrer'}
        response = Response(path.read_bytes(), media_type=_TYPES[path.suffix], headers=headers)
        if token is not None:
            response.set_cookie('token', token, httponly=True, samesite='strict')
        return response

    def failed(request, error: Exception) -> JSONResponse:
        status = {Conflict: 409, KeyError: 404, HTTPException: getattr(error, 'status_code', 500)}.get(type(error), 400)
        text = error.detail if isinstance(error, HTTPException) else str(error.args[0] if error.args else error)
        return JSONResponse(dict(error=text), status)

    kinds = (HTTPException, Conflict, KeyError, ValueError, OSError)
    return Starlette(
        routes=[
            Route('/', static),
            Route('/static/{name}', static),
            Route('/api/images', answering(app.listing)),
            Route('/api/settings', answering(app.settings, sends=True), methods=['POST']),
            Route('/api/presets', answering(app.upload, sends=True), methods=['POST']),
            Route('/api/export', answering(app.export, sends=True), methods=['POST']),
            Route('/api/image/{name:path}', answering(app.image, 'name')),
            Route('/api/save/{name:path}', answering(app.save, 'name', sends=True), methods=['POST']),
            Route('/api/boxes/{name:path}', answering(app.boxes, 'name', sends=True), methods=['POST']),
            Route('/api/propose/{name:path}', answering(app.propose, 'name'), methods=['POST']),
            Route('/tile/{level:int}/{column:int}/{row:int}/{name:path}', answering(app.tile, *_TILE_KEYS)),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts or ['localhost', '127.0.0.1', '[::1]', '::1']),
            *([Middleware(TokenMiddleware, token=token)] if token is not None else []),
        ],
        exception_handlers=dict.fromkeys(kinds, failed),
    )


_TILE_KEYS = ('name', 'level', 'column', 'row')


class TokenMiddleware:
    """Refuses every request without the token, before anything else sees it."""

    def __init__(self, app, token: str) -> None:
        self.app, self.token = app, token

    async def __call__(self, scope, receive, send) -> None:
        from starlette.requests import HTTPConnection
        from starlette.responses import JSONResponse

        if scope['type'] == 'http':
            request = HTTPConnection(scope)
            given = request.query_params.get('token') or request.cookies.get('token') or ''
            if not secrets.compare_digest(given.encode(), self.token.encode()):
                response = JSONResponse(dict(error='expected the token that the server has printed'), 403)
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)


def serve(store: LabelStore, propose: Propose | None = None, host: str = '127.0.0.1', port: int = 8765) -> None:
    """Serve the page until interrupted; the address, with a token unless it is loopback's, is printed.

    Raises:
        ValueError: The extra ``label`` is not installed.
        BlockingIOError: Another server works on this work dir.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise ValueError('the page needs starlette and uvicorn: pip install starlette uvicorn') from error
    local = is_loopback(host)
    token = None if local else secrets.token_urlsafe(24)
    app = make_app(store, propose, token, None if local else ['*'])
    shown = f'[{host}]' if ':' in host else host
    with sole_process(store.work_dir, LOCK_FILE, 'server'):
        print(f'http://{shown}:{port}/' + (f'?token={token}' if token else ''), flush=True)
        print(f'open it in a browser; work is saved in {printable(store.work_dir)}, Ctrl-C ends', flush=True)
        uvicorn.run(app, host=host, port=port, log_level='warning')
