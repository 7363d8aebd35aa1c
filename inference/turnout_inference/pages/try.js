const find = (id) => document.getElementById(id);
const form = find("form");
const text = find("text");
const said = find("said");
const bars = find("bars");
const key = find("key");
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
let described = false;
let thresholds = {};
let latest = 0;

const headers = () =>
  key.value ? { Authorization: `Bearer ${key.value}` } : {};

async function ask(path, options = {}) {
  const response = await fetch(path, {
    ...options,
    headers: { ...headers(), ...options.headers },
  });
  // What stands before the server answers in its own way when the server does not.
  const body = await response.json().catch(() => null);
  if (response.status === 401) find("key-row").hidden = false;
  if (!response.ok || body === null) {
    const unknown = { message: `the answer was ${response.status}, and not the server's own` };
    const { message, fix } = body?.error ?? unknown;
    const wait = response.headers.get("Retry-After");
    throw new Error([message, fix, wait && `(server busy: ${wait} s)`].filter(Boolean).join(" – "));
  }
  return body;
}

function bar(label, score, over) {
  const item = document.createElement("li");
  item.className = over ? "over" : "";
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = label.replaceAll("_", " ");
  const track = document.createElement("span");
  track.className = "track";
  track.setAttribute("aria-hidden", "true");
  const fill = document.createElement("span");
  fill.className = "fill";
  fill.style.width = `${(score * 100).toFixed(2)}%`;
  track.append(fill);
  if (label in thresholds) {
    const cut = document.createElement("span");
    cut.className = "cut";
    cut.style.left = `${thresholds[label] * 100}%`;
    track.append(cut);
  }
  const value = document.createElement("span");
  value.className = "value";
  value.textContent = percent.format(score);
  item.append(name, track, value);
  if (over) {
    const mark = document.createElement("span");
    mark.className = "unseen";
    mark.textContent = "chosen";
    item.append(mark);
  }
  return item;
}

function show(answer) {
  const { labels, scores, truncated, tokens } = answer.results[0];
  const chosen = labels.length ? labels.map((l) => l.replaceAll("_", " ")).join(", ") : "none";
  const cut = truncated ? " The end of the text was cut off: it is too long for the model." : "";
  said.className = "";
  said.textContent = `${labels.length > 1 ? "Labels" : "Label"}: ${chosen}. ${tokens} tokens.${cut}`;
  const best = Object.entries(scores).sort((a, b) => b[1] - a[1]);
  find("legend").hidden = !Object.keys(thresholds).length;
  bars.replaceChildren(...best.map(([label, score]) => bar(label, score, labels.includes(label))));
}

function fail(error) {
  said.className = "wrong";
  said.textContent = error.message;
  find("legend").hidden = true;
  bars.replaceChildren();
}

async function describe() {
  const model = await ask("/v1/model");
  described = true;
  thresholds = model.thresholds ?? {};
  const kind = model.problem_type === "multi_label" ? "any number of" : "one of";
  find("model").textContent =
    `${model.name}, revision ${model.revision}: ${kind} ${model.labels.length} labels. ` +
    `Licence: ${model.licence}.`;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const mine = ++latest;
  said.className = "";
  said.textContent = "Classifying…";
  try {
    if (!described) await describe();
    const answer = await ask("/v1/classify", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ inputs: text.value }),
    });
    if (mine === latest) show(answer);
  } catch (error) {
    if (mine === latest) fail(error);
  }
});

text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

describe().catch((error) => {
  find("model").textContent = error.message;
});
