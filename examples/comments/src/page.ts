// What every part of the page writes with.

/** The element of that id: the page is ours, so it is there. */
export const $ = <E extends Element = HTMLElement>(id: string): E => document.getElementById(id) as unknown as E;

export function entry(title: string, text: string, at: number): HTMLElement {
  const make = (tag: string, text: string): HTMLElement => Object.assign(document.createElement(tag), { textContent: text });
  const row = document.createElement('li');
  row.append(make('time', new Date(at).toLocaleTimeString()), make('b', title), make('p', text));
  return row;
}

/** Puts a row on top, and returns those that had to go for it. */
export function keep(list: HTMLElement, row: HTMLElement, most: number): Element[] {
  list.prepend(row);
  const gone = [...list.children].slice(most);
  for (const r of gone) r.remove();
  return gone;
}
