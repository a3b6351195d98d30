// The card of a source.
import { chart } from './chart.js';
import { element, put } from './dom.js';
import { progress } from './progress.js';
import { rejected } from './rejected.js';
import { age, moment, number } from './words.js';

const pair = (list, title) => {
  const box = element('div', list);
  element('dt', box).textContent = title;
  return element('dd', box);
};

let made = 0;

export const create = (parent, name) => {
  const root = element('section', parent);
  const title = element('h2', root);
  title.textContent = name;
  title.id = 'source-' + made++;
  root.setAttribute('aria-labelledby', title.id);
  const state = element('p', root, 'state');
  const message = element('p', root, 'message');
  const advice = element('ul', root);
  const list = element('dl', root);
  const card = {
    root, state, message, advice, lag: pair(list, 'Events waiting'), rate: pair(list, 'Events a second'),
    age: pair(list, 'Last event'), rejected: pair(list, 'Rejected'), marks: [],
  };
  card.rate.textContent = '…';
  card.resync = progress(root, name);
  const charts = element('div', root, 'charts');
  card.lags = chart(charts, 'Events waiting');
  card.rates = chart(charts, 'Events a second');
  card.latest = rejected(root, name);
  return card;
};

const level = (s) => s.stream === 'error' || s.stream === 'gap' ? 'bad'
  : !s.well ? 'warn' : s.stream === 'active' ? 'good' : 'idle';

// rate is over the last ten seconds or so, from the counts themselves.
const rate = (card, now, events) => {
  const marks = card.marks;
  if (marks.length && events < marks[marks.length - 1].events) marks.length = 0;
  marks.push({ now, events });
  if (marks.length > 6) marks.shift();
  const passed = (now - marks[0].now) / 1000;
  return passed > 0 ? (events - marks[0].events) / passed : null;
};

// showHour draws the charts, and the rate where it is not known any better yet.
export const showHour = (card, series) => {
  card.lags(series.lags);
  card.rates(series.rates);
  if (card.marks.length < 2 && series.rates.length) put(card.rate, number(series.rates[series.rates.length - 1]));
};

export const show = (card, s, now) => {
  card.root.dataset.level = level(s);
  put(card.state, s.stream + (s.sync === 'normal' ? '' : ', ' + s.sync.replace('_', ' ')));
  put(card.lag, s.lag === null ? 'unknown' : number(s.lag));
  const perSecond = rate(card, now, s.events);
  if (perSecond !== null) put(card.rate, number(perSecond));
  put(card.age, s.last_event ? age(now, Date.parse(s.last_event)) : 'none yet');
  put(card.rejected, number(s.rejected));
  card.resync(s.resync);
  card.message.hidden = !s.message;
  put(card.message, s.message && s.since ? `${s.message} (since ${moment(s.since)} UTC)` : s.message);
  const advice = s.advice || [];
  card.advice.hidden = !advice.length;
  if (card.said !== advice.join('\n')) {
    card.said = advice.join('\n');
    card.advice.replaceChildren();
    for (const line of advice) element('li', card.advice).textContent = line;
  }
};
