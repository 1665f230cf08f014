// Heron Mail's dashboard: who is signed in, the account as it is now, and what the widget is told.

// The widget may be asked for things before it is there: the loader works the queue off.
window.stepfour ||= function queue() {
  (window.stepfour.q ||= []).push(arguments);
};

const at = (id) => document.getElementById(id);
const el = (tag, props = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
};
const read = async (path) => {
  const answer = await fetch(path, { cache: 'no-store' });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
};
const act = (move, body) =>
  fetch(`/api/${move}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

// The page's own server signs for whoever its own session says is there.
const getToken = async () => (await read('/api/support-token')).token;

let me = null;
let drawn = '';

async function start() {
  me = await read('/api/me');
  if (me) window.stepfour('identify', getToken);
  await show();
}

async function signIn(person) {
  await act('sign-in', { account: person.account, user: person.user });
  await start();
}

at('sign-out').onclick = async () => {
  await act('sign-out', {});
  me = null;
  window.stepfour('shutdown'); // the next person at this machine sees nothing of it
  await show();
};

at('ask').onclick = () => window.stepfour('ask', 'How do I get HTTPS on the tracking links in my e-mails?');

async function show() {
  at('welcome').hidden = Boolean(me);
  at('dashboard').hidden = at('sign-out').hidden = !me;
  at('who').textContent = me ? `${me.name}, ${me.role}` : '';
  drawn = '';
  if (me) await refresh();
  else at('people').replaceChildren(...(await read('/api/people')).map(card));
}

const card = (person) =>
  el('li', {}, el('button', { type: 'button', onclick: () => signIn(person) }, el('strong', {}, person.name), el('span', {}, `${person.role} of ${person.company}`)));

async function refresh() {
  if (!me || document.hidden) return;
  const account = await read('/api/account');
  const text = JSON.stringify(account);
  if (text === drawn) return;
  drawn = text;
  at('company').textContent = me.company;
  at('tracking').replaceChildren(
    ...fact('Click tracking', account.settings.click_tracking ? 'On' : 'Off', account.settings.click_tracking),
    ...fact('HTTPS for tracking links', account.settings.https_tracking ? 'On' : 'Off', account.settings.https_tracking),
    ...fact('Plan', `${me.plan}${account.dedicated_ip ? `, dedicated IP ${account.dedicated_ip}` : ''}`, null),
  );
  at('links').replaceChildren(...account.links.map((link) => row(link, account.target)));
  at('domains').replaceChildren(...account.domains.map((one) => el('li', {}, one.name, el('small', {}, one.verified ? 'verified' : 'not verified'))));
  at('team').replaceChildren(...account.people.map((one) => el('li', {}, one.name, el('small', {}, one.role))));
}

const fact = (name, value, good) => [
  el('dt', {}, name),
  el('dd', { id: name === 'HTTPS for tracking links' ? 'https' : '' }, el('span', { className: good === null ? '' : good ? 'on' : 'off' }, value)),
];

function row(link, target) {
  const says = link.proxied === null ? 'no answer' : link.cname ? `CNAME ${link.cname}` : 'an address: your proxy';
  const button = el('button', { type: 'button', onclick: () => proxy(button, link) }, link.proxied ? 'Take proxy away' : 'Put proxy in front');
  button.dataset.host = link.host;
  button.setAttribute('aria-label', `${button.textContent}: ${link.host}`);
  return el('tr', {}, el('th', { scope: 'row' }, link.host), el('td', {}, link.validated ? 'validated' : 'not validated'), el('td', { className: link.cname === target ? 'off' : 'on' }, says), el('td', {}, button));
}

async function proxy(button, link) {
  button.disabled = true;
  await act('proxy', { host: link.host, there: !link.proxied });
  await refresh();
}

const again = () => setTimeout(() => refresh().catch(() => undefined).finally(again), 1500);
start().finally(again);
