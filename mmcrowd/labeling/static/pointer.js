// The mouse on the picture: what it chooses, moves, sizes, draws and pans.

import { corners } from './view.js';
import { replaced } from './work.js';

const SMALLEST = 2; // pixels of the image; less is a slip of the hand

export class Pointer {
  // `page` holds the tool, what is dragged, and whether the space bar is down; `show()` shows all that has changed,
  // `change(box)` gives what is chosen another box.
  constructor(work, view, page, { show, change }) {
    Object.assign(this, { work, view, page, show, change, place: document.getElementById('place') });
  }

  listen() {
    const { overlay } = this.view;
    overlay.addEventListener('pointerdown', event => this.down(event));
    overlay.addEventListener('pointermove', event => this.move(event));
    overlay.addEventListener('pointerup', event => this.up(event));
    overlay.addEventListener('pointercancel', () => this.cancel());
    overlay.addEventListener('wheel', event => {
      event.preventDefault();
      this.view.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), ...this.at(event));
    }, { passive: false });
  }

  at(event) {
    const area = this.view.overlay.getBoundingClientRect();
    return [event.clientX - area.left, event.clientY - area.top];
  }

  down(event) {
    const { work, view, page } = this;
    if (!work.name) return;
    const [x, y] = this.at(event);
    view.overlay.setPointerCapture(event.pointerId);
    const pan = { kind: 'pan', x, y };
    if (event.button === 1 || page.space) page.drag = pan;
    else if (event.button !== 0) return;
    else if (page.tool === 'box') page.drag = { kind: 'rubber', from: view.toImage(x, y) };
    else if (page.tool === 'point') this.addPoint(view.toImage(x, y));
    else page.drag = this.choose(x, y) ?? pan;
    this.show();
  }

  choose(x, y) {
    const { view } = this;
    const corner = view.handle(x, y);
    if (corner < 0) view.chosen = view.find(x, y);
    const box = view.chosenBox();
    if (!box) return null;
    const from = view.toImage(x, y);
    return corner < 0
      ? { kind: 'move', from, box } : { kind: 'size', from, box, fixed: corners(box)[(corner + 2) % 4] };
  }

  addPoint([x, y]) {
    const { work } = this;
    const [width, height] = work.size;
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    work.edit({ points: [...work.state.points, [x, y]], boxes: [...work.state.boxes, null] });
  }

  spanned([ax, ay], [bx, by]) {
    return this.work.clip([Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)]);
  }

  dragged(x, y) {
    const { kind, from, box, fixed } = this.page.drag;
    const here = this.view.toImage(x, y);
    if (kind === 'rubber') return this.spanned(from, here);
    if (kind === 'size') return this.spanned(fixed, here);
    const [dx, dy] = [here[0] - from[0], here[1] - from[1]];
    return this.work.clip([box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy]);
  }

  move(event) {
    const { work, view } = this;
    const [x, y] = this.at(event);
    if (work.name) {
      const [px, py] = view.toImage(x, y);
      this.place.textContent = `${px.toFixed(0)}, ${py.toFixed(0)}   ${(view.scale * 100).toFixed(0)} %`;
    }
    const { drag } = this.page;
    if (!drag) return;
    if (drag.kind === 'pan') {
      view.pan(x - drag.x, y - drag.y);
      [drag.x, drag.y] = [x, y];
      return;
    }
    const box = this.dragged(x, y);
    drag.moved ||= Math.hypot(...view.toImage(x, y).map((value, axis) => value - drag.from[axis])) * view.scale > 3;
    if (!drag.moved || !sound(box)) return;
    if (drag.kind === 'rubber') work.draw([...work.state.presets, box]);
    else if (view.chosen.kind === 'preset') work.draw(replaced(work.state.presets, view.chosen.index, box));
    else { view.rubber = box; view.draw(); }
  }

  up(event) {
    const { work, view, page } = this;
    const { drag } = page;
    if (!drag || drag.kind === 'pan') { page.drag = null; return; }
    const box = this.dragged(...this.at(event));
    page.drag = null;
    view.rubber = null;
    work.drawing = null;
    if (!drag.moved || !sound(box)) { work.refresh(); this.show(); return; }
    if (drag.kind === 'rubber') {
      view.chosen = { kind: 'preset', index: work.state.presets.length };
      page.suggestion = 0;
      work.edit({ presets: [...work.state.presets, box] });
    } else this.change(box);
  }

  cancel() {
    const { work, view, page } = this;
    page.drag = null;
    view.rubber = null;
    view.chosen = null;
    work.drawing = null;
    work.refresh();
    this.show();
  }
}

function sound(box) { return box[2] - box[0] >= SMALLEST && box[3] - box[1] >= SMALLEST; }
