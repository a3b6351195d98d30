// Making and changing elements. All text goes in as text, never as markup.

export const element = (name, parent, cls) => {
  const made = document.createElement(name);
  if (cls) made.className = cls;
  parent.append(made);
  return made;
};

// put changes a text only where it differs: a screen reader hears changes.
export const put = (node, text) => { if (node.textContent !== text) node.textContent = text; };

export const drawing = (name, parent) => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  parent.append(made);
  return made;
};

// row adds a row with these texts to a table.
export const row = (body, cell, texts) => {
  const made = element('tr', body);
  for (const text of texts) element(cell, made).textContent = text;
  return made;
};
