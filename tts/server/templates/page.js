"use strict";
// The playground: asks this server, and nobody else. What a model or a person wrote is only ever shown as text.
const $ = (id) => document.getElementById(id);
const make = (tag, name, text) => {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const number = (value) => Math.round(value).toLocaleString("en");
const raised = (digits) => [...digits].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
const flops = (value) => (value ? Number(value).toExponential(2).replace(/e\+?(\d+)/, (_, power) => ` × 10${raised(power)}`) : "0");
const count = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
const percent = (value) => `${Math.round(100 * value)} %`;
const likely = (value) => (value < 0.01 ? "less than 1 %" : value > 0.99 ? "more than 99 %" : percent(value));
const doubtful = (scope) => scope.outside || (scope.right !== null && scope.right < 0.5);
let running = null; // the AbortController of the search
let shown = null; // the search on the page

class Search {
  constructor() {
    this.nodes = new Map();
    this.votes = new Map();
    this.tokens = this.steps = this.finished = this.deepest = 0;
    this.began = performance.now();
    this.decision = null;
    for (const id of ["tree", "votes", "cost", "warnings"]) $(id).replaceChildren();
    for (const id of ["answer", "share", "text", "reason"]) $(id).textContent = "";
    for (const id of ["result", "links", "others"]) $(id).hidden = true;
    for (const id of ["search", "grown"]) $(id).hidden = false;
    $("compare").hidden = true;
  }

  take(event) {
    if (event.event === "start" && this.nodes.size) Object.assign(this, new Search()); // another model was asked
    if (event.event === "plan") {
      this.decision = event;
      $("reason").textContent = `Plan: ${event.reason}.`;
    }
    if (event.event === "sample") this.sample(event);
    if (event.event === "score") this.score(event);
  }

  sample(event) {
    let above = event.parent;
    event.steps.forEach((step, k) => {
      const key = k ? `${event.key}+${k}` : event.key;
      this.add(key, above, typeof step === "string" ? step : step.text);
      if (step.tokens) this.tokens += step.tokens.length;
      above = key;
    });
    this.steps += event.steps.length;
    this.tokens += event.tokens || 0;
    const last = this.nodes.get(above);
    last.finish = event.finish;
    if (event.finish === "stop") {
      this.finished += 1;
      const answer = event.answer === undefined ? null : event.answer;
      last.tag(answer === null ? "finished" : answer, true);
      if (answer !== null) this.votes.set(answer, (this.votes.get(answer) || 0) + 1);
    } else if (event.finish === "length") last.tag("cut off", false);
  }

  add(key, parent, text) {
    const above = this.nodes.get(parent);
    const item = make("li");
    const row = make("div", "step");
    const score = make("span", "score", "");
    row.append(score, make("span", "words", text.trim() || "(nothing)"));
    item.append(row);
    item.setAttribute("role", "treeitem");
    item.setAttribute("aria-expanded", "false");
    item.tabIndex = this.nodes.size ? -1 : 0;
    const node = { item, row, score, depth: above ? above.depth + 1 : 1, children: 0, finish: "step", parent };
    item.setAttribute("aria-level", node.depth);
    node.tag = (words, end) => row.append(make("span", end ? "tag end" : "tag", words));
    this.nodes.set(key, node);
    this.deepest = Math.max(this.deepest, node.depth);
    this.below(above).append(item);
    if (above) above.children += 1;
  }

  below(above) {
    if (!above) return $("tree");
    if (!above.list) {
      above.list = make("ul");
      above.list.setAttribute("role", "group");
      above.item.append(above.list);
    }
    return above.list;
  }

  score(event) {
    const node = this.nodes.get(event.key);
    if (node && event.score !== null) {
      node.score.textContent = event.score.toFixed(2);
      node.score.title = "score of the reward model";
      node.score.classList.toggle("low", event.score < 0.5);
    }
  }

  prune(ended) {
    for (const node of this.nodes.values()) {
      const late = ended || node.depth <= this.deepest - 2;
      const pruned = late && node.finish === "step" && !node.children;
      if (pruned !== node.item.classList.contains("pruned")) {
        node.item.classList.toggle("pruned", pruned);
        if (pruned) node.tag("pruned", false);
      }
    }
  }

  votesOf(standings) {
    return standings || [...this.votes].sort((a, b) => b[1] - a[1]).map(([answer, count]) => (
      { answer, count, share: count / this.finished, score: null }));
  }

  draw(standings) {
    const all = this.votesOf(standings).slice(0, 12);
    $("no-votes").hidden = all.length > 0;
    $("no-votes").textContent = standings ? "No solution has an answer." : "No solution has ended yet.";
    $("votes").replaceChildren(...all.map((vote) => {
      const line = make("li");
      const meter = make("meter");
      meter.max = 1;
      meter.value = vote.share;
      meter.setAttribute("aria-label", `share of ${vote.answer}`);
      const score = vote.score === null ? "" : `, score ${vote.score.toFixed(2)}`;
      line.append(make("span", "name", vote.answer), meter, make("span", "count", `${percent(vote.share)}, ${count(vote.count, "vote")}${score}`));
      return line;
    }));
    this.prune(Boolean(standings));
    const seconds = (performance.now() - this.began) / 1000;
    if (!standings) {
      this.cost([["time", `${seconds.toFixed(1)} s`], ["sampled tokens", number(this.tokens)], ["steps", number(this.steps)]]);
      $("status").textContent = `Searching: ${count(this.steps, "step")}, ${count(this.finished, "solution")} finished, ${count(this.tokens, "token")}`;
    }
  }

  cost(rows) {
    $("cost").replaceChildren(...rows.map(([name, value]) => {
      const line = make("tr");
      const head = make("th", "", name);
      head.scope = "row";
      line.append(head, make("td", "n", value));
      return line;
    }));
  }

  end(found, text) {
    this.draw(found.votes);
    $("result").hidden = false;
    $("answer").textContent = found.answer === null ? "no answer" : found.answer;
    $("share").textContent = found.answer === null ? "" : this.sure(found);
    $("text").textContent = text;
    $("warnings").replaceChildren(...(found.warnings || []).map((words) => make("li", "", words)));
    const usage = found.usage;
    const rows = [["time", `${usage.seconds.toFixed(2)} s`]];
    for (const [name, model] of Object.entries(usage.models || {})) {
      rows.push([`${name}, tokens`, number(model.role === "policy" ? model.sampled : model.read)], [`${name}, FLOPs`, flops(model.flops)]);
    }
    rows.push(["all FLOPs", flops(usage.flops)]);
    if (usage.cost) rows.push(["dollars", usage.cost.toFixed(6)]);
    this.cost(rows);
    let key = found.best;
    while (key && this.nodes.has(key)) {
      const node = this.nodes.get(key);
      node.item.classList.add("chosen");
      key = node.parent;
    }
    const stopped = found.stopped === "complete" ? "" : ` It stopped at ${found.stopped}.`;
    $("status").textContent = `Done: ${count(this.finished, "finished solution")}, ${found.plan.strategy}.${stopped}`;
    this.used = usage.flops;
    this.compare();
  }

  sure(found) {
    const share = found.votes.length && this.finished > 1 ? `${percent(found.votes[0].share)} of the vote` : "a single solution";
    if (!found.scope) return share;
    const chance = found.scope.right === null ? "" : `${likely(found.confidence)} that it is right; `;
    return `${doubtful(found.scope) ? "probably wrong: " : ""}${chance}${share}`;
  }

  compare() {
    $("others").hidden = false;
    const options = (this.decision && this.decision.options) || [];
    const rated = options.filter((option) => option.flops !== undefined);
    $("options").hidden = !rated.length;
    $("compare").hidden = Boolean(rated.length) || !this.problem;
    $("others-note").textContent = rated.length
      ? `Estimates for this problem, after the selector's first samples. This search: ${flops(this.used)} FLOPs.`
      : this.decision ? "The selector has no measured profile for these models, so it has no estimates." : "";
    if (!rated.length && this.decision) $("compare").hidden = true;
    $("options").tBodies[0].replaceChildren(...rated.map((option) => {
      const line = make("tr", option.chosen ? "chosen" : "");
      const range = `${percent(option.right)} [${Math.round(100 * option.low)}, ${Math.round(100 * option.high)}]`;
      line.append(make("td", "", option.plan), make("td", "n", String(option.n)), make("td", "n", range), make("td", "n", flops(option.flops)));
      return line;
    }));
  }
}

const headers = () => {
  const key = $("key").value;
  return { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) };
};

