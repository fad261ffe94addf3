"""Evaluation report: tables, plots, pictures and an HTML page that opens from disk."""

import base64
import csv
import html
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from mmcrowd.utils.files import csv_cell, picture_names, printable
from mmcrowd.utils.json_files import write_json

from .drawing import add_caption, draw_matches, draw_points, magnification, magnify, panels
from .maps import draw_map
from .report_data import COLUMNS, RANKINGS, ImageRecord, ReportData
from .report_plots import report_plots

_CAPTIONS = {
    'count_scatter': 'One point per image; on the line the count is right. Logarithmic axes.',
    'error_vs_density': 'Above zero the model counts too many. Logarithmic beyond 10 heads of error.',
    'missed_vs_head_size': 'Bins hold about equally many heads.',
    'f1_vs_radius': 'Maximum matching at each radius, distance <= radius.',
    'precision_recall': 'Every score threshold, maximum matching at each.',
}
_CSS = """
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;color:#1c2430;background:#fff;
max-width:1240px;margin:0 auto;padding:24px}
h1{font-size:26px;margin:0 0 4px}h2{font-size:20px;margin:36px 0 10px}p{margin:4px 0 12px;color:#4a5361}
.figures{display:flex;flex-wrap:wrap;gap:12px;margin:16px 0}
.figures div{border:1px solid #dde1e7;border-radius:8px;padding:8px 16px;min-width:90px}
.figures b{display:block;font-size:21px}.figures span{color:#5d6673;font-size:13px}
.plots,.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(520px,1fr));gap:18px;align-items:start}
figure{margin:0;border:1px solid #e3e6ea;border-radius:8px;padding:10px;overflow:hidden}
figure img{width:100%;display:block}figcaption{color:#4a5361;font-size:13.5px;margin-top:6px;overflow-wrap:anywhere}
.scroll{max-height:640px;overflow:auto;border:1px solid #e3e6ea;border-radius:8px}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
th{position:sticky;top:0;background:#f3f5f8;cursor:pointer;text-align:right;padding:6px 10px;white-space:nowrap}
td{text-align:right;padding:4px 10px;border-top:1px solid #eef0f3}td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}
"""
_SORT = """
document.querySelectorAll('th').forEach((head,column)=>head.onclick=()=>{
const body=document.querySelector('tbody'),down=head.dataset.down!=='1';head.dataset.down=down?'1':'0';
const value=row=>{const t=row.cells[column].dataset.v;return t!==''&&!isNaN(t)?Number(t):t};
[...body.rows].sort((a,b)=>{const x=value(a),y=value(b);
const order=typeof x===typeof y?(x<y?-1:x>y?1:0):(typeof x==='number'?1:-1);return down?-order:order})
.forEach(row=>body.append(row))})
"""


