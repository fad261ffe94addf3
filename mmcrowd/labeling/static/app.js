// Tools, keys, the list of images: what a person does becomes one step of the work.

import { Pointer } from './pointer.js';
import { openUpload, upload } from './upload.js';
import { View } from './view.js';
import { Work, ask, pathOf, replaced, without } from './work.js';

const $ = id => document.getElementById(id);

const work = new Work(show, failed);
const view = new View($('picture'), $('overlay'), work);
const page = { tool: 'select', images: [], wanted: null, drag: null, space: false, suggestion: 0 };
const pointer = new Pointer(work, view, page, { show, change });
Object.assign(window, { mmcrowd: { work, view, page } }); // for tests and the console

// ------------------------------------------------------------------ showing

function show() {
  const { state, facts } = work;
  $('undo').disabled = !work.past.length;
  $('redo').disabled = !work.future.length;
  $('delete').disabled = !view.chosen;
  $('reset').disabled = !(view.chosen?.kind === 'head' && state.boxes[view.chosen.index]);
  $('next-suggestion').disabled = !(facts.suggested ?? []).length;
  $('done').checked = state.done;
  $('saved').textContent = { saved: 'saved', waiting: 'saving ...', failed: 'NOT SAVED' }[work.saving];
  $('saved').className = work.saving;
  const error = facts.error == null ? '' : `, leave-one-out error ${(facts.error * 100).toFixed(0)} %`;
  const share = facts.presets > state.presets.length ? ` of ${facts.presets} in the scene` : '';
  $('facts').textContent = work.name
    ? `${state.points.length} heads, ${state.presets.length} presets${share}${error}`
    : '';
  const hint = !work.name || facts.presets ? ''
    : state.points.length ? 'Draw a box (B) around a few heads; the circles show where they tell most.'
      : 'No heads yet: add them (P)' + ($('propose').hidden ? '.' : ' or let the model find them (M).');
  notice(hint);
  updateRow();
  view.draw();
}

function notice(text) {
  $('notice').hidden = !text;
  $('notice').textContent = text;
}

function say(text) {
  const shown = $('message').querySelector('p');
  shown.textContent = $('message').open ? `${shown.textContent}\n\n${text}` : text;
  if (!$('message').open) $('message').showModal();
}

function failed(error) {
  if (error.status !== 409) { say(error.message); return; }
  say(`${error.message}\n\nWhat is saved there is loaded now; your last step is not in it.`);
  work.reload().catch(again => say(again.message));
}

function listImages() {
  const wanted = $('filter').value.toLowerCase();
  $('images').replaceChildren(...page.images.filter(row => row.name.toLowerCase().includes(wanted)).map(row => {
    const button = document.createElement('button');
    const [name, count] = [document.createElement('bdi'), document.createElement('span')];
    name.className = 'name';
    count.className = 'count';
    name.textContent = row.name;
    button.title = row.name;
    button.append(name, count);
    button.addEventListener('click', () => open(row.name));
    row.item = document.createElement('li');
    row.item.append(button);
    paintRow(row);
    return row.item;
  }));
  paintProgress();
}

function paintRow(row) {
  if (!row.item) return;
  row.item.className = row.done ? 'is-done' : '';
  Object.assign(row.item.querySelector('.count'), {
    textContent: `${row.heads} / ${row.presets}`, title: `${row.heads} heads, ${row.presets} boxes drawn by hand`,
  });
  row.item.firstChild.setAttribute('aria-current', row.name === work.name);
}

function paintProgress() {
  $('progress').textContent = `${page.images.filter(row => row.done).length} of ${page.images.length} images done`;
}

function updateRow() {
  const row = page.images.find(found => found.name === work.name);
  if (!row) return;
  Object.assign(row, { heads: work.state.points.length, presets: work.state.presets.length, done: work.state.done });
  paintRow(row);
  paintProgress();
}

async function open(name) {
  const before = page.images.find(row => row.name === work.name);
  view.chosen = null;
  page.suggestion = 0;
  page.wanted = name;
  try {
    await work.open(name);
    view.fit();
    history.replaceState(null, '', `#${encodeURIComponent(name)}`);
  } catch (error) {
    say(error.message);
  }
  if (before) paintRow(before);
  show();
}

