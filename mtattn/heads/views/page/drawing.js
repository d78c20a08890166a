// What stands on the page: words, heads, the table. What lights up in it is the matter of pointing.js.

const $ = (selector) => document.querySelector(selector);

/** Make an element. Text goes in as text: nothing is ever read as HTML. */
const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);

/** Make a part of a drawing. */
const shape = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// A sentence is a list of records: one, or one for each validation of a training, of which `validations` tells more.
const { sentences, validations, start, specials, colours } = JSON.parse($("#data").textContent);
const darkness = matchMedia("(prefers-color-scheme: dark)");

/** What is chosen; layer and head from 1, null = the mean. `word` is the row that one word's view shows. */
const state = { sentence: 0, at: Math.max(0, validations.length - 1), ...start, view: "head", word: 0 };
let map; // of the sentence, kind and unit: labels, and the weights of all heads
let weights; // the matrix of the chosen head
let heads; // all that can be chosen: each with its matrix, its name and its button

const record = () => sentences[state.sentence][state.at];
const mapToShow = () => {
  const { rows, columns, ...rest } = record()[state.unit][state.kind];
  return { rows: rows.map(visible), columns: columns.map(visible), ...rest };
};
const unit = () => (state.unit === "words" ? "word" : "piece");
const isChosen = (one) => one.layer === state.layer && one.head === state.head;
const scale = () => colours[darkness.matches ? "dark" : "light"]; // for each percent [paper, ink]

/** Colour an element by a weight; null = not at all. */
function shade(element, weight) {
  [element.style.backgroundColor, element.style.color] = weight === null ? ["", ""] : scale()[percent(weight)];
}

/** Draw all anew: another sentence, kind or unit. */
function build() {
  map = mapToShow();
  if (state.layer > map.weights.length) state.layer = null; // encoder and decoder may differ
  state.word = 0;
  const kind = KINDS[state.kind];
  document.title = `${record().source} – attention heads`;
  $("#columns-title").textContent = `keys: ${kind.columns(unit())}`;
  const switches = Object.entries(record().untouched?.switches ?? {});
  const switched = switches.flatMap(([what, heads]) => heads.map((head) => `${what} ${head}`)).join(", ");
  const given = record().forced ? " (given)" : "";
  $("#rows-title").textContent =
    `queries: ${kind.rows(unit())}${given}${switched ? `; heads switched: ${switched}` : ""}`;
  for (const side of ["column", "row"]) {
    $(`#${side}s`).replaceChildren(...map[`${side}s`].map((label, i) => wordButton(label, `data-${side}`, i)));
  }
  $("#overview-title").textContent = `All heads of ${kind.title.toLowerCase()}`;
  buildHeads();
  choose();
}

function wordButton(label, place, i) {
  const attributes = { type: "button", class: "word", tabindex: i ? -1 : 0, [place]: i };
  const button = make("button", attributes, make("span", { class: "label" }, label), make("span", { class: "share" }));
  if (specials.includes(label)) {
    button.classList.add("special");
    button.dir = "ltr"; // the line takes its direction from the words alone
  }
  return button;
}

function buildHeads() {
  const layers = [null, ...map.weights.keys()].map((layer) => (layer === null ? null : layer + 1));
  heads = layers.flatMap((layer) => {
    const numbers = layer === null ? [] : [...map.weights[0].keys()].map((head) => head + 1);
    return [null, ...numbers].map((head) => headOf(layer, head));
  });
  const lines = layers.map((layer) => {
    const buttons = heads.filter((one) => one.layer === layer).map((one) => one.button);
    const title = make("p", {}, layer ? `layer ${layer}` : "all");
    return make("div", { class: "layer" }, title, make("div", {}, ...buttons));
  });
  lines[0].append(make("p", { id: "heads-note" }));
  $("#heads").style.setProperty("--n", map.weights[0].length + 1);
  $("#heads").replaceChildren(...lines);
}

function headOf(layer, head) {
  const canvas = make("canvas", { width: map.columns.length, height: map.rows.length });
  const mark = make("i");
  const thumb = make("span", { class: "thumb", "aria-hidden": true }, canvas, mark);
  thumb.style.aspectRatio = Math.min(2, Math.max(0.6, map.columns.length / map.rows.length));
  const note = make("span", { class: "note" });
  const role = make("span", { class: "role" });
  const title = make("b", {}, head ? `${layer}.${head}` : "mean");
  const about = { type: "button", role: "radio", class: "head", "data-layer": layer ?? "", "data-head": head ?? "" };
  const button = make("button", about, title, " ", role, thumb, note);
  button.classList.toggle("muted", head !== null && isMuted(map, layer, head));
  const name = nameOf(map, state.kind, layer, head);
  const short = head ? name : `mean of ${layer ? `layer ${layer}` : "all"}`;
  return { layer, head, name, short, weights: select(map, layer, head), button, role, canvas, mark, note };
}