async function ask(path, body, signal) {
  const reply = await fetch(path, body ? { method: "POST", headers: headers(), body: JSON.stringify(body), signal } : { headers: headers() });
  if (reply.ok) return reply;
  if (reply.status === 401) {
    $("keyed").hidden = false;
    $("key").focus();
    throw new Error($("key").value ? "This API key is wrong." : "This server wants an API key.");
  }
  let words = `The server answered ${reply.status}.`;
  try { words = (await reply.json()).error.message; } catch { /* it is no error of ours */ }
  throw new Error(words);
}

async function* events(reply) {
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let left = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (left + value).split("\n\n");
    left = parts.pop();
    for (const part of parts) {
      if (part.startsWith("data: ") && part !== "data: [DONE]") yield JSON.parse(part.slice(6));
    }
  }
}

const request = () => ({
  model: $("model").value, messages: [{ role: "user", content: $("problem").value }], tts: { budget: Number($("budget").value) },
});

async function solve() {
  if (running || !$("ask").reportValidity()) return;
  const body = request();
  running = new AbortController();
  const search = shown = new Search();
  search.problem = body;
  busy(true);
  let text = "", found = null;
  const tick = setInterval(() => search.draw(), 200);
  try {
    const asked = { ...body, stream: true, tts: { ...body.tts, events: true } };
    for await (const chunk of events(await ask("/v1/chat/completions", asked, running.signal))) {
      if (chunk.error) throw new Error(chunk.error.message);
      for (const event of (chunk.tts && chunk.tts.events) || []) search.take(event);
      for (const choice of chunk.choices) text += choice.delta.content || "";
      if (chunk.choices.length && chunk.tts) found = chunk.tts;
    }
    clearInterval(tick);
    if (!found) throw new Error("The connection ended before the answer came.");
    search.end(found, text);
    permalink(found.trace);
  } catch (error) {
    const cancelled = error.name === "AbortError";
    $("status").textContent = cancelled ? "Cancelled: the server has stopped sampling." : "";
    $("error").textContent = cancelled ? "" : error.message;
    if (!search.nodes.size) for (const id of ["search", "grown"]) $(id).hidden = true;
  } finally {
    clearInterval(tick);
    running = null;
    busy(false);
  }
}

