// A line over the last hour, 360 points, drawn from the right.
import { drawing, element, put } from './dom.js';
import { number } from './words.js';

const width = 360;
const height = 60;

export const chart = (parent, what) => {
  const figure = element('figure', parent);
  const svg = drawing('svg', figure);
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  const line = drawing('path', svg);
  const caption = element('figcaption', figure);
  return (values) => {
    const known = values.filter((v) => v >= 0);
    const top = Math.max(1, ...known);
    let pen = 'M'; // lifted where nobody knows
    const steps = values.map((v, i) => {
      if (v < 0) { pen = 'M'; return ''; }
      const step = pen + (width - values.length + i) + ' ' + (height - 2 - v / top * (height - 6)).toFixed(1);
      pen = 'L';
      return step;
    });
    line.setAttribute('d', steps.join(''));
    const words = `${what} over the last hour` + (known.length
      ? `: now ${number(known[known.length - 1])}, at most ${number(Math.max(...known))}` : ': nothing yet');
    if (svg.getAttribute('aria-label') !== words) svg.setAttribute('aria-label', words);
    put(caption, words);
  };
};
