"""Point files: formats, what is refused and what is forgiven, submissions."""

import json
import re

import numpy as np
import pytest

from mmcrowd.evaluation import evaluate_point_files, result_lines
from mmcrowd.utils.json_files import write_json
from mmcrowd.utils.point_files import PointFileError, read_point_file
from mmcrowd.utils.submission_files import (
    read_ids,
    write_counting_submission,
    write_localization_submission,
    write_point_text,
)

GT = '0401 2 10 20 4 8 1 -3 5 4 8 2 \r\n402 0\r\n\r\n'


@pytest.fixture
def write(tmp_path):
    """Write a text to a file and return its path."""

    def write(text: str, name: str = 'points.txt') -> str:
        (tmp_path / name).write_bytes(text.encode())
        return str(tmp_path / name)

    return write


class TestText:
    def test_official_ground_truth(self, write):
        file = read_point_file(write(GT), 'gt')
        assert list(file.images) == [401, 402]
        assert file.images[401].points.tolist() == [[10, 20], [-3, 5]]
        assert file.stacked([402, 401], 'sigma_l').tolist() == [8, 8]
        assert file.stacked([401], 'level').tolist() == [1, 2]
        assert file.images[402].points.shape == (0, 2)
        assert not file.forgiven

    def test_ids_of_any_length_stay_apart(self, write):
        file = read_point_file(write('\ufeff99999999999999999999 0\n99999999999999999998 0\n'), 'pred')
        assert list(file.images) == [99999999999999999999, 99999999999999999998]

    def test_plain_points_as_ground_truth(self, write):
        file = read_point_file(write('7 2 1 2 3 4\n8 1 5 6'), 'gt')
        assert file.images[7].points.tolist() == [[1, 2], [3, 4]]
        with pytest.raises(PointFileError, match=r'line 1, id 7: expected sigma_s for every point'):
            file.stacked([7], 'sigma_s')

    @pytest.mark.parametrize(
        ('text', 'kind', 'message'),
        [
            ('3 1 5\n', 'pred', r'line 1, id 3: expected 2 numbers per point, found 1 numbers'),
            ('3 2 5 6\n', 'pred', r'line 1, id 3: states 2 points but holds 1'),
            ('3 0\n4 1 5 x\n', 'pred', r"line 2, id 4: token 4: expected an integer, found 'x'"),
            ('4 1 5 6.5\n', 'pred', r"line 1, id 4: token 4: expected an integer, found '6.5'"),
            ('4 1 5 nan\n', 'pred', r"line 1, id 4: token 4: expected an integer, found 'nan'"),
            ('4 1 5 6-7\n', 'pred', r"line 1, id 4: token 4: expected an integer, found '6-7'"),
            ('4 1 5 --6\n', 'pred', r"token 4: expected an integer, found '--6'"),
            ('4 1 5 - 6\n', 'pred', r"token 4: expected an integer, found '-'"),
            ('IMG_4 0\n', 'pred', r'line 1, id IMG_4: expected an integer id'),
            ('4 0\n5 0\n04 0\n', 'pred', r'line 3, id 4: duplicated id, already on line 1'),
            ('4\n', 'pred', r'line 1, id 4: expected an id and a count, found the id alone'),
            ('4 -1\n', 'pred', r'line 1, id 4: states -1 points but holds 0'),
            ('4 1 99999999999 1\n', 'pred', r'line 1, id 4: a number is out of range'),
            ('4 1 -9223372036854775808 1\n', 'pred', r'line 1, id 4: a number is out of range: 9.22337e\+18'),
            ('4 1 1_0 1\n', 'pred', r"line 1, id 4: token 3: expected an integer, found '1_0'"),
            ('4_0 0\n', 'pred', r'line 1, id 4_0: expected an integer id'),
            ('4 1 1 1 -2 3 1\n', 'gt', r'line 1, id 4: negative sigma_s of 1 points, first -2 of point 0'),
            ('4 1 1 1 2 3 6\n', 'gt', r'line 1, id 4: expected a level of 0 to 5, found 6 of point 0'),
            ('4 1 1 1 2 3 1 9\n', 'gt', r'line 1, id 4: expected 5 numbers per point, found 6'),
        ],
    )
    def test_bad_lines_name_file_line_and_id(self, write, text, kind, message):
        with pytest.raises(PointFileError, match=message) as error:
            read_point_file(write(text), kind)
        assert 'points.txt' in str(error.value)

    def test_lenient_says_what_it_forgave(self, write):
        text = '415 3 1 2 4 8 1 5 6 4 8 1\n416 1 1.5 2 -4 8 1\n'
        file = read_point_file(write(text), 'gt', lenient=True)
        assert (len(file.images[415].points), file.images[415].count) == (2, 3)
        assert file.images[416].points.tolist() == [[1.5, 2]]
        assert [text.split(': ', 1)[1] for text in file.forgiven] == [
            "token 3: expected an integer, found '1.5'",
            'states 3 points but holds 2',
            'negative sigma_s of 1 points, first -4 of point 0',
        ]

    @pytest.mark.parametrize('text', ['4 1 5\n', '4 0\n4 0\n', '4 1 5 x\n', '4 1 5 nan\n'])
    def test_lenient_does_not_forgive_everything(self, write, text):
        with pytest.raises(PointFileError):
            read_point_file(write(text), 'pred', lenient=True)

    def test_counts_alone(self, write):
        file = read_point_file(write('4 12.5\n5 0\n'), 'pred', counts_only=True)
        assert {i: record.count for i, record in file.images.items()} == {4: 12.5, 5: 0}
        with pytest.raises(PointFileError, match='expected a count of 0 or more'):
            read_point_file(write('4 -2\n'), 'pred', counts_only=True)


