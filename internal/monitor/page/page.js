'use strict';
// Shows what /events tells. All text goes in as text, never as markup.
(() => {
  const sources = document.getElementById('sources');
  const summary = document.getElementById('summary');
  const clock = document.getElementById('clock');
  const cards = new Map();
  const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

  const element = (name, parent, cls) => {
    const made = document.createElement(name);
    if (cls) made.className = cls;
    parent.append(made);
    return made;
  };
  // put changes a text only where it differs: a screen reader hears changes.
  const put = (node, text) => { if (node.textContent !== text) node.textContent = text; };

  const pair = (list, title) => {
    const box = element('div', list);
    element('dt', box).textContent = title;
    return element('dd', box);
  };

  const create = (name) => {
    const root = element('section', sources);
    const title = element('h2', root);
    title.textContent = name;
    title.id = 'source-' + cards.size;
    root.setAttribute('aria-labelledby', title.id);
    const state = element('p', root, 'state');
    const list = element('dl', root);
    const card = {
      root, state, lag: pair(list, 'Events waiting'), rate: pair(list, 'Events a second'),
      age: pair(list, 'Last event'), rejected: pair(list, 'Rejected'), marks: [],
    };
    const figure = element('figure', root);
    card.chart = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    card.chart.setAttribute('viewBox', '0 0 360 60');
    card.chart.setAttribute('preserveAspectRatio', 'none');
    card.chart.setAttribute('role', 'img');
    card.line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
    card.chart.append(card.line);
    figure.append(card.chart);
    card.caption = element('figcaption', figure);
    card.resync = element('div', root);
    card.bar = element('progress', card.resync);
    card.bar.setAttribute('aria-label', 'Synchronization of ' + name);
    card.words = element('p', card.resync, 'words');
    card.message = element('p', root, 'message');
    card.advice = element('ul', root);
    return card;
  };

  const level = (s) => s.stream === 'error' || s.stream === 'gap' ? 'bad'
    : !s.well ? 'warn' : s.stream === 'active' ? 'good' : 'idle';

  const age = (now, then) => {
    const s = Math.max(0, Math.round((now - then) / 1000));
    if (s < 120) return s + ' s ago';
    if (s < 7200) return Math.round(s / 60) + ' min ago';
    if (s < 172800) return Math.round(s / 3600) + ' h ago';
    return Math.round(s / 86400) + ' days ago';
  };

  // rate is over the last ten seconds or so, from the counts themselves.
  const rate = (card, now, events) => {
    const marks = card.marks;
    if (marks.length && events < marks[marks.length - 1].events) marks.length = 0;
    marks.push({ now, events });
    if (marks.length > 6) marks.shift();
    const passed = (now - marks[0].now) / 1000;
    return passed > 0 ? (events - marks[0].events) / passed : null;
  };

  const draw = (card, rates) => {
    const top = Math.max(1, ...rates);
    const points = rates.map((r, i) => (360 - rates.length + i) + ',' + (58 - r / top * 54).toFixed(1)).join(' ');
    card.line.setAttribute('points', points);
    const words = rates.length ? 'Events a second over the last hour, at most ' + number.format(Math.max(...rates))
      : 'Events a second over the last hour: nothing yet';
    card.chart.setAttribute('aria-label', words);
    put(card.caption, words);
  };

  const show = (card, s, now) => {
    card.root.dataset.level = level(s);
    put(card.state, s.stream + (s.sync === 'normal' ? '' : ', ' + s.sync.replace('_', ' ')));
    put(card.lag, s.lag === null ? 'unknown' : number.format(s.lag));
    const perSecond = rate(card, now, s.events);
    put(card.rate, perSecond === null ? '…' : number.format(perSecond));
    put(card.age, s.last_event ? age(now, Date.parse(s.last_event)) : 'none yet');
    put(card.rejected, number.format(s.rejected));
    draw(card, s.rates);
    card.resync.hidden = !s.resync;
    if (s.resync) {
      card.bar.max = Math.max(1, s.resync.expected);
      card.bar.value = s.resync.confirmed;
      put(card.words, s.resync.words);
    }
    card.message.hidden = !s.message;
    put(card.message, s.message);
    card.advice.hidden = !s.advice;
    const advice = s.advice || [];
    if (card.said !== advice.join('\n')) {
      card.said = advice.join('\n');
      card.advice.replaceChildren();
      for (const line of advice) element('li', card.advice).textContent = line;
    }
  };

  const receive = (view) => {
    const now = Date.parse(view.time);
    const present = new Set(view.sources.map((s) => s.name));
    for (const [name, card] of cards) if (!present.has(name)) { card.root.remove(); cards.delete(name); }
    for (const s of view.sources) {
      if (!cards.has(s.name)) cards.set(s.name, create(s.name));
      show(cards.get(s.name), s, now);
    }
    const troubled = view.sources.filter((s) => !s.well).map((s) => s.name);
    put(summary, !view.sources.length ? 'There is no data source yet'
      : troubled.length ? 'Asks for attention: ' + troubled.join(', ') : 'All is well');
    put(clock, view.time.slice(0, 19).replace('T', ' ') + ' UTC');
  };

  const stream = new EventSource('/events');
  stream.onmessage = (event) => receive(JSON.parse(event.data));
  stream.onerror = () => put(summary, 'The server does not answer; what is shown may be old');
})();
