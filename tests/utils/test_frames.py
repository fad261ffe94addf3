"""Frames of videos: order, time, faults in one line, one frame at a time."""

import subprocess
import sys
import weakref
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmcrowd.utils.frames import Video, VideoInfo, VideoReadError, is_video_name, iter_frames, source_name, video_info


def write_video(path: Path, frames: int = 12, codec: str = 'MJPG') -> Path:
    """A video, 64 x 48 pixels at 10 frames per second, whose frame number n is of gray level 20 n."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 10, (64, 48))
    for number in range(frames):
        writer.write(np.full((48, 64, 3), 20 * number, np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize(('suffix', 'codec'), [('avi', 'MJPG'), ('mp4', 'mp4v'), ('mkv', 'MJPG')])
def test_frames_come_in_order_with_their_time(tmp_path, suffix: str, codec: str) -> None:
    path = write_video(tmp_path / f'a.{suffix}', codec=codec)
    assert video_info(path) == VideoInfo(fps=10.0, frames=12, width=64, height=48)
    indices, times, frames = zip(*iter_frames(path), strict=True)
    assert indices == tuple(range(12))
    np.testing.assert_allclose(times, np.arange(12) / 10, atol=1e-3)
    np.testing.assert_allclose([frame.mean() for frame in frames], 20 * np.arange(12), atol=8)
    assert frames[0].shape == (48, 64, 3)
    assert frames[0].dtype == np.uint8


def test_one_frame_is_in_memory(tmp_path) -> None:
    before = []
    for _, _, frame in iter_frames(write_video(tmp_path / 'a.avi')):
        assert [reference for reference in before[:-1] if reference() is not None] == []
        before.append(weakref.ref(frame))
    assert len(before) == 12


@pytest.mark.parametrize('content', [b'', b'no video' * 99])
def test_what_is_no_video_is_one_line(tmp_path, content: bytes) -> None:
    (tmp_path / 'a.mp4').write_bytes(content)
    with pytest.raises(VideoReadError, match=rf'a\.mp4: this file of {len(content)} bytes cannot be decoded'):
        next(iter_frames(tmp_path / 'a.mp4'))
    photo = tmp_path / 'photo.jpg'
    cv2.imwrite(str(photo), np.zeros((16, 16, 3), np.uint8))
    with pytest.raises(VideoReadError, match=r'photo\.jpg: an image, expected a video: use "mmcrowd predict"'):
        Video(photo)
    with pytest.raises(FileNotFoundError, match=r'b\.mp4: no such file, expected a video'):
        video_info(tmp_path / 'b.mp4')


def test_nothing_else_is_said_of_a_video_without_an_end(tmp_path) -> None:
    (tmp_path / 'a.mp4').write_bytes(write_video(tmp_path / 'whole.mp4', codec='mp4v').read_bytes()[:900])
    code = 'import sys; from mmcrowd.utils.frames import Video, VideoReadError\ntry: Video(sys.argv[1])\n'
    code += 'except VideoReadError as error: print(error)'
    done = subprocess.run([sys.executable, '-c', code, tmp_path / 'a.mp4'], capture_output=True, text=True, check=True)
    assert 'a.mp4: this file of 900 bytes cannot be decoded' in done.stdout
    assert 'moov' not in done.stderr


def test_frames_that_are_missing_at_the_end_are_told(tmp_path) -> None:
    whole = write_video(tmp_path / 'whole.avi').read_bytes()
    (tmp_path / 'a.avi').write_bytes(whole[: (whole.index(b'movi') + whole.index(b'idx1')) // 2])
    with pytest.warns(UserWarning, match=r'a\.avi: only \d of about 12 frames can be decoded'):
        number = len(list(iter_frames(tmp_path / 'a.avi')))
    assert 0 < number < 12
    with Video(tmp_path / 'whole.avi') as video:
        assert len(list(video)) == 12
    assert video.fault is None


class Camera:
    """What OpenCV gives for a camera: no number of frames, no rate, no time."""

    def __init__(self, source: int) -> None:
        self.left = 3 if source == 0 else 0

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.left -= 1
        return self.left >= 0, np.zeros((4, 6, 3), np.uint8) if self.left >= 0 else None

    def get(self, key: int) -> float:
        return {cv2.CAP_PROP_FRAME_COUNT: -1.0}.get(key, 0.0)

    def release(self) -> None:
        pass


def test_cameras(monkeypatch) -> None:
    monkeypatch.setattr(cv2, 'VideoCapture', Camera)
    assert video_info(0) == VideoInfo(fps=25.0, frames=None, width=6, height=4)
    with pytest.warns(UserWarning, match='camera 0: it gives no more frames, after 3'):
        times = [seconds for _, seconds, _ in iter_frames(0)]
    assert sorted(times) == times
    with pytest.raises(VideoReadError, match='camera 1: it gives no picture'):
        video_info(1)


def test_a_file_that_states_no_times_has_those_of_its_rate(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(cv2, 'VideoCapture', lambda source: Camera(0))
    (tmp_path / 'a.avi').write_bytes(b'')
    np.testing.assert_allclose([seconds for _, seconds, _ in iter_frames(tmp_path / 'a.avi')], [0, 0.04, 0.08])


def test_names() -> None:
    assert source_name('rtsp://me:secret@10.0.0.1/stream') == 'rtsp://10.0.0.1/stream'
    assert is_video_name('a/B.MP4')
    assert not is_video_name('a.jpg')