class TestJsonAndCsv:
    @pytest.mark.parametrize(
        'data',
        [
            {'images': [{'id': 1, 'points': [[1, 2.5]], 'scores': [0.5]}, {'id': 'a', 'points': []}]},
            [{'id': '1', 'points': [[1, 2.5]], 'scores': [0.5]}, {'id': 'a', 'points': []}],
            {'1': {'points': [[1, 2.5]], 'scores': [0.5]}, 'a': []},
        ],
    )
    def test_json_shapes(self, write, data):
        file = read_point_file(write(json.dumps(data), 'p.json'), 'pred')
        assert list(file.images) == [1, 'a']
        assert file.images[1].points.tolist() == [[1, 2.5]]
        assert file.stacked([1, 'a'], 'scores').tolist() == [0.5]

    def test_csv(self, write):
        file = read_point_file(write('id,x,y,score\n1,1,2.5,0.5\n2,,,\n1,3,4,0.25\n', 'p.csv'), 'pred')
        assert file.images[1].points.tolist() == [[1, 2.5], [3, 4]]
        assert file.images[1].scores.tolist() == [0.5, 0.25]
        assert len(file.images[2].points) == 0
        counts = read_point_file(write('id,count\n1,2.5\n', 'c.csv'), 'pred', counts_only=True)
        assert counts.images[1].count == 2.5

    @pytest.mark.parametrize(
        ('name', 'text', 'message'),
        [
            ('p.json', '{"images": [', r'p.json, line 1: not JSON'),
            ('p.json', '[{"points": []}]', r'entry 0, id \?: expected an object with an id'),
            ('p.json', '[{"id": 3, "points": [[1, 2, 3]]}]', r'entry 0, id 3: points: expected pairs'),
            ('p.json', '[{"id": 3, "points": [[1, NaN]]}]', r'entry 0, id 3: points of point 0 must be finite'),
            ('p.json', '[{"id": 3, "points": [["a", 2]]}]', r'entry 0, id 3: points are not numbers'),
            ('p.json', '[{"id": 3, "points": [[1, 2]], "scores": []}]', r'id 3: scores: expected 1 numbers'),
            ('p.json', '[{"id": 3, "points": [[1, 2]], "count": 2}]', r'id 3: states 2 points but holds 1'),
            (
                'p.json',
                '[{"id": 3, "count": 0}, {"id": "3", "points": []}]',
                r'entry 1, id 3: duplicated id, already on entry 0',
            ),
            ('p.json', '{"3": [[1, 2]], "3": []}', r'p.json, entry 1 of an object, id 3: duplicated id or key'),
            ('p.json', '[{"id": 3, "points": [[1, 2]], "points": []}]', r'id points: duplicated id or key'),
            ('p.json', '5', r'p.json: expected a list of images or an object, found int'),
            ('p.json', '{"images": null}', r'p.json: expected a list of images or an object, found NoneType'),
            ('p.json', '[{"id": 3, "point": [[1, 2]]}]', r"entry 0, id 3: expected points, found \['id', 'point'\]"),
            ('p.json', '[{"id": 3, "count": 2}]', r"entry 0, id 3: expected points, found \['count', 'id'\]"),
            ('p.json', '[{"id": 3, "points": [[1, 1e300]]}]', r'entry 0, id 3: points: a number is out of range'),
            ('p.json', '[{"id": 3, "points": [[1, 2]], "count": -1}]', r'id 3: states -1 points but holds 1'),
            ('p.csv', 'a,b\n', r"p.csv, line 1: expected a header with id,x,y, found \['a', 'b'\]"),
            ('p.csv', '', r'p.csv, line 1: expected a header with id,x,y, found \[\]'),
            ('p.csv', 'id,x,y,x\n3,1,2,3\n', r"p.csv, line 1: expected a header .* found \['id', 'x', 'y', 'x'\]"),
            ('p.csv', 'id,count\n3,1\n', r"p.csv, line 1: expected a header with id,x,y, found \['id', 'count'\]"),
            ('p.csv', 'id,x,y\n3,1,2,9,9\n', r'p.csv, line 2, id 3: expected an id and 2 more values'),
            ('p.csv', 'id,x,y\n,1,2\n', r'p.csv, line 2, id : expected an id and 2 more values'),
            ('p.csv', 'id,x,y\n3,1,2\n3,,\n', r'p.csv, line 3, id 3: duplicated id, already on line 2'),
            ('p.csv', 'id,x,y,count\n3,1,2,2\n', r'p.csv, line 2, id 3: states 2 points but holds 1'),
            ('p.csv', 'id,x,y,count\n3,1,2,2\n3,1,2,1\n', r'p.csv, line 3, id 3: states 1 points, another line 2'),
            ('p.csv', 'id,x,y\n3,1,b\n', r"p.csv, line 2, id 3: y: expected a number, found 'b'"),
            ('p.csv', 'id,x,y\n3,1,\n', r"p.csv, line 2, id 3: y: expected a number, found ''"),
            ('p.csv', 'id,x,y\n3,1,inf\n', r'p.csv, line 2, id 3: points of point 0 must be finite'),
        ],
    )
    def test_bad_files(self, write, name, text, message):
        with pytest.raises(PointFileError, match=message):
            read_point_file(write(text, name), 'pred')

    def test_counts_beside_points(self, write):
        file = read_point_file(write('id,x,y,count\n3,1,2,2\n3,5,6,\n4,,,0\n', 'p.csv'), 'pred')
        assert (file.images[3].points.tolist(), file.images[3].count) == ([[1, 2], [5, 6]], 2)
        file = read_point_file(write('id,x,y,count\n3,1,2,2\n', 'p.csv'), 'pred', lenient=True)
        assert (len(file.images[3].points), file.images[3].count, len(file.forgiven)) == (1, 2, 1)

    def test_counts_alone(self, write):
        counts = read_point_file(write('[{"id": 3, "count": 2.5}]', 'p.json'), 'pred', counts_only=True)
        assert counts.images[3].count == 2.5
        with pytest.raises(PointFileError, match='line 3, id 3: duplicated id, already on line 2'):
            read_point_file(write('id,count\n3,1\n3,1\n', 'p.csv'), 'pred', counts_only=True)
        with pytest.raises(PointFileError, match="line 2, id 3: count: expected a number, found ''"):
            read_point_file(write('id,count\n3,\n', 'p.csv'), 'pred', counts_only=True)

    @pytest.mark.parametrize('name', ['p.json', 'p.csv'])
    def test_other_encodings_are_refused(self, write, tmp_path, name):
        (tmp_path / name).write_bytes('id,x,y\n'.encode('utf-16'))
        with pytest.raises(PointFileError, match=rf'{name}: not readable as text'):
            read_point_file(tmp_path / name, 'pred')


