// Reads a page of Markdown and prints what a renderer that allows HTML finds in
// it: { headings, html, links, fences, tags: { em: 2 }, text }.
import { readFileSync } from 'node:fs';
import MarkdownIt from 'markdown-it';

const found = { headings: [], html: [], links: [], fences: [], tags: {}, text: '' };
function look(tokens) {
  tokens.forEach((t, i) => {
    if (t.type === 'heading_open') found.headings.push(`${t.tag} ${tokens[i + 1].children.map((c) => c.content).join('')}`);
    if (t.type === 'html_block' || t.type === 'html_inline') found.html.push(t.content.trim());
    if (t.type === 'link_open' || t.type === 'image') found.links.push(t.attrGet('href') ?? t.attrGet('src'));
    if (t.type === 'fence' || t.type === 'code_block') found.fences.push(t.content);
    if (t.type.endsWith('_open')) found.tags[t.tag] = (found.tags[t.tag] ?? 0) + 1;
    if (t.type === 'text' || t.type === 'text_special' || t.type === 'code_inline') found.text += t.content;
    if (t.type === 'softbreak' || t.type === 'paragraph_close' || t.type === 'td_close') found.text += '\n';
    if (t.children) look(t.children);
  });
}
look(new MarkdownIt({ html: true }).parse(readFileSync(0, 'utf8'), {}));
console.log(JSON.stringify(found));
