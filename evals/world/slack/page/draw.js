// Draws Slack's text and blocks as DOM nodes. What an app sent is data: it is never parsed as HTML.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'class') node.className = value;
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}

const EMOJI = {
  white_check_mark: '✅', heavy_check_mark: '✔️', x: '❌', eyes: '👀', warning: '⚠️', hourglass: '⌛',
  hourglass_flowing_sand: '⏳', thumbsup: '👍', thumbsdown: '👎', '+1': '👍', '-1': '👎', lock: '🔒',
  mag: '🔍', wave: '👋', link: '🔗', question: '❓', raising_hand: '🙋', large_green_circle: '🟢',
  red_circle: '🔴', white_circle: '⚪', bulb: '💡', tada: '🎉', octagonal_sign: '🛑', memo: '📝',
};

// A machine without an emoji font would show boxes; there the name is more use.
const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
canvas.canvas.width = canvas.canvas.height = 24;
const pixels = (glyph) => {
  canvas.clearRect(0, 0, 24, 24);
  canvas.font = '16px system-ui';
  canvas.fillText(glyph, 2, 18);
  return canvas.getImageData(0, 0, 24, 24).data.join();
};
const box = pixels('\u{10FFFE}');
const drawable = new Map();
function emoji(name) {
  const glyph = EMOJI[name];
  if (glyph && !drawable.has(glyph)) drawable.set(glyph, pixels([...glyph][0]) !== box);
  return glyph && drawable.get(glyph) ? glyph : `:${name}:`;
}
const plain = (text) => text.replace(/:([a-z0-9_+-]+):/g, (_, name) => emoji(name));

const ICONS = {
  lock: 'M5 7V5a3 3 0 0 1 6 0v2h1v7H4V7zm1.6 0h2.8V5a1.4 1.4 0 0 0-2.8 0z',
  up: 'M2 7h2v7H2zm3 0 3-6c1.500 0 2 1 1.700 2.300L9.300 6H14l-1 8H5z',
  down: 'M2 2h2v7H2zm3 0h8l1 8H9.300l.4 2.700C10 14 9.500 15 8 15L5 9z',
  clip: 'M11 4v7a3 3 0 0 1-6 0V4a2 2 0 0 1 4 0v6.500a1 1 0 0 1-2 0V5H6v5.500a2 2 0 0 0 4 0V4a3 3 0 0 0-6 0v7a4 4 0 0 0 8 0V4z',
};
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  for (const [key, value] of [['viewBox', '0 0 16 16'], ['class', 'icon'], ['aria-hidden', 'true']]) svg.setAttribute(key, value);
  path.setAttribute('d', ICONS[name]);
  path.setAttribute('fill-rule', 'evenodd');
  svg.append(path);
  return svg;
}
const unescaped = (text) => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

