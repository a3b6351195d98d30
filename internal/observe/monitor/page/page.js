// Shows what /events tells.
import { put } from './dom.js';
import { create, show, showHour } from './source.js';
import * as tables from './tables.js';
import { moment, size } from './words.js';

const sources = document.getElementById('sources');
const summary = document.getElementById('summary');
const clock = document.getElementById('clock');
const cards = new Map();
let hour = {};
let rejected = new Map();
let trouble = '';
let latest;

const supply = (name, card) => {
  if (hour[name]) showHour(card, hour[name]);
  card.latest(rejected.get(name));
};

const summarize = () => {
  if (!latest) return;
  const troubled = latest.sources.filter((s) => !s.well).map((s) => s.name);
  if (trouble) troubled.unshift('the database');
  put(summary, troubled.length ? 'Asks for attention: ' + troubled.join(', ')
    : latest.sources.length ? 'All is well' : 'There is no data source yet');
  document.title = (troubled.length ? '⚠ ' : '') + 'Metadb';
};

const receive = {
  view: (view) => {
    const now = Date.parse(view.time);
    const present = new Set(view.sources.map((s) => s.name));
    for (const [name, card] of cards) if (!present.has(name)) { card.root.remove(); cards.delete(name); }
    for (const s of view.sources) {
      if (!cards.has(s.name)) {
        cards.set(s.name, create(sources, s.name));
        supply(s.name, cards.get(s.name));
      }
      show(cards.get(s.name), s, now);
    }
    latest = view;
    summarize();
    put(clock, moment(view.time) + ' UTC');
  },
  hour: (all) => {
    hour = all;
    for (const [name, card] of cards) if (hour[name]) showHour(card, hour[name]);
  },
  detail: (detail) => {
    trouble = detail.trouble || '';
    summarize();
    const line = document.getElementById('trouble');
    line.hidden = !trouble;
    put(line, trouble && trouble + '. What is shown of tables and rejected events is old.');
    rejected = new Map(detail.rejected.map((r) => [r.source, r]));
    for (const [name, card] of cards) card.latest(rejected.get(name));
    tables.show(detail.tables);
    put(document.getElementById('size'), 'Database: ' + size(detail.bytes));
  },
};

const stream = new EventSource('/events');
for (const [kind, take] of Object.entries(receive)) stream.addEventListener(kind, (event) => take(JSON.parse(event.data)));
stream.onerror = () => put(summary, 'The server does not answer; what is shown may be old');
