"""Processor time to paint synthetic crowds, per picture and per person: python benchmarks/bench_synthetic.py"""

import time

import numpy as np

from mmcrowd.datasets.synthetic.scene import SceneSpec, render_scene

CASES = [((320, 256), 0), ((320, 256), 100), ((320, 256), 400), ((1024, 768), 1000), ((3000, 2000), 20000)]


def main() -> None:
    """Print one row per picture size and number of people; the drawings are cached, as in a training worker."""
    print(f'{"size":>12} {"people":>7} {"annotated":>9} {"hidden":>7} {"first ms":>9} {"ms":>8} {"us/person":>9}')
    for size, people in CASES:
        spec = SceneSpec(
            seed=0,
            size=size,
            heads=(people, people),
            min_head=6.0,
            max_head=30.0,
            negative_fraction=0.0,
            min_visible=0.35,
            clutter=1.0,
        )
        repeats = 2 if people > 5000 else 12
        times = []
        for index in [*range(repeats), *range(repeats)]:
            started = time.process_time()
            scene = render_scene(spec, index)
            times.append(1e3 * (time.process_time() - started))
        first, cached = max(times[:repeats]), float(np.median(times[repeats:]))
        print(
            f'{size[0]:>7}x{size[1]:<4} {people:>7} {len(scene.heads):>9} {scene.num_hidden:>7} {first:>9.1f} '
            f'{cached:>8.1f} {1e3 * cached / max(people, 1):>9.1f}'
        )


if __name__ == '__main__':
    main()
