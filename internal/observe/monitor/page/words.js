// Numbers and times in words.

const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export const number = (n) => plain.format(n);

export const size = (bytes) => {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  for (; bytes >= 1024 && unit < units.length - 1; unit++) bytes /= 1024;
  return number(bytes) + ' ' + units[unit];
};

export const age = (now, then) => {
  const s = Math.max(0, Math.round((now - then) / 1000));
  if (s < 120) return s + ' s ago';
  if (s < 7200) return Math.round(s / 60) + ' min ago';
  if (s < 172800) return Math.round(s / 3600) + ' h ago';
  return Math.round(s / 86400) + ' days ago';
};

export const moment = (text) => text.slice(0, 19).replace('T', ' ');

// kind is what is wrong with a rejected event.
export const kind = (word) => ({
  record: 'the record, or a value in it, can’t be read',
  table: 'its table can’t be made, or is somebody else’s',
  value: 'PostgreSQL refuses a value',
  waits: 'it waits for another rejected event of its row',
}[word] || 'see the reason');
