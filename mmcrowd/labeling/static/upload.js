// Presets that were drawn in another program: files of this machine, sent to the server.

import { ask } from './work.js';

const $ = id => document.getElementById(id);

function base64(file) {
  return new Promise((done, wrong) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.onerror = () => wrong(new Error(`${file.name}: cannot be read`));
    reader.readAsDataURL(file);
  });
}

// The path of a file in the chosen folder, without the name of that folder.
const within = file => (file.webkitRelativePath ? file.webkitRelativePath.split('/').slice(1).join('/') : file.name);
const isPicture = file => /^(image|video)\//.test(file.type);

export function openUpload() {
  for (const id of ['upload-files', 'upload-folder']) $(id).value = '';
  $('upload-error').textContent = '';
  $('upload').showModal();
}

// Send what was chosen; `done(made)` shows what the server has made of it. What is wrong is said in the dialog.
export async function upload(done) {
  const chosen = [...$('upload-files').files, ...$('upload-folder').files].filter(file => !isPicture(file));
  if (!chosen.length) { $('upload-error').textContent = 'Choose files of annotations.'; return; }
  $('upload-send').disabled = true;
  $('upload-error').textContent = 'Importing ...';
  try {
    const files = await Promise.all(chosen.map(async file => ({ name: within(file), data: await base64(file) })));
    const made = await (await ask('/api/presets', { format: $('upload-format').value, files })).json();
    $('upload').close();
    await done(made);
  } catch (error) {
    $('upload-error').textContent = error.message;
  } finally {
    $('upload-send').disabled = false;
  }
}
