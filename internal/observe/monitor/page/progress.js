// How far a resynchronization has come, as a whole and table by table.
import { element, put } from './dom.js';
import { number } from './words.js';

const bar = (parent, label) => {
  const made = element('progress', parent);
  made.setAttribute('aria-label', label);
  return made;
};

// grouped makes long numbers easier to read.
const grouped = (words) => words.replace(/\d{5,}/g, (n) => number(Number(n)));

const tables = (n) => n === 1 ? '1 table' : number(n) + ' tables';

const fill = (progress, of) => {
  progress.max = Math.max(1, of.expected);
  progress.value = Math.min(of.confirmed, progress.max);
};

export const progress = (parent, name) => {
  const root = element('div', parent);
  element('h3', root).textContent = 'Synchronization';
  const whole = bar(root, 'Synchronization of ' + name);
  const words = element('p', root, 'words');
  const list = element('ul', root, 'progress');
  const rest = element('p', root, 'words');
  const lines = new Map();
  return (resync) => {
    root.hidden = !resync;
    if (!resync) return;
    fill(whole, resync);
    put(words, grouped(resync.words));
    const present = new Set(resync.tables.map((t) => t.name));
    for (const [table, line] of lines) if (!present.has(table)) { line.root.remove(); lines.delete(table); }
    resync.tables.forEach((t, i) => {
      if (!lines.has(t.name)) {
        const item = element('li', list);
        element('span', item).textContent = t.name;
        lines.set(t.name, { root: item, bar: bar(item, 'Table ' + t.name), words: element('span', item, 'words') });
      }
      const line = lines.get(t.name);
      if (list.children[i] !== line.root) list.insertBefore(line.root, list.children[i]);
      fill(line.bar, t);
      put(line.words, grouped(t.words));
    });
    list.hidden = !resync.tables.length;
    const said = [];
    if (resync.more) said.push(`not shown: ${tables(resync.more)}`);
    if (resync.done) said.push(`wholly confirmed: ${tables(resync.done)}`);
    rest.hidden = !said.length;
    put(rest, said.join('; '));
  };
};