def write_report(
    data: ReportData,
    folder: str | Path,
    load_image: Callable[[ImageRecord], np.ndarray | None],
    num_images: int = 8,
    title: str = 'Evaluation',
) -> Path:
    """Write ``images.csv``, ``report.json``, ``plots/*.svg``, ``pictures/*.jpg`` and ``report.html``.

    Args:
        data: What to show.
        folder: Where to write.
        load_image: Gives the (H, W, 3) uint8 RGB original of a record, or None if there is no picture of it.
        num_images: How many of the worst and of the best images to draw.
        title: Heading.

    Returns:
        Path of the page, which holds everything it shows.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write_table(data, folder)
    plots = report_plots(data)
    (folder / 'plots').mkdir(exist_ok=True)
    for name, svg in plots.items():
        (folder / 'plots' / f'{name}.svg').write_bytes(svg)
    pictures = _write_pictures(data, folder / 'pictures', load_image, num_images)
    page = folder / 'report.html'
    page.write_text(_page(data, title, plots, pictures), encoding='utf-8')
    return page


def _protocol(data: ReportData) -> dict:
    matching = dict(radius=data.radius_name, matching='max, distance <= radius') if data.has_points else {}
    return dict(matching, score_threshold=data.threshold, num_images=len(data.records))


def _write_table(data: ReportData, folder: Path) -> None:
    with open(folder / 'images.csv', 'w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(row | {key: csv_cell(str(row[key])) for key in ('img_id', 'img_path')} for row in data.rows)
    write_json(folder / 'report.json', dict(protocol=_protocol(data), figures=data.figures, images=data.rows))


def _write_pictures(data: ReportData, folder: Path, load_image, num_images: int) -> dict[str, list[tuple[int, bytes]]]:
    """JPEG of the worst and the best images, no image in both; (image index, bytes) lists."""
    order = data.ranked()
    num = min(num_images, (len(order) + 1) // 2)
    groups = {'worst': order[:num], 'best': order[::-1][: min(num, len(order) - num)]}
    pictures: dict[str, list[tuple[int, bytes]]] = {}
    for name, images in groups.items():
        pictures[name] = []
        for place, i in enumerate(images, 1):
            image = load_image(data.records[i])
            if image is None:
                continue
            jpeg = _encode(_draw(data, i, image))
            folder.mkdir(exist_ok=True)
            source = str(data.records[i].img_path)
            (folder / f'{name}_{place:02d}_{picture_names([source])[source]}').write_bytes(jpeg)
            pictures[name].append((i, jpeg))
    return pictures


def _draw(data: ReportData, i: int, image: np.ndarray) -> np.ndarray:
    """Found, missed and false heads; of a model that only counts, the heads beside its density."""
    record = data.records[i]
    if not data.has_points:
        factor = magnification(record.gt, image.shape)
        row = [add_caption(draw_points(magnify(image, factor), record.gt * factor), f'{len(record.gt):,} annotated')]
        if record.density is not None:
            caption = f'{data.pred_count[i]:,.1f} counted'
            row.append(add_caption(magnify(draw_map(image, record.density, alpha=1), factor, smooth=False), caption))
        return panels(row)
    gt, pred = record.gt, data.kept[i]
    factor = magnification(np.concatenate([gt, pred]), image.shape)
    found, true = data.matches_of(i)
    return draw_matches(magnify(image, factor), gt * factor, pred * factor, found, true)


def _encode(image: np.ndarray, longest: int = 2400) -> bytes:
    scale = longest / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.imencode('.jpg', np.ascontiguousarray(image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()


def _page(data: ReportData, title: str, plots: dict[str, bytes], pictures: dict) -> str:
    how = [f'{len(data.records)} images', data.threshold]
    if data.has_points:
        how.insert(1, f'maximum matching, distance <= {data.radius_name}')
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_CSS}</style></head><body>',
        f'<h1>{html.escape(title)}</h1><p>{html.escape(" | ".join(how))}</p>',
        _figures(data),
        '<h2>Plots</h2><div class="plots">',
        *(_figure('image/svg+xml', svg, name, _CAPTIONS[name]) for name, svg in plots.items()),
        '</div>',
    ]
    for group, images in pictures.items():
        if images:
            parts.append(f'<h2>The {len(images)} {group} images by {RANKINGS[data.rank_by]}</h2><div class="pictures">')
            parts += [_figure('image/jpeg', jpeg, f'{group} image', _caption(data.rows[i])) for i, jpeg in images]
            parts.append('</div>')
    parts += [_table(data), f'<script>{_SORT}</script></body></html>\n']
    return '\n'.join(parts)


def _figures(data: ReportData) -> str:
    f = data.figures
    shown = [('MAE', f'{f["mae"]:.2f}'), ('RMSE', f'{f["rmse"]:.2f}'), ('NAE', f'{f["nae"]:.4f}')]
    if data.has_points:
        shown += [(name, f'{100 * f[key]:.2f}') for name, key in (('F1 %', 'f1'), ('precision %', 'precision'))]
        shown += [('recall %', f'{100 * f["recall"]:.2f}')]
        shown += [(name, f'{f[key]:,}') for name, key in (('true', 'tp'), ('false', 'fp'), ('missed', 'fn'))]
        shown.append((f'best F1 %, score >= {f["best_threshold"]:.4g}', f'{100 * f["best_f1"]:.2f}'))
    shown += [('annotated', f'{data.gt_count.sum():,}'), ('counted', f'{data.pred_count.sum():,.0f}')]
    return '<div class="figures">' + ''.join(f'<div><b>{v}</b><span>{n}</span></div>' for n, v in shown) + '</div>'


def _figure(mime: str, content: bytes, alt: str, caption: str) -> str:
    source = f'data:{mime};base64,{base64.b64encode(content).decode()}'
    caption = html.escape(caption)
    return f'<figure><img src="{source}" alt="{html.escape(alt)}"><figcaption>{caption}</figcaption></figure>'


def _caption(row: dict) -> str:
    text = f'{printable(Path(row["img_path"]).name)}: annotated {row["gt_count"]:,}, counted {row["pred_count"]:,.5g}'
    if row['tp'] is not None:
        text += f'; true {row["tp"]:,}, false {row["fp"]:,}, missed {row["fn"]:,}'
        text += '' if row['f1'] is None else f'; F1 {100 * row["f1"]:.1f}\u00a0%'
    return text


def _table(data: ReportData) -> str:
    columns = [c for c in COLUMNS if data.has_points or c in COLUMNS[:8]]
    head = ''.join(f'<th>{c.replace("_", " ")}</th>' for c in columns)
    body = ''.join(
        '<tr>' + ''.join(f'<td data-v="{_raw(row[c])}">{_cell(c, row[c])}</td>' for c in columns) + '</tr>'
        for row in (data.rows[i] for i in data.ranked())
    )
    return (
        '<h2>All images</h2><p>Worst first; click a heading to sort. The same table: images.csv, report.json.</p>'
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _raw(value: object) -> str:
    return '' if value is None else html.escape(printable(str(value)))


def _cell(column: str, value: object) -> str:
    if value is None:
        return '-'
    if column == 'img_path':
        return html.escape(printable(Path(str(value)).name))
    if column in ('precision', 'recall', 'f1'):
        return f'{value:.3f}'
    return f'{value:.5g}' if isinstance(value, float) else html.escape(printable(str(value)))
