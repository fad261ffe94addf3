// The work on one image: its state, undo and redo, saving, and the boxes that follow from it.

const ROW = 5; // x1, y1, x2, y2, deviation (negative: a guess)

async function answer(response) {
  if (response.ok) return response;
  let text = response.statusText;
  try { text = (await response.json()).error; } catch { /* no JSON */ }
  throw Object.assign(new Error(text), { status: response.status });
}

export async function ask(path, content) {
  const options = content === undefined ? {} : {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(content),
  };
  return answer(await fetch(path, options));
}

export const without = (list, index) => list.filter((_, at) => at !== index);
export const replaced = (list, index, value) => list.map((old, at) => (at === index ? value : old));
export const pathOf = name => name.split('/').map(encodeURIComponent).join('/');

export class Work {
  // `changed()` is called whenever something is to be shown; `failed(error)` where a person has to decide.
  constructor(changed, failed) {
    Object.assign(this, { changed, failed, name: null, revision: 0, saving: 'saved', facts: {}, table: null });
    this.clear();
  }

  clear() {
    this.state = { points: [], boxes: [], presets: [], done: false };
    this.past = [];
    this.future = [];
    this.drawing = null;
    this.table = null;
    this.facts = {};
  }

  async open(name) {
    await this.settled();
    const found = await (await ask(`/api/image/${pathOf(name)}`)).json();
    this.name = name;
    this.clear();
    this.size = [found.width, found.height];
    this.tile = found.tile;
    this.revision = found.revision;
    this.state = { points: found.points, boxes: found.boxes, presets: found.presets, done: found.done };
    this.saving = 'saved';
    this.changed();
    await this.refresh();
  }

  // Take what another tab or program has saved.
  reload() { return this.open(this.name); }

  // Everything that is known to the person is one step: undo takes it back whole.
  edit(change) {
    this.past.push(this.state);
    this.future = [];
    this.set({ ...this.state, ...change });
  }

  set(state) {
    if (state.points !== this.state.points) this.table = this.moved(state.points);
    this.state = state;
    this.save();
    this.changed();
  }

  undo() { this.step(this.past, this.future); }
  redo() { this.step(this.future, this.past); }

  step(from, to) {
    if (!from.length) return;
    to.push(this.state);
    this.set(from.pop());
  }

  // The boxes of heads that stay, until the server says all of them anew.
  moved(points) {
    if (!this.table) return null;
    const row = new Map(this.state.points.map((point, index) => [point, index]));
    const table = new Float32Array(points.length * ROW).fill(NaN);
    points.forEach((point, index) => {
      const old = row.get(point);
      if (old !== undefined) table.set(this.table.subarray(old * ROW, (old + 1) * ROW), index * ROW);
    });
    return table;
  }

  // ---------------------------------------------------------------- saving

  save() {
    this.saving = 'waiting';
    this.dirty = true;
    if (!this.running) this.running = this.run().finally(() => { this.running = null; });
  }

  async run() {
    while (this.dirty) {
      this.dirty = false;
      const sent = this.state;
      try {
        const made = await (await ask(`/api/save/${pathOf(this.name)}`, { ...sent, revision: this.revision })).json();
        this.revision = made.revision;
        this.saving = this.dirty ? 'waiting' : 'saved';
      } catch (error) {
        this.saving = 'failed';
        this.changed();
        if (error.status) { this.failed(error); return; }
        await new Promise(done => setTimeout(done, 1000)); // the server is away: try until it is back
        this.dirty = true;
      }
      this.changed();
    }
    await this.refresh();
  }

  async settled() {
    while (this.running) await this.running;
  }

  // ---------------------------------------------------------------- boxes

  // Presets while they are drawn: shown at once, saved when the button is let go.
  draw(presets) {
    this.drawing = presets;
    this.refresh();
    this.changed();
  }

  get presets() { return this.drawing ?? this.state.presets; }

  // Only one question at a time is on its way; the last one asked is answered.
  async refresh() {
    this.asked = true;
    if (this.asking) return;
    this.asking = true;
    try {
      while (this.asked) {
        this.asked = false;
        const { name, state } = this;
        const response = await ask(`/api/boxes/${pathOf(name)}`, this.drawing ? { presets: this.drawing } : {});
        const facts = JSON.parse(response.headers.get('x-facts'));
        const bytes = await response.arrayBuffer();
        if (name !== this.name || state.points.length !== this.state.points.length) continue;
        this.facts = facts;
        this.table = bytes.byteLength ? new Float32Array(bytes) : null;
        this.changed();
      }
    } catch (error) {
      if (error.status && !this.drawing) this.failed(error);
    } finally {
      this.asking = false;
    }
  }

  // A box within the image.
  clip([x1, y1, x2, y2]) {
    const [width, height] = this.size;
    const within = (value, most) => Math.min(most, Math.max(0, value));
    return [within(x1, width), within(y1, height), within(x2, width), within(y2, height)];
  }

  // The box of a head: corrected, else interpolated, else null.
  box(head) {
    const own = this.state.boxes[head];
    if (own) return own;
    if (!this.table || Number.isNaN(this.table[head * ROW])) return null;
    return Array.from(this.table.subarray(head * ROW, head * ROW + 4));
  }
}
