"""A server in a process of its own, killed in the middle of its work."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.client import HTTPException

import pytest

pytest.importorskip('starlette', reason='the page needs the extra label')
pytest.importorskip('uvicorn', reason='the page needs the extra label')

from mmcrowd.apis.labeling import LabelStore
from mmcrowd.apis.labeling.server import LOCK_FILE
from mmcrowd.utils.sole_process import sole_process
from tests.apis.labeling.test_batch import entry, write

NAMES = [f'{number}.jpg' for number in range(4)]


@contextmanager
def server(repo_root, folder):
    """A server on a free port, and its address; killed at the end."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    arguments = ['--data', folder / 'images', '--points', folder / 'points.json', '--port', port]
    command = [sys.executable, repo_root / 'tools' / 'label_heads.py', *arguments]
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process, command
    finally:
        process.kill()
        process.communicate()


def address_of(process) -> str:
    line = process.stdout.readline().strip()
    assert re.fullmatch(r'http://127\.0\.0\.1:\d+/', line), process.stderr.read()
    return line


def post(address: str, content: dict) -> dict:
    request = urllib.request.Request(address, json.dumps(content).encode(), {'content-type': 'application/json'})
    for attempt in range(200):  # the address is printed just before it is listened to
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.URLError as error:
            if attempt == 199 or not isinstance(error.reason, ConnectionRefusedError):
                raise
            threading.Event().wait(0.05)
    raise AssertionError


def test_kill_9_loses_nothing_confirmed_and_a_second_server_is_refused(tmp_path, repo_root):
    write(tmp_path, [entry(name) for name in NAMES])
    confirmed, ready = dict.fromkeys(NAMES, 0), threading.Semaphore(0)

    def work(name: str) -> None:
        """Save one step after the other until the server is gone; the step is in what is saved."""
        while True:
            step = confirmed[name]
            sent = dict(revision=step, points=[[1, 2]] * 500, boxes=[None] * 500, presets=[[0, 0, 5, 5 + step / 4]])
            try:
                confirmed[name] = post(f'{address}api/save/{name}', sent)['revision']
            except (OSError, HTTPException):
                return
            ready.release()

    with server(repo_root, tmp_path) as (process, command):
        address = address_of(process)
        second = subprocess.run([*map(str, command[:-1]), '0'], capture_output=True, text=True, timeout=300)
        threads = [threading.Thread(target=work, args=[name]) for name in NAMES]
        for thread in threads:
            thread.start()
        for _ in range(60):
            ready.acquire()
        process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join()
    assert second.returncode == 2
    assert f'another server writes here (process {process.pid} on ' in second.stderr
    again = LabelStore(tmp_path / 'images')
    for name, step in confirmed.items():
        found = again.read(name)
        # What was being saved may have arrived without its answer.
        assert found.revision in (step, step + 1), name
        assert found.presets.tolist() == [[0, 0, 5, 5 + (found.revision - 1) / 4]]
    with sole_process(again.work_dir, LOCK_FILE, 'server'):  # the lock is gone with the process
        pass