function permalink(id) {
  if (!id) return;
  $("link").href = `/t/${id}`;
  $("links").hidden = false;
  history.replaceState(null, "", `/t/${id}`);
}

function busy(now) {
  $("go").disabled = now;
  $("cancel").disabled = !now;
  if (now) $("error").textContent = "";
  $("tree").setAttribute("aria-busy", String(now));
}

async function recall(id) {
  const found = await (await ask(`/v1/traces/${encodeURIComponent(id)}`)).json();
  const search = shown = new Search();
  const solution = found.solution;
  const answers = new Map(solution.candidates.map((each) => [each.key, each.answer]));
  for (const event of found.events) {
    if (event.event === "sample") {
      const last = event.steps.length > 1 ? `${event.key}+${event.steps.length - 1}` : event.key;
      const answer = answers.get(last);
      search.take(answer ? { ...event, answer } : event);
    } else search.take(event);
  }
  $("problem").value = solution.problem;
  $("budget").value = solution.plan.n;
  const name = [...$("model").options].find((option) => option.value === solution.plan.strategy);
  if (name) $("model").value = name.value;
  const best = solution.candidates.find((each) => each.key === solution.best);
  search.problem = request();
  search.end({ ...solution, usage: { ...solution.usage, models: found.models } }, best ? best.steps.join("") : "");
  permalink(id);
}

async function download() {
  const id = $("link").pathname.split("/").pop();
  const data = await (await ask(`/v1/traces/${id}`)).text();
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([data], { type: "application/json" }));
  link.download = `search-${id}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function compare() {
  $("compare").disabled = true;
  try {
    shown.decision = await (await ask("/v1/plan", shown.problem)).json();
    shown.compare();
  } finally { $("compare").disabled = false; }
}

const failed = (error) => { $("error").textContent = error.message; };

function move(event) {
  const items = [...$("tree").querySelectorAll("[role=treeitem]")];
  const at = items.indexOf(document.activeElement);
  const steps = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, Home: -at, End: items.length - 1 - at };
  if (at < 0) return;
  if (event.key === "Enter" || event.key === " ") toggle(items[at]);
  else if (event.key === "ArrowLeft") focus(items[at].parentElement.closest("[role=treeitem]"), items[at]);
  else if (event.key in steps) focus(items[at + steps[event.key]], items[at]);
  else return;
  event.preventDefault();
}

function focus(item, before) {
  if (!item) return;
  before.tabIndex = -1;
  item.tabIndex = 0;
  item.focus();
}

function toggle(item) {
  item.setAttribute("aria-expanded", String(item.getAttribute("aria-expanded") !== "true"));
}

async function begin() {
  const models = (await (await ask("/v1/models")).json()).data;
  $("model").replaceChildren(...models.map((model) => make("option", "", model.id)));
  if (models.length) $("budget").value = models[0].tts.budget;
  const id = location.pathname.startsWith("/t/") ? location.pathname.slice(3) : "";
  if (id) await recall(decodeURIComponent(id));
}

$("ask").addEventListener("submit", (event) => { event.preventDefault(); solve(); });
$("cancel").addEventListener("click", () => running && running.abort());
$("download").addEventListener("click", () => download().catch(failed));
$("compare").addEventListener("click", () => compare().catch(failed));
$("key").addEventListener("change", () => begin().catch(failed));
$("tree").addEventListener("keydown", move);
$("tree").addEventListener("click", (event) => {
  const item = event.target.closest("[role=treeitem]");
  if (item) toggle(item);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && running) running.abort();
  if (event.key === "Enter" && event.ctrlKey) solve();
});
begin().catch(failed);