function neighbour(step) {
  const shown = page.images.filter(row => row.item?.isConnected);
  const at = shown.findIndex(row => row.name === page.wanted); // also one that could not be opened
  if (shown[at + step]) open(shown[at + step].name);
}

// ------------------------------------------------------------------ steps

function remove() {
  if (!view.chosen) return;
  const { kind, index } = view.chosen;
  const { points, boxes, presets } = work.state;
  view.chosen = null;
  if (kind === 'preset') work.edit({ presets: without(presets, index) });
  else work.edit({ points: without(points, index), boxes: without(boxes, index) });
}

function interpolateAgain() {
  if (view.chosen?.kind !== 'head' || !work.state.boxes[view.chosen.index]) return;
  work.edit({ boxes: replaced(work.state.boxes, view.chosen.index, null) });
}

// A changed box of what is chosen: a preset, or the correction of a single head, whose point goes with the box.
function change(box) {
  const { kind, index } = view.chosen;
  const { points, boxes, presets } = work.state;
  if (kind === 'preset') { work.edit({ presets: replaced(presets, index, box) }); return; }
  const [x, y] = points[index];
  const inside = x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];
  const point = inside ? points[index] : [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  work.edit({ boxes: replaced(boxes, index, box), ...(inside ? {} : { points: replaced(points, index, point) }) });
}

function nudge(dx, dy) {
  const box = view.chosenBox();
  if (box) change(work.clip([box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy]));
}

function suggestion() {
  const heads = work.facts.suggested ?? [];
  if (!heads.length) return;
  const head = heads[page.suggestion % heads.length];
  page.suggestion += 1;
  const box = work.box(head);
  view.goTo(work.state.points[head], 12 * (box ? box[2] - box[0] : Math.max(...work.size) / 30));
  setTool('box');
}

async function propose() {
  const button = $('propose');
  button.disabled = true;
  notice('The model looks for heads ...');
  const name = work.name;
  try {
    const found = (await (await ask(`/api/propose/${pathOf(name)}`, {})).json()).points;
    if (name !== work.name) return;
    const fresh = apart(found, work.state.points);
    if (fresh.length) {
      work.edit({
        points: [...work.state.points, ...fresh],
        boxes: [...work.state.boxes, ...fresh.map(() => null)],
      });
    }
    say(`${found.length} heads found, ${fresh.length} of them new. Undo takes them back.`);
  } catch (error) {
    say(error.message);
  } finally {
    button.disabled = false;
    show();
  }
}

// Points that are farther than a hundredth of the image from those there are.
function apart(found, known) {
  const near = Math.max(...work.size) / 100;
  const cells = new Map();
  const key = (x, y) => `${Math.floor(x / near)},${Math.floor(y / near)}`;
  for (const point of known) cells.set(key(...point), [...(cells.get(key(...point)) ?? []), point]);
  return found.filter(([x, y]) => {
    for (const dx of [-near, 0, near]) {
      for (const dy of [-near, 0, near]) {
        if ((cells.get(key(x + dx, y + dy)) ?? []).some(p => Math.hypot(p[0] - x, p[1] - y) < near)) return false;
      }
    }
    return true;
  });
}

async function uploaded(made) {
  await list();
  if (made.images.includes(work.name)) await work.reload();
  else await work.refresh();
  const known = made.known ? `, ${made.known} were there already` : '';
  say(`${made.presets} presets for ${made.images.length} images${known}\n\n${shortened(made.notes)}`);
}

function shortened(notes) {
  const more = notes.length > 12 ? `\nand ${notes.length - 12} more` : '';
  return notes.slice(0, 12).join('\n') + more;
}

async function exportAll() {
  await work.settled();
  $('export').disabled = true;
  try {
    const made = await (await ask('/api/export', { format: $('format').value })).json();
    say(`${made.images} images, ${made.heads} heads: ${made.path}\n\n${shortened(made.notes)}`);
  } catch (error) {
    say(error.message);
  } finally {
    $('export').disabled = false;
  }
}

