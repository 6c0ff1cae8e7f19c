/** GraphiQL sends no files. This button does, to `POST /files/{app}`, and shows what names the file in a question. */
export const uploadStyle = `
#upload { position: fixed; right: 24px; bottom: 24px; z-index: 20; max-width: min(560px, 90vw); font: 14px/1.5 Roboto, sans-serif; color: #1f2937 }
#upload > button, #upload label, #upload .copy { cursor: pointer; border: 0; border-radius: 6px; padding: 6px 12px; font: inherit; color: #fff; background: #3b5998 }
#upload > button { float: right }
#upload label:focus-within, #upload button:focus-visible { outline: 2px solid #d60690; outline-offset: 2px }
#upload section { clear: both; margin-bottom: 8px; padding: 12px; border-radius: 8px; background: #fff; box-shadow: 0 2px 16px #0004 }
#upload section[hidden] { display: none }
#upload p { margin: 0 0 8px }
#upload select { font: inherit; color: inherit; margin-right: 8px; padding: 4px; background: #f2f4f7; border: 0; border-radius: 6px }
#upload input[type=file] { position: absolute; opacity: 0; width: 1px }
#upload output { display: block; margin-top: 12px; overflow-wrap: anywhere }
#upload output:empty { display: none }
#upload code { display: block; margin: 4px 0 8px; padding: 6px; background: #f2f4f7; border-radius: 6px; user-select: all; font-family: 'Fira Code', monospace }
#upload .wrong { color: #b42318 }
`;

/** It stands beside GraphiQL, and reads from what that stores which headers the open tab sends. */
export const uploadScript = (headers: Readonly<Record<string, string>>) => `
document.addEventListener('DOMContentLoaded', () => {
  const root = make('div', { id: 'upload' });
  const panel = make('section', { hidden: true });
  const apps = make('select', { ariaLabel: 'App that takes the file' });
  const input = make('input', { type: 'file' });
  const choose = make('label', {}, 'Choose a file', input);
  const output = make('output');
  const opener = make('button', { type: 'button', ariaExpanded: 'false' }, 'Upload a file');
  panel.append(make('p', {}, 'Hand a file to an app, to ask about it.'), apps, choose, output);
  root.append(panel, opener);
  document.body.append(root);

  opener.addEventListener('click', () => {
    panel.hidden = !panel.hidden;
    opener.ariaExpanded = String(!panel.hidden);
    if (!panel.hidden) attempt(listApps);
  });
  input.addEventListener('change', () => {
    const [file] = input.files;
    input.value = '';
    if (file) attempt(() => send(file));
  });

  async function listApps() {
    const query = '{ apps { name features { fileUpload { types } } inputs { type } } }';
    const sent = { 'content-type': 'application/json', accept: 'application/json' };
    const reply = await fetch(location.pathname, { method: 'POST', headers: { ...pageHeaders(), ...sent }, body: JSON.stringify({ query }) });
    const { data, errors } = await reply.json();
    if (!data) throw new Error(errors?.[0]?.message ?? reply.status);
    const takers = data.apps.filter(({ features, inputs }) => features.fileUpload || inputs.some(({ type }) => type.startsWith('file')));
    const names = takers.map(({ name }) => name);
    const { value } = apps;
    apps.replaceChildren(...names.map((name) => make('option', { value: name }, name)));
    if (names.includes(value)) apps.value = value;
    if (names.length === 0) throw new Error('None of the apps takes files.');
  }

  async function send(file) {
    output.replaceChildren(file.name + ' is on its way …');
    const about = { 'content-type': file.type || 'application/octet-stream', 'x-file-name': encodeURIComponent(file.name) };
    const url = new URL('files/' + encodeURIComponent(apps.value), location.href);
    const reply = await fetch(url, { method: 'POST', headers: { ...pageHeaders(), ...about }, body: file });
    const told = await reply.json().catch(() => ({ code: 'HTTP ' + reply.status, message: 'what answered is not this server' }));
    if (!told.id) throw new Error(told.code + ': ' + told.message);
    const { id, type, name, size } = told;
    const text = 'files: [{ upload: { id: "' + id + '", type: ' + type + ' } }]';
    const copy = make('button', { type: 'button', className: 'copy' }, 'Copy');
    copy.addEventListener('click', () => copied(copy, text));
    output.replaceChildren(name + ' (' + type + ', ' + size.toLocaleString('en') + ' bytes) is there. In a question:', make('code', {}, text), ...(navigator.clipboard ? [copy] : []));
    await copied(copy, text);
  }

  // Not every browser lets every page copy: the text is there to be selected, too.
  async function copied(button, text) {
    await navigator.clipboard?.writeText(text).then(() => button.replaceChildren('Copied'), () => {});
  }

  async function attempt(work) {
    try {
      await work();
    } catch (error) {
      output.replaceChildren(make('span', { className: 'wrong' }, error instanceof TypeError ? 'The server could not be reached.' : error.message));
    }
  }

  // What the open tab sends: GraphiQL keeps it here.
  function pageHeaders() {
    const { tabs = [], activeTabIndex = 0 } = JSON.parse(localStorage.getItem('graphiql:tabState') ?? '{}');
    const text = tabs[activeTabIndex]?.headers;
    if (!text?.trim()) return text == null ? ${JSON.stringify(headers)} : {};
    try {
      return JSON.parse(text);
    } catch {
      throw new Error('The headers of this tab are no JSON.');
    }
  }

  function make(name, properties = {}, ...children) {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  }
});
`;
