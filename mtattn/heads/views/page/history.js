// The validations of a training: a slider turns the page to one of them, a button to one after another. What was
// measured at each stands in `validations`; where there are none, nothing of this is shown.

const PAUSE_MS = 1000;
const stillness = matchMedia("(prefers-reduced-motion: reduce)");
let playing = null; // the timer

const validation = () => validations[state.at];

/** The numbers of a head that are shown, and what they are called; all are from 0 to 1. */
const NUMBERS = {
  aer: "alignment error rate, by the word written",
  aer_read: "alignment error rate, by the word read",
  entropy: "entropy",
  confidence: "confidence: its greatest weight",
  special: "share on </s>, in the decoder on <s>",
  previous: "share on the position before its own",
  same: "share on its own position",
  next: "share on the position behind its own",
  punctuation: "share on punctuation",
};

/** What was measured of a head at a validation; undefined for a mean. */
const cardOf = ({ layer, head }, at = state.at) => {
  const name = `${state.kind}.${layer}.${head}`;
  return validations[at]?.heads.find((card) => card.head === name);
};

/** Turn to a validation. What is pinned stays where the words stay the same. */
function turn(to) {
  const before = map;
  state.at = to;
  map = mapToShow();
  const labels = ({ rows, columns }) => JSON.stringify([rows, columns]);
  if (labels(map) === labels(before)) {
    for (const one of heads) one.weights = select(map, one.layer, one.head);
    choose();
  } else {
    [pinned, pointed] = [null, null];
    build();
  }
}

/** Show where the training is, and what is measured there. */
function showFrame() {
  if (!validations.length) return;
  const { step, dev_bleu_greedy: bleu, translations } = validation();
  const told = `step ${step.toLocaleString("en")}, BLEU ${bleu.toFixed(1)}`;
  $("#frame").value = state.at;
  $("#frame").setAttribute("aria-valuetext", told);
  $("#step").textContent = told;
  $("#wrote").replaceChildren("The model writes: ", make("bdi", {}, translations[state.sentence]));
  for (const one of heads) one.role.textContent = cardOf(one)?.role ?? "";
  showRoles();
  showNumbers();
}

/** A row a head, a column a validation; a role stands out where it is new. */
function showRoles() {
  const names = heads.filter((one) => cardOf(one));
  const current = (i) => (i === state.at ? { "aria-current": "step" } : {});
  const top = validations.map(({ step }, i) => make("th", { scope: "col", ...current(i) }, step.toLocaleString("en")));
  const lines = names.map((one) => {
    const roles = validations.map((_, i) => cardOf(one, i).role);
    const age = (i) => ({ class: roles[i] === roles[i - 1] ? "old" : "new" });
    const cells = roles.map((role, i) => make("td", { ...age(i), ...current(i) }, role));
    const about = { "data-layer": one.layer, "data-head": one.head, class: isChosen(one) ? "chosen" : "" };
    return make("tr", about, make("th", { scope: "row" }, one.short), ...cells);
  });
  $("#roles").replaceChildren(make("thead", {}, make("tr", {}, make("td"), ...top)), make("tbody", {}, ...lines));
  const frame = $("#roles").parentElement;
  frame.scrollLeft = $("#roles [aria-current]").offsetLeft - frame.clientWidth / 2;
}

/** The numbers of the chosen head at this validation, and the way of each over all of them. */
function showNumbers() {
  const bleu = validations.map((one) => one.dev_bleu_greedy);
  const lines = [numberRow("BLEU on dev", bleu, Math.max(1, ...bleu), (number) => number.toFixed(1))];
  const cards = validations.map((_, i) => cardOf(state, i));
  const card = cards[state.at];
  for (const [name, title] of Object.entries(NUMBERS)) {
    const write = (number) => (name.startsWith("aer") ? number.toFixed(2) : `${percent(number)}%`);
    if (card?.[name] !== undefined) lines.push(numberRow(title, cards.map((one) => one[name]), 1, write));
  }
  $("#numbers-title").textContent = card ? `${card.head} at this step: ${card.role}` : "This step";
  $("#numbers tbody").replaceChildren(...lines);
  const { n_pairs: nPairs, n_gold: nGold } = validation();
  const gold = nGold ? `; alignment error rates on ${nGold} with gold alignments, 0 is best` : "";
  const choice = card ? "" : " Choose one head to see its numbers.";
  $("#numbers-note").textContent = `Measured on ${nPairs} pairs of dev${gold}.${choice}`;
}

function numberRow(title, values, top, write) {
  const now = values[state.at];
  const cells = [make("td", {}, write(now)), make("td", { "aria-hidden": true }, way(values, top))];
  return make("tr", {}, make("th", { scope: "row" }, title), ...cells);
}

/** Draw numbers from 0 to `top` as a line, with a dot at this validation. */
function way(values, top) {
  const [width, height, edge] = [140, 24, 4];
  const x = (i) => edge + ((width - 2 * edge) * i) / Math.max(1, values.length - 1);
  const y = (value) => height - edge - ((height - 2 * edge) * value) / top;
  const known = values.map((value, i) => [value, i]).filter(([value]) => value !== undefined);
  const line = shape("polyline", { points: known.map(([value, i]) => `${x(i)},${y(value)}`).join(" ") });
  const dot = shape("circle", { cx: x(state.at), cy: y(values[state.at]), r: 3 });
  return shape("svg", { width, height, viewBox: `0 0 ${width} ${height}` }, line, dot);
}

/** Turn page by page, or stop. Who wants no motion turns one page with each press. */
function play() {
  if (playing) return pause();
  const last = validations.length - 1;
  if (stillness.matches) return turn(state.at === last ? 0 : state.at + 1);
  if (state.at === last) turn(0);
  playing = setInterval(() => {
    turn(state.at + 1);
    if (state.at === last) pause();
  }, PAUSE_MS);
  namePlay();
}

function pause() {
  clearInterval(playing);
  playing = null;
  namePlay();
}

function namePlay() {
  $("#play").textContent = playing ? "Pause" : stillness.matches ? "Next" : "Play";
}

if (validations.length) {
  for (const id of ["training", "measures"]) $(`#${id}`).hidden = false;
  $("#frame").max = validations.length - 1;
  $("#play").addEventListener("click", play);
  $("#frame").addEventListener("input", ({ target }) => {
    pause();
    turn(Number(target.value));
  });
  stillness.addEventListener("change", pause);
  namePlay();
}