function drawThumb({ canvas, weights }) {
  const context = canvas.getContext("2d");
  weights.forEach((row, t) =>
    row.forEach((weight, s) => {
      [context.fillStyle] = scale()[percent(weight)];
      context.fillRect(s, t, 1, 1);
    }),
  );
}

/** Show the chosen head. */
function choose() {
  weights = select(map, state.layer, state.head);
  $("#pair-title").textContent = `${KINDS[state.kind].title}: ${inWords(map, state.layer, state.head)}`;
  for (const choice of ["kind", "unit", "view"]) $(`input[name=${choice}][value=${state[choice]}]`).checked = true;
  for (const one of heads) {
    drawThumb(one);
    one.button.setAttribute("aria-checked", isChosen(one));
    one.button.tabIndex = isChosen(one) ? 0 : -1;
  }
  // A head over all layers has no button of its own: the first is where Tab arrives.
  if (!heads.some(isChosen)) heads[0].button.tabIndex = 0;
  $("#scale").style.background = `linear-gradient(to right, ${scale().map(([paper]) => paper)})`;
  showFrame();
  fillTable();
  arrange();
  light();
}

/** Fill the table: the chosen head's weights for every word, or one word's in every head. */
function fillTable() {
  const table = $("#table");
  const everyHead = state.view === "word";
  const label = make("bdi", {}, map.rows[state.word]);
  const name = nameOf(map, state.kind, state.layer, state.head);
  $("#matrix-title").replaceChildren(...(everyHead ? ["“", label, `” in every head of ${state.kind}`] : [name]));
  const meaning = everyHead ? () => `A row is one head: where it looks for this ${unit()}.` : KINDS[state.kind].meaning;
  $("#table-note").textContent = `${meaning(unit())} Numbers are percent, each rounded by itself: a row sums to 100, or nearly.`;

  const lines = everyHead
    ? heads.map((one) => tableRow(one.short, one.weights[state.word], state.word, one))
    : map.rows.map((row, t) => tableRow(row, weights[t], t));
  const top = map.columns.map((column, s) => header("col", column, { "data-column": s }));
  const stop = table.contains(document.activeElement) && document.activeElement;
  const [r, c] = stop ? [stop.parentElement.rowIndex, stop.cellIndex] : [1, 0];
  table.replaceChildren(make("thead", {}, make("tr", {}, make("td"), ...top)), make("tbody", {}, ...lines));
  table.rows[r].cells[c].tabIndex = 0;
  if (stop) table.rows[r].cells[c].focus();
}

function tableRow(label, row, t, one = null) {
  const about = one && { "data-layer": one.layer ?? "", "data-head": one.head ?? "" };
  const tr = make("tr", about ?? {}, header("row", label, one ? {} : { "data-row": t }));
  tr.append(...row.map((weight, s) => cell(weight, t, s)));
  if (one && isChosen(one)) tr.className = "chosen";
  return tr;
}

function header(scope, label, attributes) {
  return make("th", { scope, tabindex: -1, ...attributes }, make("span", {}, label));
}

function cell(weight, t, s) {
  const td = make("td", { tabindex: -1, "data-row": t, "data-column": s });
  if (masked(map, t, s)) {
    td.className = "masked";
    td.append(make("span", { class: "unseen" }, "not seen"));
  } else {
    td.append(String(percent(weight)));
    td.classList.toggle("none", percent(weight) === 0);
    shade(td, weight);
  }
  return td;
}

/** Fit what is wide: words in two lines, else in two columns; the table's headings level, else upright, else small. */
function arrange() {
  const main = $("main");
  main.classList.remove("upright");
  main.classList.toggle("upright", [$("#columns"), $("#rows")].some((line) => line.scrollWidth > line.clientWidth));
  const table = $("#table");
  table.className = "";
  for (const narrower of ["tall", "small"]) {
    if (table.offsetWidth > table.parentElement.clientWidth) table.classList.add(narrower);
  }
}
