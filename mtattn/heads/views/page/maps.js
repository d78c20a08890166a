"use strict";

// What is asked of the numbers: a head, a mean, the strongest. Nothing here touches the page.

/** What queries (rows) and keys (columns) are in each kind of attention. */
const KINDS = {
  cross: {
    title: "Cross-attention",
    rows: (unit) => `output ${unit}s`,
    columns: (unit) => `source ${unit}s`,
    meaning: (unit) => `A row is the step that writes one output ${unit}: where it looks in the source.`,
  },
  encoder: {
    title: "Encoder self-attention",
    rows: (unit) => `source ${unit}s`,
    columns: (unit) => `source ${unit}s`,
    meaning: (unit) => `A row is one source ${unit}: where it looks in its own sentence.`,
  },
  decoder: {
    title: "Decoder self-attention",
    rows: (unit) => `output ${unit}s`,
    columns: (unit) => `output ${unit}s so far`,
    meaning: (unit) =>
      `A row is the step that writes one output ${unit}: where it looks in what is written so far, from <s>, the ` +
      "beginning, on. Hatched is the future, which no step sees.",
  },
};

/** Let a label be seen that is a mark without its letter, or nothing visible at all. */
const visible = (label) => {
  const code = (one) => `U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  if (/^[\p{Cf}\p{Zs}]+$/u.test(label)) return [...label].map(code).join(" ");
  return /^\p{M}/u.test(label) ? `◌${label}` : label;
};

const percent = (weight) => Math.round(100 * weight);

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** The mean of matrices, place by place. */
const mean = (matrices) =>
  matrices[0].map((row, t) => row.map((_, s) => sum(matrices.map((matrix) => matrix[t][s])) / matrices.length));

/** The heads that a layer and a head number, from 1, leave, null leaving all: those that are averaged, which muted
    ones are not, and how many there are of each. Where all are muted, all are averaged. */
const among = (map, layer, head) => {
  const named = map.weights.flatMap((matrices, l) =>
    matrices.map((matrix, h) => ({ layer: l + 1, head: h + 1, matrix })),
  ).filter((one) => (layer ?? one.layer) === one.layer && (head ?? one.head) === one.head);
  const heard = named.filter((one) => !isMuted(map, one.layer, one.head));
  return { averaged: heard.length ? heard : named, nNamed: named.length, nHeard: heard.length };
};

/** Whether a head's answers went nowhere. */
const isMuted = (map, layer, head) => Boolean(map.muted?.some((name) => name.endsWith(`.${layer}.${head}`)));

/** One head's matrix, or the mean over what is null, muted heads left out; layer and head count from 1. */
const select = (map, layer, head) => mean(among(map, layer, head).averaged.map((one) => one.matrix));

/** What is muted of what `select` gives, to be put behind its name. */
const mutedOf = (map, layer, head) => {
  const { nNamed, nHeard } = among(map, layer, head);
  if (nHeard === nNamed) return "";
  return nHeard ? `, ${nNamed - nHeard} muted left out` : nNamed === 1 ? ", muted" : ", all muted";
};

/** The name of what `select` gives, as it is typed elsewhere. */
const nameOf = (map, kind, layer, head) => {
  const [nLayers, nHeads, muted] = [map.weights.length, map.weights[0].length, mutedOf(map, layer, head)];
  if (layer !== null && head !== null) return `${kind}.${layer}.${head}${muted}`;
  if (layer !== null) return `mean of the ${nHeads} heads of ${kind}.${layer}${muted}`;
  if (head !== null) return `mean of head ${head} over the ${nLayers} layers of ${kind}${muted}`;
  return `mean of all ${nLayers} × ${nHeads} heads of ${kind}${muted}`;
};

/** The same in words. */
const inWords = (map, layer, head) => {
  const [nLayers, nHeads, muted] = [map.weights.length, map.weights[0].length, mutedOf(map, layer, head)];
  if (layer !== null && head !== null) return `layer ${layer}, head ${head}${muted}`;
  if (layer !== null) return `layer ${layer}, mean of its ${nHeads} heads${muted}`;
  if (head !== null) return `head ${head}, mean of its ${nLayers} layers${muted}`;
  return `mean of all ${nLayers} × ${nHeads} heads${muted}`;
};

/** The places of a list of weights, the greatest first. */
const strongest = (weights) => weights.map((_, i) => i).sort((a, b) => weights[b] - weights[a]);

const columnOf = (matrix, s) => matrix.map((row) => row[s]);

/** Whether the decoder lets row t not look at column s, which comes later: no head has any weight there. */
const masked = (map, t, s) =>
  state.kind === "decoder" && map.weights.every((heads) => heads.every((matrix) => matrix[t][s] === 0));
