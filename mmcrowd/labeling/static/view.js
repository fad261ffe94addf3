// The picture in tiles, and what lies on it: thousands of boxes, redrawn whenever the view moves.

import { pathOf } from './work.js';

const COLORS = { preset: '#3cff78', own: '#4fc3ff', made: '#ffd246', far: '#ff46be', point: '#00e1ff', chosen: '#ffffff' };
const MOST_TILES = 200;
const MOST_CENTRES = 2000; // more would hide the boxes
export const HANDLE = 7; // screen pixels

export class View {
  constructor(picture, overlay, work) {
    Object.assign(this, { picture, overlay, work, scale: 1, left: 0, top: 0, boxes: true, chosen: null, rubber: null });
    this.tiles = new Map();
    this.context = overlay.getContext('2d');
    this.ground = picture.getContext('2d', { alpha: false });
    new ResizeObserver(() => this.resize()).observe(overlay.parentElement);
    this.resize();
  }

  resize() {
    const { clientWidth, clientHeight } = this.overlay.parentElement;
    this.density = window.devicePixelRatio || 1;
    for (const canvas of [this.picture, this.overlay]) {
      canvas.width = Math.round(clientWidth * this.density);
      canvas.height = Math.round(clientHeight * this.density);
    }
    [this.width, this.height] = [clientWidth, clientHeight];
    this.draw();
  }

  fit() {
    if (!this.work.size) return;
    const [width, height] = this.work.size;
    this.scale = Math.min(this.width / width, this.height / height) * 0.98;
    this.left = (width - this.width / this.scale) / 2;
    this.top = (height - this.height / this.scale) / 2;
    this.draw();
  }

