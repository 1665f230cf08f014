// The page: who you are and where, drawn anew whenever the double says that something changed.
import { draw, el, icon, mrkdwn } from '/draw.js';

const at = (id) => document.getElementById(id);
const where = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const go = (changes) => {
  const next = { ...where(), ...changes };
  for (const key of Object.keys(next)) if (next[key] == null) delete next[key];
  location.hash = new URLSearchParams(next).toString();
};
const me = () => where().user ?? 'U0CUSTOMER';
const here = () => where().channel ?? 'C0HELP';
let state = null;
let drawn = { messages: '', replies: '', modal: '', home: '' };

async function act(given) {
  const answer = await fetch('/ui/act', {
    method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Slack-Page': '1' },
    body: JSON.stringify({ user: me(), channel: here(), ...given }),
  }).then((response) => response.json());
  at('trouble').hidden = answer.ok;
  at('trouble').textContent = answer.ok ? '' : answer.error;
  return answer;
}

const names = () => Object.fromEntries([...state.people.map((one) => [one.id, one.name]), ...state.channels.map((one) => [one.id, one.name])]);

function context(message) {
  return { names: names(), press: (what) => act({ do: 'press', ts: message.ts, ...what }) };
}

const initials = (name) => name.split(' ').map((word) => word[0]).join('').slice(0, 2);
const clock = (ts) => new Date(Number(ts) * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

function messageNode(message, inThread) {
  const author = state.people.find((one) => one.id === message.user) ?? { name: message.user, tag: '' };
  const replies = state.messages.filter((one) => one.root === message.ts && one.ts !== message.ts && !one.hidden);
  const blocks = message.blocks.length ? message.blocks.map((block) => draw(block, context(message))) : [mrkdwn(message.text, names())];
  const own = message.user === me() && !message.hidden;
  return el('article', { class: `message${message.hidden ? ' hidden-note' : ''}${!inThread && message.root !== message.ts ? ' reply' : ''}`, 'data-ts': message.ts },
    el('span', { class: `face ${author.tag}`, 'aria-hidden': 'true' }, initials(author.name)),
    el('div', { class: 'body' },
      message.hidden && el('p', { class: 'only' }, 'Only visible to you'),
      el('p', { class: 'meta' }, el('strong', {}, author.name), author.tag && el('span', { class: `tag ${author.tag}` }, author.tag.toUpperCase()),
        el('time', {}, clock(message.ts)), message.edited && el('span', { class: 'edited' }, '(edited)'), message.streaming && el('span', { class: 'live' }, 'writing')),
      blocks,
      message.files.map((file) => file.image ? el('img', { src: file.url, alt: file.name, class: 'file' }) : el('a', { href: file.url, class: 'file', download: file.name }, icon('clip'), file.name)),
      message.reactions.length ? el('p', { class: 'reactions' }, message.reactions.map((name) => el('span', {}, mrkdwn(`:${name}:`, {})))) : null,
      !inThread && replies.length ? el('button', { type: 'button', class: 'replies', onclick: () => go({ thread: message.ts }) }, `${replies.length} ${replies.length === 1 ? 'reply' : 'replies'}`) : null),
    message.hidden ? null : el('div', { class: 'tools', role: 'group', 'aria-label': 'Message actions' },
      !inThread && el('button', { type: 'button', onclick: () => go({ thread: message.root }) }, 'Reply in thread'),
      el('button', { type: 'button', 'data-do': 'shortcut', onclick: () => act({ do: 'shortcut', ts: message.ts }) }, 'Triage this thread'),
      own && el('button', { type: 'button', onclick: () => edit(message) }, 'Edit'),
      own && el('button', { type: 'button', onclick: () => act({ do: 'delete', ts: message.ts }) }, 'Delete')));
}

function edit(message) {
  const text = prompt('Edit message', message.text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&').replace(/<[^@>|]+\|([^>]+)>/g, '$1'));
  if (text) act({ do: 'edit', ts: message.ts, text });
}

// Redrawn only when it differs, so that the caret, the focus and open details stay where they are.
function fillList(id, messages, inThread) {
  const box = at(id);
  const text = JSON.stringify([me(), here(), messages, state.messages.length]);
  if (drawn[id] === text) return;
  const before = drawn[id] ? JSON.parse(drawn[id]) : [];
  drawn[id] = text;
  const low = box.scrollHeight - box.scrollTop - box.clientHeight < 60 || before[1] !== here();
  const old = new Map([...box.children].map((node) => [node.dataset.ts, node]));
  const same = new Map((before[0] === me() && before[1] === here() ? before[2] : []).map((one) => [one.ts, JSON.stringify(one)]));
  box.replaceChildren(...messages.map((one) => {
    const kept = old.get(one.ts);
    const stays = kept && same.get(one.ts) === JSON.stringify(one) && (inThread || !state.messages.some((m) => m.root === one.ts && m.ts !== one.ts));
    return stays ? kept : messageNode(one, inThread);
  }));
  if (low) box.scrollTop = box.scrollHeight;
}

function fillSide() {
  const mine = state.people.filter((one) => one.playable);
  if (at('me').childElementCount !== mine.length) at('me').replaceChildren(...mine.map((one) => el('option', { value: one.id }, one.tag ? `${one.name} (${one.tag})` : one.name)));
  at('me').value = me();
  at('team').textContent = state.team;
  const item = (one) => el('li', {}, el('button', { type: 'button', 'data-channel': one.id, 'aria-current': one.id === here() ? 'page' : null, onclick: () => open(one) },
    one.kind === 'group' ? icon('lock') : one.kind === 'channel' ? '# ' : '', one.kind === 'im' ? 'Stepfour' : one.name, one.shared ? ' ⇄' : ''));
  at('channels').replaceChildren(...state.channels.filter((one) => one.kind !== 'im').map(item));
  at('apps').replaceChildren(...state.channels.filter((one) => one.kind === 'im').map(item));
}

function open(channel) {
  go({ channel: channel.id, thread: null, tab: null });
  if (channel.kind === 'im') act({ do: 'home', channel: channel.id, tab: 'messages' });
}

function fillMain() {
  const channel = state.channels.find((one) => one.id === here());
  const im = channel?.kind === 'im';
  const home = im && where().tab === 'home';
  at('name').textContent = channel ? (im ? 'Stepfour' : '#' + channel.name) : 'Not a channel of yours';
  at('topic').textContent = channel?.topic ?? '';
  at('tabs').hidden = !im;
  for (const tab of at('tabs').children) tab.setAttribute('aria-pressed', String((where().tab ?? 'messages') === tab.dataset.tab));
  at('composer').hidden = !channel || home;
  at('messages').hidden = home;
  at('home').hidden = !home;
  if (home && drawn.home !== JSON.stringify(state.home)) {
    drawn.home = JSON.stringify(state.home);
    const view = state.home;
    const press = (what) => act({ do: 'press_view', view: view.id, ...what });
    at('home').replaceChildren(...(view ? view.content.blocks.map((block) => draw(block, { names: names(), press })) : ['Nothing published here yet.']));
  }
  // The app answers in threads; in a DM with it they are shown in place.
  const all = state.messages.filter((one) => im || one.root === one.ts || (one.hidden && !where().thread));
  fillList('messages', im ? all.toSorted((a, b) => a.root.localeCompare(b.root) || a.ts.localeCompare(b.ts)) : all, false);
  at('prompts').hidden = !state.prompts || home;
  at('prompts').replaceChildren(...(state.prompts ? [el('p', {}, state.prompts.title), ...state.prompts.prompts.map((one) =>
    el('button', { type: 'button', onclick: () => act({ do: 'post', text: one.message }) }, one.title))] : []));
}

function fillThread() {
  const thread = where().thread;
  at('thread').hidden = !thread;
  document.body.classList.toggle('with-thread', Boolean(thread));
  if (!thread) return;
  fillList('replies', state.messages.filter((one) => one.root === thread), true);
  const session = state.sessions[thread];
  const line = state.lines[thread];
  at('session').textContent = line ? `Stepfour ${line}` : session ? `${session.title ? session.title + ' · ' : ''}${session.status}` : '';
  at('stop').hidden = session?.status !== 'processing';
}

function fillModal() {
  const box = at('modal');
  const text = JSON.stringify(state.modal);
  if (drawn.modal === text) return;
  drawn.modal = text;
  if (box.open) box.close();
  if (!state.modal) return;
  const { id, content } = state.modal;
  const press = (what) => act({ do: 'press_view', view: id, ...what });
  const form = el('form', { onsubmit: (event) => { event.preventDefault(); submit(id, form); } },
    el('h2', { id: 'modal-title' }, content.title.text),
    content.blocks.map((block) => draw(block, { names: names(), press })),
    el('div', { class: 'actions' },
      el('button', { type: 'button', class: 'button', onclick: () => act({ do: 'close', view: id }) }, content.close?.text ?? 'Close'),
      content.submit && el('button', { type: 'submit', class: 'button primary' }, content.submit.text)));
  box.replaceChildren(form);
  box.showModal();
}

async function submit(view, form) {
  const values = {};
  for (const node of form.querySelectorAll('[data-action-id][data-block-id]')) {
    const picked = [...node.querySelectorAll('input:checked')].map((one) => one.value);
    const value = node.dataset.kind ? (node.dataset.kind === 'radio' ? picked[0] : picked) : node.multiple ? [...node.selectedOptions].map((one) => one.value) : node.value;
    if (value != null && value !== '' && value.length !== 0) values[node.dataset.actionId] = value;
  }
  for (const note of form.querySelectorAll('[data-error]')) note.textContent = '';
  const answer = await act({ do: 'submit', view, values });
  for (const [block, words] of Object.entries(answer.errors ?? {})) {
    const note = form.querySelector(`[data-error="${CSS.escape(block)}"]`);
    if (note) note.textContent = words;
  }
}

let asked = 0;

/** Draws what the newest request got: an older answer that comes late would take back what is new. */
async function refresh() {
  const mine = ++asked;
  const got = await fetch(`/ui/state?user=${encodeURIComponent(me())}&channel=${encodeURIComponent(here())}`).then((answer) => answer.json());
  if (mine !== asked) return;
  state = got;
  fillSide();
  fillMain();
  fillThread();
  fillModal();
}

function composer(id, thread) {
  const form = at(id);
  const area = form.querySelector('textarea');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    while (!state) await refresh(); // written before the page knew its commands
    const text = area.value.trim().replace(/@(stepfour|bot)\b/gi, '@bot');
    if (!text) return;
    area.value = '';
    const command = state.commands.find((one) => text === one || text.startsWith(one + ' '));
    act(command ? { do: 'command', text } : { do: 'post', text, thread: thread() });
  });
  area.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey) { event.preventDefault(); form.requestSubmit(); }
  });
  form.querySelector('input').addEventListener('change', async (event) => {
    const file = event.target.files[0];
    if (!file) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    let data = '';
    for (const byte of bytes) data += String.fromCharCode(byte);
    const text = area.value.trim();
    area.value = '';
    event.target.value = '';
    act({ do: 'upload', name: file.name, mimetype: file.type, data: btoa(data), text, thread: thread() });
  });
}

composer('composer', () => null);
composer('thread-composer', () => where().thread);
at('me').addEventListener('change', () => {
  const user = at('me').value;
  const dm = here().startsWith('D');
  go({ user, channel: dm ? 'D' + user.slice(1) : here(), thread: dm ? null : where().thread });
});
at('leave').addEventListener('click', () => go({ thread: null }));
at('stop').addEventListener('click', () => act({ do: 'stop', thread: where().thread }));
for (const tab of at('tabs').children) tab.addEventListener('click', () => { go({ tab: tab.dataset.tab }); act({ do: 'home', tab: tab.dataset.tab }); });
at('modal').addEventListener('cancel', (event) => { event.preventDefault(); act({ do: 'close', view: state.modal.id }); });
window.addEventListener('hashchange', refresh);
new EventSource('/ui/events').addEventListener('message', refresh);