class TestEvaluation:
    def test_missing_and_unknown_ids(self, write):
        gt, pred = write(GT, 'gt.txt'), write('401 1 10 20\n500 2 1 1 2 2\n', 'pred.txt')
        with pytest.raises(
            PointFileError, match=r'1 ids of .*gt.txt missing, first id 402 \(line 2\).*id 500 \(line 2\)'
        ):
            evaluate_point_files(gt, pred, 'nwpu')
        found = evaluate_point_files(gt, pred, 'nwpu', lenient=True)
        assert (found['sigma_l']['tp'], found['sigma_l']['fp'], found['sigma_l']['fn']) == (1, 0, 1)
        assert found['num_images'] == 2
        assert '(2 points)' in found['forgiven'][1]
        assert any(line.startswith('forgiven: ') for line in result_lines(found))

    def test_stated_count_counts(self, write):
        gt, pred = write('1 3 1 2 4 8 1\n', 'gt.txt'), write('1 1 1 2\n', 'pred.txt')
        found = evaluate_point_files(gt, pred, 'fixed', lenient=True)
        assert found['counting']['mae'] == 2
        assert found['4px']['fn'] == 0

    def test_scores(self, write):
        gt = write('1 2 1 2 9 9', 'gt.txt')
        pred = write('id,x,y,score\n1,1,2,0.9\n1,9,9,0.5\n1,50,50,0.1\n', 'pred.csv')
        assert evaluate_point_files(gt, pred, 'fixed', score_thr=0.2)['8px']['fp'] == 0
        ranked = evaluate_point_files(gt, pred, 'ranked')
        assert ranked['ranked']['map_s5'] == 1
        assert ranked['best_4px']['threshold'] == 0.5
        assert any('threshold 0.5' in line for line in result_lines(ranked))
        assert 'affinity exp(-d^2 / (2 sigma^2))' in result_lines(ranked)[0]
        narrow = evaluate_point_files(gt, pred, 'ranked', two_in_exponent=False, bootstrap=20)
        assert 'affinity exp(-d^2 / sigma^2)' in result_lines(narrow)[0]
        assert narrow['ranked']['interval']['map_s5'] == pytest.approx((1, 1))
        assert any(line.startswith('map_s5') and '[100.00, 100.00]' in line for line in result_lines(narrow))
        with pytest.raises(PointFileError, match='expected scores for every point'):
            evaluate_point_files(gt, gt, 'ranked')

    def test_every_headline_figure_has_an_interval(self, write):
        gt = write('1 2 10 10 3 5 2 60 60 3 5 3\n2 1 10 10 3 5 2\n3 0\n', 'gt.txt')
        pred = write('1 1 10 10\n2 1 50 50\n3 1 7 7\n', 'pred.txt')
        found = evaluate_point_files(gt, pred, 'nwpu', bootstrap=50)
        interval = found['sigma_l']['interval']
        low, high = interval['level_recall_avg']
        assert low <= found['sigma_l']['level_recall_avg'] <= high
        assert interval['level_recall'][5] == (0, 0)
        assert len(interval['level_recall']) == 6
        counting = found['counting']
        low, high = counting['interval']['scene_mae_avg']
        assert low <= counting['scene_mae_avg'] <= high
        assert counting['scene_levels']['S0']['interval']['mae'] == (1, 1)
        text = '\n'.join(result_lines(found))
        assert re.search(r'recall A0-A5 .* \| avg \d+\.\d+ \[', text)
        assert re.search(r'S1 2 images, MAE 0\.50 \[', text)
        assert re.search(r'average of the levels, MAE 0\.75 \[', text)

        scored = write('id,x,y,score\n1,10,10,0.9\n2,50,50,0.5\n3,7,7,0.1\n', 'pred.csv')
        best = evaluate_point_files(gt, scored, 'ranked', bootstrap=50)['best_8px']
        assert set(best['interval']) == {'f1', 'precision', 'recall', 'threshold'}

    def test_a_threshold_needs_points(self, write):
        counts = write('1 3\n', 'counts.txt')
        with pytest.raises(PointFileError, match='line 1, id 1: expected points with scores, found a count alone'):
            evaluate_point_files(write('1 2\n', 'gt.txt'), counts, 'counting', score_thr=0.5)

    @pytest.mark.parametrize(
        ('protocol', 'options', 'message'),
        [
            ('fixed', dict(radius=[4, -1]), r'radius: expected finite numbers of 0 or more, found \[4, -1\]'),
            ('fixed', dict(radius=[float('nan')]), 'radius: expected finite numbers'),
            ('fixed', dict(radius=[4, 4.0000001]), 'differ by less than the names of the figures show'),
            ('ranked', dict(score_thr=0.5), 'the protocol ranked takes points of all scores'),
            ('ranked', dict(matching='greedy'), "the protocol ranked has no 'greedy' matching"),
            ('counting', dict(matching='greedy'), "the protocol counting has no 'greedy' matching"),
            ('fixed', dict(bootstrap=-1), 'bootstrap: expected 0 or more resamples, found -1'),
        ],
    )
    def test_options_that_would_be_ignored_are_refused(self, write, protocol, options, message):
        with pytest.raises(ValueError, match=message):
            evaluate_point_files(write(GT, 'gt.txt'), write(GT, 'pred.txt'), protocol, **options)

    def test_no_images(self, write):
        with pytest.raises(PointFileError, match=r'gt.txt: expected annotated images, found none'):
            evaluate_point_files(write('\n', 'gt.txt'), write('', 'pred.txt'), 'fixed', lenient=True)

    def test_sweep_counting_and_intervals(self, write):
        gt, pred = write('1 1 0 0\n2 1 0 0', 'gt.txt'), write('1 1 10 0\n2 1 0 0', 'pred.txt')
        found = evaluate_point_files(gt, pred, 'sweep', bootstrap=50)
        assert found['sweep']['f1'] == pytest.approx((9 * 0.5 + 91) / 100)
        assert set(found['sweep']['interval']) == {'f1', 'precision', 'recall'}
        assert (
            evaluate_point_files(write('1 2.5', 'g.txt'), write('1 3', 'p.txt'), 'counting')['counting']['mae'] == 0.5
        )
        assert '[' in '\n'.join(result_lines(found))
        with pytest.raises(ValueError, match='protocol: expected one of'):
            evaluate_point_files(gt, pred, 'coco')


