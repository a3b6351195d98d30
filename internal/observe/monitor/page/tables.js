// The list of tables: filtered, and sorted by the column whose head is pressed.
import { element, put } from './dom.js';
import { moment, number, size } from './words.js';

const text = (get) => ({ get, cell: get, number: false });
const columns = [
  { title: 'Table', ...text((t) => t.name) },
  { title: 'Source', ...text((t) => t.source) },
  { title: 'From', ...text((t) => t.from || '') },
  { title: 'Current rows', get: (t) => t.current, cell: (t) => number(t.current), number: true },
  { title: 'History rows', get: (t) => t.history, cell: (t) => number(t.history), number: true },
  { title: 'Size', get: (t) => t.bytes, cell: (t) => size(t.bytes), number: true },
  { title: 'Last change', get: (t) => t.changed || '', cell: (t) => t.changed ? moment(t.changed) : 'unknown', number: true },
];

// most is how many rows are shown at a time.
const most = 500;

const root = document.getElementById('tables');
const head = root.querySelector('thead tr');
const body = root.querySelector('tbody');
const filter = document.getElementById('filter');
const shown = document.getElementById('shown');
let tables = [];
let by = 0;
let sign = 1;

const compare = (a, b) => {
  const x = columns[by].get(a);
  const y = columns[by].get(b);
  return sign * (x < y ? -1 : x > y ? 1 : 0);
};

const draw = () => {
  const wanted = filter.value.trim().toLowerCase();
  const found = tables.filter((t) => t.name.toLowerCase().includes(wanted) || t.source.toLowerCase().includes(wanted)).sort(compare);
  put(shown, found.length > most ? `${number(most)} of ${number(found.length)} tables` : `${number(found.length)} tables`);
  const rows = document.createDocumentFragment();
  for (const t of found.slice(0, most)) {
    const line = element('tr', rows);
    columns.forEach((c, i) => {
      const cell = element(i ? 'td' : 'th', line, c.number ? 'number' : '');
      if (!i) cell.scope = 'row';
      cell.textContent = c.cell(t);
    });
  }
  body.replaceChildren(rows);
  columns.forEach((c, i) => {
    if (i === by) c.head.setAttribute('aria-sort', sign > 0 ? 'ascending' : 'descending');
    else c.head.removeAttribute('aria-sort');
  });
};

columns.forEach((c, i) => {
  c.head = element('th', head, c.number ? 'number' : '');
  c.head.scope = 'col';
  const button = element('button', c.head);
  button.type = 'button';
  button.textContent = c.title;
  button.addEventListener('click', () => {
    sign = by === i ? -sign : c.number ? -1 : 1;
    by = i;
    draw();
  });
});
filter.addEventListener('input', draw);

export const show = (list) => {
  root.hidden = !list.length;
  tables = list;
  draw();
};