  // Zoom by a factor so that the image point under the screen point stays there.
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const [px, py] = this.toImage(x, y);
    this.scale = Math.min(40, Math.max(0.01, this.scale * factor));
    this.left = px - x / this.scale;
    this.top = py - y / this.scale;
    this.draw();
  }

  pan(dx, dy) {
    this.left -= dx / this.scale;
    this.top -= dy / this.scale;
    this.draw();
  }

  goTo([x, y], span) {
    this.scale = Math.min(8, Math.max(this.scale, Math.min(this.width, this.height) / span));
    this.left = x - this.width / this.scale / 2;
    this.top = y - this.height / this.scale / 2;
    this.draw();
  }

  toImage(x, y) { return [x / this.scale + this.left, y / this.scale + this.top]; }
  toScreen(x, y) { return [(x - this.left) * this.scale, (y - this.top) * this.scale]; }

  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.render();
    });
  }

  render() {
    if (!this.work.name) return;
    const start = performance.now();
    this.drawPicture();
    this.drawOverlay();
    this.lastRender = performance.now() - start;
  }

  // ---------------------------------------------------------------- picture

  drawPicture() {
    const { ground, work } = this;
    ground.setTransform(this.density, 0, 0, this.density, 0, 0);
    ground.fillStyle = '#14171d';
    ground.fillRect(0, 0, this.width, this.height);
    ground.imageSmoothingEnabled = this.scale < 3;
    const coarsest = Math.max(0, Math.ceil(Math.log2(Math.max(...work.size) / work.tile)));
    const wanted = Math.min(coarsest, Math.max(0, Math.floor(-Math.log2(this.scale * this.density))));
    // Coarser levels lie below, so that something is seen while finer tiles come.
    for (let level = coarsest; level >= wanted; level--) this.drawLevel(level, level === wanted || level === coarsest);
    while (this.tiles.size > MOST_TILES) this.tiles.delete(this.tiles.keys().next().value);
  }

  drawLevel(level, load) {
    const { work } = this;
    const span = work.tile * 2 ** level;
    const from = [this.left, this.top].map(v => Math.max(0, Math.floor(v / span)));
    const end = [this.left + this.width / this.scale, this.top + this.height / this.scale];
    const to = work.size.map((side, axis) => Math.min(Math.ceil(side / span), Math.ceil(end[axis] / span)));
    for (let row = from[1]; row < to[1]; row++) {
      for (let column = from[0]; column < to[0]; column++) {
        const image = this.tileImage(`/tile/${level}/${column}/${row}/${pathOf(work.name)}`, load);
        if (!image?.complete || !image.naturalWidth) continue;
        const [x, y] = this.toScreen(column * span, row * span);
        const [w, h] = [Math.min(span, work.size[0] - column * span), Math.min(span, work.size[1] - row * span)];
        this.ground.drawImage(image, x, y, w * this.scale, h * this.scale);
      }
    }
  }

  tileImage(address, load) {
    let image = this.tiles.get(address);
    if (image) { // the last used is the last thrown away
      this.tiles.delete(address);
      this.tiles.set(address, image);
    } else if (load) {
      image = new Image();
      image.onload = () => this.draw();
      image.src = address;
      this.tiles.set(address, image);
    }
    return image;
  }

  // ---------------------------------------------------------------- heads

  drawOverlay() {
    const { context, work, density } = this;
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    this.drawHeads();
    for (const box of work.presets) this.outline(box, COLORS.preset, 2);
    const out = new Set(work.facts.outliers ?? []);
    work.presets.forEach((box, index) => { if (out.has(index)) this.mark(box); });
    this.drawSuggestions();
    if (this.rubber) this.outline(this.rubber, COLORS.preset, 1.5, [4, 3]);
    if (this.chosen) this.drawChosen();
  }

  drawHeads() {
    const { work, scale, left, top } = this;
    const { points, boxes } = work.state;
    const table = work.table;
    const [right, bottom] = [left + this.width / scale, top + this.height / scale];
    const groups = { made: [], far: [], own: [] };
    const [spots, centres] = [[], []]; // heads without a box on the page, and with one
    for (let i = 0; i < points.length; i++) {
      const [x, y] = points[i];
      let [x1, y1, x2, y2, kind] = [x, y, x, y, null];
      const own = boxes[i];
      if (own) [x1, y1, x2, y2, kind] = [own[0], own[1], own[2], own[3], 'own'];
      else if (table && table[i * 5] === table[i * 5]) {
        const at = i * 5;
        [x1, y1, x2, y2] = [table[at], table[at + 1], table[at + 2], table[at + 3]];
        kind = table[at + 4] < 0 ? 'far' : 'made';
      }
      if (x2 < left || x1 > right || y2 < top || y1 > bottom) continue;
      if (kind && this.boxes) groups[kind].push(x1, y1, x2, y2);
      (kind && this.boxes ? centres : spots).push(x, y);
    }
    for (const [kind, flat] of Object.entries(groups)) this.outlines(flat, COLORS[kind]);
    this.spots(spots);
    if (scale > 1.5 && centres.length < MOST_CENTRES) this.spots(centres);
  }

  // Four thin filled rectangles per box: many times faster than stroking, and sharp.
  outlines(flat, color) {
    const { context, scale, left, top } = this;
    const line = flat.length > 8000 ? 1 : 1.25;
    context.fillStyle = color;
    for (let i = 0; i < flat.length; i += 4) {
      const x1 = (flat[i] - left) * scale;
      const y1 = (flat[i + 1] - top) * scale;
      const w = (flat[i + 2] - flat[i]) * scale;
      const h = (flat[i + 3] - flat[i + 1]) * scale;
      if (w < 4) { // no outline is seen so small
        context.fillRect(x1, y1, w, h);
        continue;
      }
      context.fillRect(x1, y1, w, line);
      context.fillRect(x1, y1 + h - line, w, line);
      context.fillRect(x1, y1, line, h);
      context.fillRect(x1 + w - line, y1, line, h);
    }
  }

  spots(flat) {
    const { context, scale, left, top } = this;
    const side = Math.min(5, Math.max(flat.length < 4000 ? 4 : 2, scale * 2)); // few can be larger
    context.fillStyle = COLORS.point;
    for (let i = 0; i < flat.length; i += 2) {
      context.fillRect((flat[i] - left) * scale - side / 2, (flat[i + 1] - top) * scale - side / 2, side, side);
    }
  }

  outline(box, color, line, dash = []) {
    const [x, y] = this.toScreen(box[0], box[1]);
    this.context.strokeStyle = color;
    this.context.lineWidth = line;
    this.context.setLineDash(dash);
    this.context.strokeRect(x, y, (box[2] - box[0]) * this.scale, (box[3] - box[1]) * this.scale);
    this.context.setLineDash([]);
  }

  mark(box) { // a preset that the others contradict
    this.context.fillStyle = COLORS.far;
    this.context.font = 'bold 16px system-ui, sans-serif';
    const [x, y] = this.toScreen(box[2], box[1]);
    this.context.fillText('?', x + 3, y + 12);
  }

  drawSuggestions() {
    const { context, work } = this;
    (work.facts.suggested ?? []).forEach((head, index) => {
      const point = work.state.points[head];
      if (!point || work.drawing) return;
      const box = work.box(head);
      const radius = Math.max(14, box ? (box[2] - box[0]) * this.scale : 0);
      const [x, y] = this.toScreen(...point);
      context.strokeStyle = '#ffffff';
      context.lineWidth = index ? 1 : 2.5;
      context.setLineDash([5, 4]);
      context.beginPath();
      context.arc(x, y, radius, 0, 7);
      context.stroke();
      context.setLineDash([]);
      context.fillStyle = '#ffffff';
      context.font = '12px system-ui, sans-serif';
      context.fillText(String(index + 1), x + radius + 3, y + 4);
    });
  }

  drawChosen() {
    const box = this.chosenBox();
    if (!box) {
      const point = this.chosen.kind === 'head' && this.work.state.points[this.chosen.index];
      if (point) this.outline([point[0] - 4, point[1] - 4, point[0] + 4, point[1] + 4], COLORS.chosen, 1.5);
      return;
    }
    this.outline(box, COLORS.chosen, 2);
    this.context.fillStyle = COLORS.chosen;
    for (const [x, y] of corners(box).map(corner => this.toScreen(...corner))) {
      this.context.fillRect(x - HANDLE / 2, y - HANDLE / 2, HANDLE, HANDLE);
    }
  }

  chosenBox() {
    if (!this.chosen) return null;
    const { kind, index } = this.chosen;
    return kind === 'preset' ? this.work.presets[index] ?? null : this.work.box(index);
  }

  // What lies at a screen point: presets before heads, small before large.
  find(x, y) {
    const [px, py] = this.toImage(x, y);
    const slack = 4 / this.scale;
    let best = null;
    const look = (kind, index, box, bonus) => {
      if (px < box[0] - slack || px > box[2] + slack || py < box[1] - slack || py > box[3] + slack) return;
      const rank = (box[2] - box[0]) * (box[3] - box[1]) * bonus;
      if (!best || rank < best.rank) best = { kind, index, rank };
    };
    this.work.presets.forEach((box, index) => look('preset', index, box, 0.5));
    this.work.state.points.forEach(([hx, hy], index) => {
      const box = this.boxes && this.work.box(index);
      look('head', index, box || [hx - slack, hy - slack, hx + slack, hy + slack], 1);
    });
    return best && { kind: best.kind, index: best.index };
  }

  // The corner of the chosen box at a screen point, 0 to 3, or -1.
  handle(x, y) {
    const box = this.chosenBox();
    if (!box) return -1;
    return corners(box).findIndex(corner => {
      const [cx, cy] = this.toScreen(...corner);
      return Math.abs(cx - x) <= HANDLE && Math.abs(cy - y) <= HANDLE;
    });
  }
}

export function corners([x1, y1, x2, y2]) { return [[x1, y1], [x2, y1], [x2, y2], [x1, y2]]; }
