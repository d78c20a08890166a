// What lights up: a place is a word, or a word and what it looks at; a click pins it, the pointer and the keyboard
// point at it meanwhile.

let pinned = null;
let pointed = null;

const same = (a, b) => a?.row === b?.row && a?.column === b?.column;
const numberOf = (text) => (text ? Number(text) : null);

/** The place that an element stands for: {row, column}, one of them null for a word; null for no place. */
function placeOf(element) {
  const found = element instanceof Element && element.closest("[data-row], [data-column]");
  return found ? { row: numberOf(found.dataset.row), column: numberOf(found.dataset.column) } : null;
}

function pointAt(place) {
  if (same(place, pointed)) return;
  pointed = place;
  light();
}

function pin(place) {
  pinned = same(place, pinned) ? null : place;
  pointed = null;
  light();
}

/** What stands below each head, by what is in focus. */
const NOTES = {
  row: (unit) => `Below each head: where it looks most for this ${unit}.`,
  column: (unit) => `Below each head: which ${unit} looks here most.`,
  both: () => "Below each head: its attention for this pair.",
  none: () => `Below each head: how much rests on ${rest(weights).label}.`,
};

/** Light up the place in focus everywhere: among the words, under each head, in the table, in a sentence. */
function light() {
  const { row, column } = pointed ?? pinned ?? { row: null, column: null };
  if (row !== null && row !== state.word) {
    state.word = row;
    if (state.view === "word") fillTable();
  }
  for (const button of $("#columns").children) {
    const s = Number(button.dataset.column);
    lightWord(button, row === null ? null : weights[row][s], s === column);
  }
  for (const button of $("#rows").children) {
    const t = Number(button.dataset.row);
    lightWord(button, row !== null || column === null ? null : weights[t][column], t === row);
  }
  for (const one of heads) lightHead(one, row, column);
  const focus = row === null ? (column === null ? "none" : "column") : column === null ? "row" : "both";
  $("#heads-note").textContent = NOTES[focus](unit());
  lightTable(row, column);
  drawLinks(row, column);
  $("#said").replaceChildren(...say(row, column));
}

function lightWord(button, weight, isPlace) {
  shade(button, weight);
  button.lastChild.textContent = weight === null ? "" : `${percent(weight)}%`;
  button.classList.toggle("lit", isPlace);
  button.setAttribute("aria-pressed", same(placeOf(button), pinned));
}

/** Outline the place in a head's thumbnail, and tell its strongest weight there. */
function lightHead(one, row, column) {
  const span = (at, n) => (at === null ? [0, 100] : [(100 * at) / n, 100 / n]);
  const [top, height] = span(row, map.rows.length);
  const [left, width] = span(column, map.columns.length);
  one.mark.hidden = row === null && column === null;
  Object.assign(one.mark.style, { top: `${top}%`, height: `${height}%`, left: `${left}%`, width: `${width}%` });
  const note = headNote(one.weights, row, column);
  const share = `${percent(note.weight)}%`;
  one.note.replaceChildren(make("bdi", {}, one.mark.hidden ? "" : note.label), make("span", {}, share));
  const role = one.role.textContent && `, ${one.role.textContent}`;
  one.button.title = `${one.name}${role}: ${note.label} ${share}`;
  one.button.setAttribute("aria-label", one.button.title);
}

function headNote(matrix, row, column) {
  if (row !== null) {
    const s = column ?? strongest(matrix[row])[0];
    return { label: map.columns[s], weight: matrix[row][s] };
  }
  if (column !== null) {
    const [t] = strongest(columnOf(matrix, column));
    return { label: map.rows[t], weight: matrix[t][column] };
  }
  return rest(matrix);
}

/** How much of the words' weights rests on the mark of the sentence's end or beginning.
    The mark's own row is left out, and a row that sees one key alone. */
function rest(matrix) {
  const s = map.columns.findIndex((label) => specials.includes(label));
  const hasChoice = (row, t) => !specials.includes(map.rows[t]) && row.filter((weight) => weight > 0).length > 1;
  const rows = matrix.filter(hasChoice);
  const counted = rows.length ? rows : matrix;
  return { label: map.columns[s], weight: sum(columnOf(counted, s)) / counted.length };
}

function lightTable(row, column) {
  const line = state.view === "word" ? null : row; // there each row is a head
  $("#table").dataset.lit = line === null ? "column" : column === null ? "row" : "cell";
  for (const cell of $("#table").querySelectorAll("td[data-column]")) {
    const { row: t, column: s } = placeOf(cell);
    cell.classList.toggle("lit", (line ?? column) !== null && (line ?? t) === t && (column ?? s) === s);
  }
  for (const head of $("#table").querySelectorAll("th:not([data-layer] th)")) {
    const { row: t, column: s } = placeOf(head);
    head.classList.toggle("lit", t === null ? s === column : t === line);
  }
}

