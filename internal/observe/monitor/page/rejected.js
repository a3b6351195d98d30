// Rejected events of a source: how many for which kind of reason, and where the
// latest are. Reasons and values are for SQL, with the rights of whoever asks.
import { element, row } from './dom.js';
import { kind, moment, number } from './words.js';

const query = (source) => `select rejected_time, reason, encode(key, 'escape') as key, encode(value, 'escape') as value
from metadb.rejected_event where source_name = '${source.replaceAll("'", "''")}'
order by id desc limit 5;`;

export const rejected = (parent, source) => {
  const root = element('div', parent);
  root.hidden = true;
  let last;
  return (told) => {
    const now = JSON.stringify(told);
    if (now === last) return; // somebody may be reading
    last = now;
    root.hidden = !told;
    root.replaceChildren();
    if (!told) return;
    element('h3', root).textContent = 'Rejected events';
    const kinds = element('ul', root);
    for (const k of told.kinds) element('li', kinds).textContent = `${number(k.count)}: ${kind(k.kind)}`;
    const box = element('div', root, 'wide');
    box.tabIndex = 0;
    box.setAttribute('role', 'region');
    box.setAttribute('aria-label', 'The latest rejected events of ' + source);
    const table = element('table', box);
    element('caption', table).textContent = 'The latest';
    row(element('thead', table), 'th', ['Rejected (UTC)', 'Table', 'Topic', 'Partition', 'Offset', 'Because']);
    const body = element('tbody', table);
    for (const e of told.latest) {
      row(body, 'td', [moment(e.time), e.table || 'unknown', e.topic, String(e.partition), String(e.offset), kind(e.kind)]);
    }
    const more = element('details', root);
    element('summary', more).textContent = 'Reasons and values, in SQL';
    element('pre', more).textContent = query(source);
  };
};
