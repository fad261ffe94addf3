"""What a check found, image by image."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from terminaltables import AsciiTable

from mmcrowd.utils.json_files import write_json

ERRORS = frozenset(
    ('cannot be loaded', 'image missing', 'image unreadable', 'coordinates not finite', 'x and y exchanged')
    + ('number of images', 'number of heads', 'same image in two splits')
)
"""Kinds of findings that make a data set unfit; all others are warnings."""


@dataclass(frozen=True)
class Finding:
    """Something found in one image, or in a split.

    Attributes:
        kind: What.
        split: Name of the split, or of two.
        image: Path of the image; '' for the split as a whole.
        count: How often.
        detail: What was found and what was expected.
        places: Where in the image, all of them, xy in pixels.
    """

    kind: str
    split: str
    image: str = ''
    count: int = 1
    detail: str = ''
    places: list[list[float]] = field(default_factory=list)

    @property
    def level(self) -> str:
        """'error' or 'warning'."""
        return 'error' if self.kind in ERRORS else 'warning'

    def line(self) -> str:
        """One line of text; of many places the first three."""
        parts = [f'{self.count} x {self.kind}' if self.count > 1 else self.kind]
        parts += [self.detail] if self.detail else []
        if self.places:
            more = f' and {len(self.places) - 3} more' if len(self.places) > 3 else ''
            parts.append('at ' + ', '.join(f'({x:g}, {y:g})' for x, y in self.places[:3]) + more)
        return f'{self.level:7}  {self.split}: {": ".join(parts)}'


@dataclass
class CheckReport:
    """Result of :func:`check_datasets`.

    Attributes:
        splits: Split -> ``name`` of the loader, ``images``, ``heads``, ``boxes``, ``empty`` images, ``classes`` with
            their heads, ``published`` sizes and ``verdict`` on them.
        findings: All that was found.
    """

    splits: dict[str, dict]
    findings: list[Finding]

    @property
    def ok(self) -> bool:
        """No errors; there may be warnings."""
        return not any(finding.level == 'error' for finding in self.findings)

    def by_image(self) -> dict[str, list[Finding]]:
        """Findings of each image, errors first; the images with most errors first, then those with most warnings."""
        grouped: dict[str, list[Finding]] = defaultdict(list)
        for finding in sorted(self.findings, key=lambda f: (f.level, f.kind)):
            if finding.image:
                grouped[finding.image].append(finding)

        def badness(item: tuple[str, list[Finding]]) -> tuple:
            counts = Counter[str]()
            for finding in item[1]:
                counts[finding.level] += finding.count
            return -counts['error'], -counts['warning'], item[0]

        return dict(sorted(grouped.items(), key=badness))

    def kinds(self) -> dict[tuple[str, str, str], tuple[int, int]]:
        """(level, split, kind) -> how often it was found, and in how many images."""
        often, images = Counter[tuple](), defaultdict(set)
        for finding in self.findings:
            key = finding.level, finding.split, finding.kind
            often[key] += finding.count
            images[key] |= {finding.image} - {''}
        return {key: (often[key], len(images[key])) for key in sorted(often)}

    def to_dict(self) -> dict:
        """JSON values."""
        as_dict = lambda finding: dict(level=finding.level, **vars(finding))  # noqa: E731
        return dict(
            ok=self.ok,
            splits=self.splits,
            kinds=[
                dict(level=level, split=split, kind=kind, count=count, images=images)
                for (level, split, kind), (count, images) in self.kinds().items()
            ],
            general=[as_dict(finding) for finding in self.findings if not finding.image],
            images={
                image: [{k: v for k, v in as_dict(finding).items() if k != 'image'} for finding in findings]
                for image, findings in self.by_image().items()
            },
        )

    def save(self, path: str | Path) -> None:
        """Write the report as JSON."""
        write_json(path, self.to_dict())

    def table(self) -> str:
        """All findings by image, worst first, then those of whole splits, then how many there are of each kind."""
        lines = []
        for image, findings in self.by_image().items():
            lines += [image, *(f'  {finding.line()}' for finding in findings)]
        lines += [finding.line() for finding in self.findings if not finding.image]
        rows = [['split', 'data set', 'images', 'heads', 'with boxes', 'without heads', 'published']]
        for split, facts in self.splits.items():
            classes = facts['classes']
            heads = facts['heads'] if len(classes) == 1 else ', '.join(f'{n} {name}' for name, n in classes.items())
            rows.append(
                [split, facts['name'], facts['images'], heads, facts['boxes'], facts['empty'], facts['verdict']]
            )
        found = [['level', 'split', 'what', 'count', 'images']]
        found += [[*key, count, images or '-'] for key, (count, images) in self.kinds().items()]
        return '\n'.join([*lines, AsciiTable(rows).table, AsciiTable(found).table if lines else 'nothing found'])