/** Draw a line from each key to each query that looks at it, as thick as the weight. */
function drawLinks(row, column) {
  const frame = $("#figure").getBoundingClientRect();
  const upright = $("main").classList.contains("upright");
  const [keys, queries] = [$("#columns"), $("#rows")].map((line) =>
    [...line.children].map((word) => word.getBoundingClientRect()),
  );
  const paths = [];
  weights.forEach((list, t) =>
    list.forEach((weight, s) => {
      if ((row ?? t) !== t || (column ?? s) !== s || weight < 0.03) return;
      const [key, query] = [keys[s], queries[t]];
      const from = upright ? [key.right, key.top + key.height / 2] : [key.left + key.width / 2, key.bottom];
      const to = upright ? [query.left, query.top + query.height / 2] : [query.left + query.width / 2, query.top];
      const [x1, y1, x2, y2] = [from[0] - frame.left, from[1] - frame.top, to[0] - frame.left, to[1] - frame.top];
      const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2];
      const bend = upright ? `${x} ${y1} ${x} ${y2}` : `${x1} ${y} ${x2} ${y}`;
      const path = shape("path", { d: `M${x1} ${y1}C${bend} ${x2} ${y2}` });
      path.style.strokeWidth = `${1 + 6 * weight}px`;
      path.style.opacity = 0.12 + 0.78 * weight;
      paths.push(path);
    }),
  );
  $("#links").replaceChildren(...paths);
}

/** Say in words what is lit: for the eye, and for a screen reader, which reads it out. */
function say(row, column) {
  const word = (label) => make("bdi", {}, label);
  const list = (labels, shares) => {
    const [first, ...others] = strongest(shares);
    const told = [first, ...others.slice(0, 3).filter((i) => shares[i] >= 0.05)];
    return told.flatMap((i, n) => [n ? ", " : "", word(labels[i]), ` ${percent(shares[i])}%`]);
  };
  if (row !== null && column !== null) {
    const share = `${percent(weights[row][column])}%`;
    return [word(map.rows[row]), " looks at ", word(map.columns[column]), ` with ${share} of its attention.`];
  }
  if (row !== null) return [word(map.rows[row]), " looks at ", ...list(map.columns, weights[row]), "."];
  if (column !== null) {
    const shares = columnOf(weights, column);
    return [word(map.columns[column]), " is looked at by ", ...list(map.rows, shares), "."];
  }
  const { label, weight } = rest(weights);
  return [`On average ${percent(weight)}% of a ${unit()}’s attention rests on `, word(label), "."];
}

// The keyboard: one Tab stop for each line of words, for the heads and for the table; arrows walk within.

/** Let Tab stop at an element instead of another one. */
function moveTo(from, to) {
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

const STEPS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };

function walkWords(word, key) {
  const words = [...word.parentElement.children];
  const leftwards = getComputedStyle(word.parentElement).direction === "rtl" ? -1 : 1;
  const [down, right] = STEPS[key] ?? [0, 0];
  const at = words.indexOf(word) + down + right * leftwards;
  const to = key === "Home" ? 0 : key === "End" ? words.length - 1 : at;
  if (words[to]) moveTo(word, words[to]);
}

function walkHeads(button, key) {
  const at = heads.findIndex((one) => one.button === button);
  const inLayer = map.weights[0].length + 1;
  const [down, right] = STEPS[key] ?? [0, 0];
  let to = at + right + down * inLayer;
  if (down && at === 0) to = 1;
  if (key === "Home" || to < 0) to = 0;
  if (key === "End") to = heads.length - 1;
  if (!heads[to]) return;
  [state.layer, state.head] = [heads[to].layer, heads[to].head];
  choose();
  moveTo(button, heads[to].button);
}

function walkTable(cell, key) {
  const [down, right] = STEPS[key] ?? [0, 0];
  const row = $("#table").rows[cell.parentElement.rowIndex + down];
  const at = { Home: 0, End: map.columns.length }[key] ?? cell.cellIndex + right;
  const to = row?.cells[at];
  if (to?.hasAttribute("tabindex")) moveTo(cell, to);
}

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (key === "Escape") {
    [pinned, pointed] = [null, null];
    return light();
  }
  const walk = { word: walkWords, head: walkHeads, TH: walkTable, TD: walkTable };
  const step = walk[target.classList.item(0)] ?? walk[target.tagName];
  if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
  if (key in STEPS || key === "Home" || key === "End") {
    event.preventDefault();
    step(target, key);
  } else if (step === walkTable && (key === "Enter" || key === " ")) {
    event.preventDefault();
    target.click();
  }
});

// The pointer. A finger taps: it holds what it touched until the next tap.

document.addEventListener("pointermove", (event) => event.pointerType !== "touch" && pointAt(placeOf(event.target)));
document.addEventListener("focusin", (event) => pointAt(placeOf(event.target)));
document.addEventListener("focusout", (event) => event.relatedTarget ?? pointAt(null));
document.addEventListener("click", ({ target }) => {
  const head = target.closest("[data-layer]");
  if (head) {
    [state.layer, state.head] = [numberOf(head.dataset.layer), numberOf(head.dataset.head)];
    choose();
  } else if (placeOf(target)) pin(placeOf(target));
});

document.addEventListener("change", ({ target }) => {
  if (!target.name) return; // the slider of history.js
  state[target.name] = target.name === "sentence" ? Number(target.value) : target.value;
  if (target.name === "view") return choose();
  [pinned, pointed] = [null, null];
  build();
});

darkness.addEventListener("change", choose);
new ResizeObserver(() => {
  arrange();
  light();
}).observe($("main"));

// Marks of isolation around each: an option has no place for elements, and a text's direction is its own.
const isolated = (text) => `\u2068${text}\u2069`;
$("#sentence").append(
  ...sentences.map(([{ source, target }], i) => {
    return make("option", { value: i }, `${isolated(source)} → ${isolated(target)}`);
  }),
);
$("#chooser").hidden = sentences.length === 1;
build();