function setTool(tool) {
  page.tool = tool;
  for (const name of ['select', 'box', 'point']) $(`tool-${name}`).setAttribute('aria-pressed', name === tool);
  $('overlay').className = tool;
}

// ------------------------------------------------------------------ keys

const KEYS = {
  v: () => setTool('select'), b: () => setTool('box'), p: () => setTool('point'),
  n: suggestion, r: interpolateAgain, m: () => { if (!$('propose').hidden) propose(); },
  h: () => $('toggle-boxes').click(), d: () => $('done').click(),
  0: () => view.fit(), '+': () => view.zoom(1.25), '=': () => view.zoom(1.25), '-': () => view.zoom(0.8),
  '[': () => neighbour(-1), ']': () => neighbour(1), '?': () => $('help').showModal(),
  Delete: remove, Backspace: remove, Escape: () => pointer.cancel(),
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function key(event) {
  if (event.target.matches('input[type=search], select') || document.querySelector('dialog[open]')) return;
  if (event.key === ' ') { page.space = true; event.preventDefault(); return; }
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z') {
    event.preventDefault();
    stepBack(event.shiftKey);
  } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'y') {
    event.preventDefault();
    stepBack(true);
  } else if (event.ctrlKey || event.metaKey || event.altKey || (!work.name && !'[]?'.includes(event.key))) return;
  else if (ARROWS[event.key] && view.chosen) {
    event.preventDefault();
    nudge(...ARROWS[event.key].map(step => step * (event.shiftKey ? 10 : 1)));
  } else {
    const act = KEYS[event.key] ?? KEYS[event.key.toLowerCase()];
    if (act) { event.preventDefault(); act(); }
  }
}

function stepBack(forward) {
  view.chosen = null;
  if (forward) work.redo();
  else work.undo();
}

// ------------------------------------------------------------------ start

function listen() {
  const clicks = {
    'tool-select': () => setTool('select'), 'tool-box': () => setTool('box'), 'tool-point': () => setTool('point'),
    undo: () => stepBack(false), redo: () => stepBack(true), delete: remove, reset: interpolateAgain,
    'next-suggestion': suggestion, propose, fit: () => view.fit(), export: exportAll,
    'upload-button': openUpload, 'upload-send': () => upload(uploaded),
    'help-button': () => $('help').showModal(),
    'toggle-boxes': () => { view.boxes = !view.boxes; $('toggle-boxes').setAttribute('aria-pressed', view.boxes); view.draw(); },
  };
  for (const [id, act] of Object.entries(clicks)) {
    $(id).addEventListener('click', () => { act(); $(id).blur(); });
  }
  pointer.listen();
  document.addEventListener('keydown', key);
  document.addEventListener('keyup', event => { if (event.key === ' ') page.space = false; });
  $('filter').addEventListener('input', listImages);
  $('done').addEventListener('change', () => { if (work.name) work.edit({ done: $('done').checked }); });
  $('scenes').addEventListener('change', async () => {
    try {
      await ask('/api/settings', { scenes: $('scenes').value });
      await work.refresh();
    } catch (error) { say(error.message); }
  });
  window.addEventListener('beforeunload', event => { if (work.saving !== 'saved') event.preventDefault(); });
}

async function list() {
  const found = await (await ask('/api/images')).json();
  page.images = found.images;
  listImages();
  return found;
}

async function start() {
  setTool('select');
  $('toggle-boxes').setAttribute('aria-pressed', true);
  listen();
  try {
    const found = await list();
    $('scenes').value = found.scenes;
    $('propose').hidden = !found.proposes;
    $('format').replaceChildren(...found.exports.map(name => new Option(name, name)));
    $('upload-format').replaceChildren(...found.uploads.map(name => new Option(name, name)));
    const wanted = decodeURIComponent(location.hash.slice(1));
    await open(page.images.some(row => row.name === wanted) ? wanted : page.images[0].name);
    if (found.notes.length) say(shortened(found.notes));
  } catch (error) {
    say(error.message);
  }
}

start();