class TestSubmission:
    def test_round_trip_rounds_down(self, tmp_path):
        write_point_text(tmp_path / 'a.txt', {5: np.array([[1.9, 2.0]]), 6: np.zeros((0, 2))})
        assert (tmp_path / 'a.txt').read_text() == '5 1 1 2\n6 0\n'
        with pytest.raises(PointFileError, match='line 1, id 5: coordinates must be finite'):
            write_point_text(tmp_path / 'a.txt', {5: [[np.nan, 1]]})

    def test_localization(self, tmp_path):
        path, sizes = tmp_path / 'a.txt', {5: (10, 20), 6: (10, 20)}
        points = {6: np.zeros((0, 2)), 5: np.array([[19.9, 9.9], [0, 0]])}
        write_localization_submission(path, points, sizes, [5, 6])
        assert list(read_point_file(path, 'pred').images) == [5, 6]
        with pytest.raises(
            PointFileError, match=r'line 1, id 5: 1 points outside the image of 20 x 10 pixels.*\[20.0, 3.0\]'
        ):
            write_localization_submission(path, points | {5: [[20, 3]]}, sizes, [5, 6])
        with pytest.raises(PointFileError, match=r'1 ids missing \(first \[7\]\), 1 unknown \(first \[6\]\)'):
            write_localization_submission(path, points, sizes, [5, 7])

    def test_counting(self, tmp_path):
        write_counting_submission(tmp_path / 'c.txt', {5: 1.25, 6: 0}, [5, 6])
        assert (tmp_path / 'c.txt').read_text() == '5 1.25\n6 0\n'
        with pytest.raises(PointFileError, match='line 1, id 6: expected a count of 0 or more, found -1'):
            write_counting_submission(tmp_path / 'c.txt', {6: -1}, [6])

    def test_ids(self, write):
        assert read_ids(write('3110 0 2\n\n3111 1 1\n')) == [3110, 3111]
        with pytest.raises(PointFileError, match="line 1: expected an integer id, found 'x'"):
            read_ids(write('x\n'))


def test_json_has_no_nan(tmp_path):
    write_json(tmp_path / 'a' / 'b.json', dict(a=float('nan'), b=np.float32(1), c=(np.int64(2), np.arange(2))))
    assert json.loads((tmp_path / 'a' / 'b.json').read_text()) == dict(a=None, b=1.0, c=[2, [0, 1]])
