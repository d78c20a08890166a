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

const percent = (weight) => Math.round(100 * weight);

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** The mean of matrices, place by place. */
const mean = (matrices) =>
  matrices[0].map((row, t) => row.map((_, s) => sum(matrices.map((matrix) => matrix[t][s])) / matrices.length));

/** One head's matrix, or the mean over what is null; layer and head count from 1. */
const select = (map, layer, head) => {
  const layers = layer === null ? map.weights : [map.weights[layer - 1]];
  return mean(layers.flatMap((heads) => (head === null ? heads : [heads[head - 1]])));
};

/** The name of what `select` gives, as it is typed elsewhere. */
const nameOf = (map, kind, layer, head) => {
  const [nLayers, nHeads] = [map.weights.length, map.weights[0].length];
  if (layer !== null && head !== null) return `${kind}.${layer}.${head}`;
  if (layer !== null) return `mean of the ${nHeads} heads of ${kind}.${layer}`;
  if (head !== null) return `mean of head ${head} over the ${nLayers} layers of ${kind}`;
  return `mean of all ${nLayers} × ${nHeads} heads of ${kind}`;
};

/** The same in words. */
const inWords = (map, layer, head) => {
  const [nLayers, nHeads] = [map.weights.length, map.weights[0].length];
  if (layer !== null && head !== null) return `layer ${layer}, head ${head}`;
  if (layer !== null) return `layer ${layer}, mean of its ${nHeads} heads`;
  if (head !== null) return `head ${head}, mean of its ${nLayers} layers`;
  return `mean of all ${nLayers} × ${nHeads} heads`;
};

/** The places of a list of weights, the greatest first. */
const strongest = (weights) => weights.map((_, i) => i).sort((a, b) => weights[b] - weights[a]);

const columnOf = (matrix, s) => matrix.map((row) => row[s]);

/** Whether the decoder lets row t not look at column s, which comes later: no head has any weight there. */
const masked = (map, t, s) =>
  state.kind === "decoder" && map.weights.every((heads) => heads.every((matrix) => matrix[t][s] === 0));
