// Building pages. Text goes in as text: no string ever becomes markup.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

// el("button", { class: "first", text: "Go", onclick }, child, child): falsy children are left out.
export function el(tag, facts = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(facts)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(made.dataset, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter(Boolean));
  return made;
}

export function icon(name, className = "icon") {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", className);
  made.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  made.append(use);
  return made;
}

export function button(text, onclick, facts = {}, ...children) {
  return el("button", { type: "button", onclick, ...facts }, ...children, el("span", { text }));
}

// Replaces what is inside only if it is different: a reader of the screen hears no echoes.
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function remembered(name, otherwise = "") {
  try {
    return localStorage.getItem(name) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Forbidden storage: the choice holds until the page is closed.
  }
}