function anchor(url, words) {
  if (!/^(https?:|mailto:)/.test(url)) return document.createTextNode(words);
  return el('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, words);
}

function token(inner, names) {
  const [body, label] = inner.split('|');
  if (body.startsWith('@')) return el('span', { class: 'mention' }, '@' + (names[body.slice(1)] ?? label ?? body.slice(1)));
  if (body.startsWith('#')) return el('span', { class: 'mention' }, '#' + (label ?? names[body.slice(1)] ?? body.slice(1)));
  if (body.startsWith('!')) return el('span', { class: 'mention' }, label ?? '@' + body.slice(1));
  return anchor(unescaped(body), unescaped(label ?? body));
}

const MRKDWN = /<([^<>]+)>|`([^`\n]+)`|(?<![\w*])\*([^*\n]+)\*(?!\w)|(?<![\w_])_([^_\n]+)_(?!\w)|(?<!\w)~([^~\n]+)~(?!\w)/g;
const MARKDOWN = /\[([^\]]+)\]\(([^)\s]+)\)|`([^`\n]+)`|\*\*([^*\n]+)\*\*|(?<![\w_])_([^_\n]+)_(?!\w)|(?<!\*)\*([^*\n]+)\*(?!\*)/g;

function spans(text, pattern, make, words) {
  const out = [];
  let at = 0;
  for (const found of text.matchAll(pattern)) {
    out.push(words(text.slice(at, found.index)), make(found));
    at = found.index + found[0].length;
  }
  return [...out, words(text.slice(at))].filter((part) => part !== '');
}

function inlineMrkdwn(text, names) {
  return spans(text, MRKDWN, ([, link, code, bold, italic, struck]) => {
    if (link) return token(link, names);
    if (code) return el('code', {}, unescaped(code));
    if (bold) return el('strong', {}, inlineMrkdwn(bold, names));
    if (italic) return el('em', {}, inlineMrkdwn(italic, names));
    return el('s', {}, inlineMrkdwn(struck, names));
  }, (words) => plain(unescaped(words)));
}

function inlineMarkdown(text) {
  return spans(text, MARKDOWN, ([, label, url, code, bold, italic, starred]) => {
    if (label) return anchor(url, label);
    if (code) return el('code', {}, code);
    if (bold) return el('strong', {}, inlineMarkdown(bold));
    return el('em', {}, inlineMarkdown(italic ?? starred));
  }, plain);
}

function lines(text, inline, quote) {
  const box = el('div', { class: 'text' });
  for (const [number, part] of text.split('```').entries()) {
    if (number % 2) { box.append(el('pre', {}, unescaped(part.replace(/^\w*\n/, '')))); continue; }
    let list = null;
    for (const line of part.replace(/^\n|\n$/g, '').split('\n')) {
      const item = /^\s*(?:[-*•]|(\d+)[.)])\s+(.*)$/.exec(line);
      if (item) {
        if (!list) box.append(list = el(item[1] ? 'ol' : 'ul', item[1] ? { start: item[1] } : {}));
        list.append(el('li', {}, inline(item[2])));
        continue;
      }
      list = null;
      const heading = /^(#{1,4})\s+(.*)$/.exec(line);
      const quoted = quote.exec(line);
      if (heading) box.append(el('strong', { class: 'line' }, inline(heading[2])));
      else if (quoted) box.append(el('blockquote', {}, inline(quoted[1])));
      else box.append(el('span', { class: 'line' }, inline(line)));
    }
  }
  return box;
}

export const mrkdwn = (text, names) => lines(text, (part) => inlineMrkdwn(part, names), /^&gt;\s?(.*)$/);
export const markdown = (text) => lines(text, inlineMarkdown, /^>\s?(.*)$/);

function textObject(given, names) {
  if (!given) return null;
  if (typeof given === 'string') return el('span', {}, plain(given));
  return given.type === 'mrkdwn' ? mrkdwn(given.text, names) : el('span', {}, plain(given.text));
}

function richText(block, names) {
  const leaf = (part) => {
    if (part.type === 'link') return anchor(part.url, part.text ?? part.url);
    if (part.type === 'user') return el('span', { class: 'mention' }, '@' + (names[part.user_id] ?? part.user_id));
    if (part.type === 'emoji') return emoji(part.name);
    let node = document.createTextNode(part.text ?? '');
    for (const [style, tag] of [['code', 'code'], ['bold', 'strong'], ['italic', 'em'], ['strike', 's']]) {
      if (part.style?.[style]) node = el(tag, {}, node);
    }
    return node;
  };
  const section = (part) => {
    if (part.type === 'rich_text_list') return el(part.style === 'ordered' ? 'ol' : 'ul', {}, part.elements.map((one) => el('li', {}, section(one))));
    const tag = { rich_text_preformatted: 'pre', rich_text_quote: 'blockquote' }[part.type] ?? 'span';
    return el(tag, { class: 'line' }, part.elements.map(leaf));
  };
  return el('div', { class: 'text' }, (block.elements ?? []).map(section));
}

const TASK = { pending: ['○', 'to do'], in_progress: ['◌', 'working'], complete: ['✓', 'done'], error: ['!', 'failed'] };

function task(given, names) {
  const [mark, word] = TASK[given.status ?? 'pending'];
  return el('li', { class: `task ${given.status ?? 'pending'}`, 'data-task': given.task_id },
    el('span', { class: 'mark', role: 'img', 'aria-label': word }, mark),
    el('div', {}, el('span', { class: 'title' }, given.title), ' ', el('span', { class: 'word' }, word),
      given.details && el('div', { class: 'details' }, richText(given.details, names)),
      given.output && el('div', { class: 'output' }, richText(given.output, names)),
      given.sources?.length ? el('div', { class: 'sources' }, given.sources.map((one) => anchor(one.url, one.text))) : null));
}

function button(given, block, context, option, words, style) {
  const press = () => {
    if (given.confirm && !confirm(`${given.confirm.title.text}\n\n${given.confirm.text.text}`)) return;
    if (given.url) window.open(given.url, '_blank', 'noopener');
    context.press({ action_id: given.action_id, block_id: block.block_id, option });
  };
  return el('button', {
    type: 'button', class: `button ${style ?? ''}`, 'data-action-id': given.action_id,
    'aria-label': given.accessibility_label, onclick: press,
  }, ...(Array.isArray(words) ? words : [plain(words)]));
}

export function element(given, block, context) {
  switch (given.type) {
    case 'button': return button(given, block, context, null, given.text.text, given.style);
    case 'feedback_buttons': return el('span', { class: 'feedback' },
      button(given, block, context, 'positive', [icon('up'), given.positive_button.text.text]),
      button(given, block, context, 'negative', [icon('down'), given.negative_button.text.text]));
    case 'icon_button': return button(given, block, context, null, given.text?.text ?? given.icon ?? 'Delete');
    case 'plain_text': case 'mrkdwn': return textObject(given, context.names);
    case 'image': return el('span', { class: 'image' }, `[${given.alt_text}]`);
    default: return control(given, block, context);
  }
}

function control(given, block, context) {
  const attributes = { 'data-action-id': given.action_id, 'data-block-id': block.block_id, id: `in-${given.action_id}` };
  if (given.type.endsWith('_input')) {
    const tag = given.multiline || given.type === 'rich_text_input' ? 'textarea' : 'input';
    const node = el(tag, { ...attributes, rows: 6, maxlength: given.max_length, placeholder: given.placeholder?.text });
    node.value = given.initial_value ?? '';
    return node;
  }
  const options = given.options ?? [];
  if (given.type === 'radio_buttons' || given.type === 'checkboxes') {
    const type = given.type === 'checkboxes' ? 'checkbox' : 'radio';
    const chosen = [given.initial_option, ...(given.initial_options ?? [])].filter(Boolean).map((one) => one.value);
    return el('div', { ...attributes, role: 'group', 'data-kind': type }, options.map((one) =>
      el('label', {}, el('input', { type, name: given.action_id, value: one.value, checked: chosen.includes(one.value) }), ' ', textObject(one.text, context.names))));
  }
  if (given.type === 'datepicker') return el('input', { ...attributes, type: 'date', value: given.initial_date });
  const kept = given.initial_option?.value ?? '';
  const node = el('select', { ...attributes, multiple: given.type.startsWith('multi_'), 'aria-label': given.placeholder?.text },
    el('option', { value: '' }, given.placeholder?.text ?? 'Choose'),
    options.map((one) => el('option', { value: one.value, selected: one.value === kept }, one.text.text)),
    given.type.includes('users') ? Object.entries(context.names).map(([id, name]) => el('option', { value: id }, name)) : null);
  if (context.press && block.type !== 'input') node.addEventListener('change', () => node.value && context.press({ action_id: given.action_id, block_id: block.block_id, option: node.value }));
  return node;
}

export function draw(block, context) {
  const { names } = context;
  const each = (items) => (items ?? []).map((one) => element(one, block, context));
  switch (block.type) {
    case 'header': return el('h3', { class: 'header' }, plain(block.text.text));
    case 'section': return el('div', { class: 'section' },
      el('div', {}, textObject(block.text, names), block.fields && el('div', { class: 'fields' }, block.fields.map((one) => textObject(one, names)))),
      block.accessory && element(block.accessory, block, context));
    case 'actions': return el('div', { class: 'actions' }, each(block.elements));
    case 'context_actions': return el('div', { class: 'actions small' }, each(block.elements));
    case 'context': return el('div', { class: 'context' }, each(block.elements));
    case 'divider': return el('hr');
    case 'image': return el('p', { class: 'image' }, `[${block.alt_text}]`);
    case 'rich_text': return richText(block, names);
    case 'markdown': return markdown(block.text);
    case 'task_card': return el('ul', { class: 'plan lone' }, task(block, names));
    case 'plan': return el('details', { class: 'plan', open: true }, el('summary', {}, block.title), el('ul', {}, (block.tasks ?? []).map((one) => task(one, names))));
    case 'alert': return el('div', { class: `alert ${block.level ?? 'default'}` }, textObject(block.text, names));
    case 'card': return el('div', { class: 'card' }, el('strong', {}, textObject(block.title, names)), textObject(block.subtitle, names), textObject(block.body, names), el('div', { class: 'actions' }, each(block.actions)));
    case 'container': return el('div', { class: 'card' }, el('strong', {}, textObject(block.title, names)), (block.child_blocks ?? []).map((one) => draw(one, context)));
    case 'input': return el('div', { class: 'input' },
      el('label', { for: `in-${block.element.action_id}` }, block.label.text, block.optional ? ' (optional)' : ''),
      control(block.element, block, context), block.hint && el('small', {}, block.hint.text), el('small', { class: 'wrong', 'data-error': block.block_id }));
    default: return el('p', { class: 'context' }, `(${block.type})`);
  }
}
