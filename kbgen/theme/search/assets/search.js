/* Search as a visitor meets it: the header's box, the home page's, and the search page. Nothing is loaded before a box
   gets the focus or the address has a query. Data enters the page as text nodes only. */

const here = new URL(import.meta.url);
const beside = name => new URL(name + here.search, here);
const FORMS = "form.kb-search, form.kb-search-box, form.kb-hero-search";
const forms = [...document.querySelectorAll(FORMS)];
const page = document.querySelector("#kb-search-page, [data-kb-search-page]");
const SHOWN = 6, PAGE = 20;
const SCRIPTS = [[/[\u0590-\u05ff]/, ["he", "yi"]], [/[\u3040-\u30ff]/, ["ja"]], [/[\uac00-\ud7af]/, ["ko"]],
  [/[\u3400-\u9fff]/, ["zh", "ja"]], [/[\u0600-\u06ff]/, ["ar", "fa"]], [/[\u0400-\u04ff]/, ["ru", "uk", "bg", "sr"]]];
/** Whose words a page of a language has. */
const written = lang => (new Intl.Locale(lang).maximize().script === "Hant" ? "zh-Hant" : base(lang));
const base = lang => lang.split("-")[0].toLowerCase();

function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value != null) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The site's search folder, from the forms' own address: right at any depth and under any prefix. */
const root = new URL(forms[0]?.action || page?.dataset.action || "./", document.baseURI);
root.search = root.hash = "";
const address = path => new URL(path.slice(1).split("/").map(encodeURIComponent).join("/"), new URL("..", root));

let ready;
const opened = new Map();

/** Words, engine and list of languages, once. */
function start() {
  ready ??= (async () => {
    const json = async (url, options) => (await fetch(url, options)).json();
    const lang = written(document.documentElement.lang || "en");
    const words = json(beside(`words/${lang}.json`)).catch(() => json(beside("words/en.json")));
    const languages = json(new URL("languages.json", root), { cache: "no-cache" });
    const engine = await import(beside("engine.js"));
    return { engine, words: await words, languages: (await languages).languages };
  })();
  ready.catch(() => (ready = undefined));
  return ready;
}

async function index(lang) {
  if (!opened.has(lang)) {
    const made = ready.then(({ engine }) => engine.Index.open(root, lang));
    made.catch(() => opened.delete(lang));
    opened.set(lang, made);
  }
  return opened.get(lang);
}

/** The chosen language first, then the page's, or others if the query is in their script; the rest if nothing is found. */
function order(languages, query, chosen) {
  const own = document.documentElement.lang || "en";
  const wanted = SCRIPTS.filter(([script]) => script.test(query)).flatMap(([, langs]) => langs);
  const rank = lang => (lang === chosen ? -1 : wanted.length && wanted.includes(base(lang)) ? 0 : lang === own ? 1 : base(lang) === base(own) ? 2 : 3);
  return [...languages].sort((a, b) => rank(a) - rank(b));
}

async function find(query, typing, chosen = "", again = true) {
  const { languages } = await start();
  try {
    let first;
    for (const lang of order(languages, query, chosen)) {
      const used = await index(lang);
      const found = { used, ...(await used.search(query, typing)) };
      if (found.ranked.length) return found;
      first ??= found;
    }
    return first;
  } catch (problem) {
    // A file may have gone because the site was published anew meanwhile: start over, once.
    if (!again) throw problem;
    opened.clear();
    return find(query, typing, chosen, false);
  }
}

const say = (words, key, n) => {
  const text = words[key];
  const form = typeof text === "string" ? text : text[new Intl.PluralRules(words.lang).select(n)] || text.other;
  return form.replace("{n}", n == null ? "" : n.toLocaleString(words.lang));
};

const marked = (used, text, hit) => used.marked(text, hit).map(([run, found]) => (found ? el("mark", {}, run) : run));

function body(found, result, words) {
  const { used, hit } = found;
  const badge = words.badges[result.kind === "article" ? "article" : result.badge];
  const above = [result.topic?.[1], badge].filter(Boolean);
  return [
    el("span", { class: "kb-hit__title" }, ...marked(used, result.title, hit)),
    ...(above.length ? [el("span", { class: "kb-hit__where", dir: document.dir || "ltr" }, ...above.map((text, i) =>
      el("span", { class: i || !result.topic ? "kb-hit__badge" : "kb-hit__topic" }, text)))] : []),
    ...(result.summary ? [el("span", { class: "kb-hit__text" }, ...marked(used, result.summary, hit))] : []),
  ];
}

/** The language a reader chose on the search page, "" elsewhere. */
const chosen = () => (page && new URL(location).searchParams.get("lang")) || "";

/** A box with results while typing: the combobox pattern, options are real links. */
function attach(form, number) {
  const input = form.querySelector("input[name=q]");
  if (!input) return;
  const list = el("div", { class: "kb-hits", role: "listbox", id: `kb-hits-${number}`, hidden: "" });
  const status = el("div", { class: "kb-search__status", role: "status" });
  let turn = 0, current = -1;
  const options = () => [...list.children];
  const close = () => {
    turn++;
    list.hidden = true;
    select(-1);
    input.setAttribute("aria-expanded", "false");
  };
  const select = to => {
    options().forEach((option, i) => option.setAttribute("aria-selected", String(i === to)));
    current = to;
    const option = list.children[to];
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  };
  const option = (href, ...children) =>
    el("a", { class: "kb-hit", role: "option", href, tabindex: "-1", "aria-selected": "false" }, ...children);

  async function show() {
    const query = input.value, mine = ++turn;
    if (!query.trim()) return close(), (status.textContent = "");
    try {
      const { words, languages: [main] } = await start();
      const found = await find(query, true, chosen());
      const results = await found.used.results(found.ranked.slice(0, SHOWN).map(([doc]) => doc));
      if (mine !== turn) return;
      const all = new URL(root);
      all.searchParams.set("q", query);
      const { lang } = found.used.meta;
      if (lang !== main) all.searchParams.set("lang", lang);
      const links = results.map(result => option(address(result.path), ...body(found, result, words)));
      links.forEach(link => lang !== document.documentElement.lang && (link.lang = lang, link.dir = "auto"));
      const n = found.ranked.length;
      list.setAttribute("aria-label", words.results);
      list.replaceChildren(...links, option(all, el("span", { class: "kb-hit__all" }, say(words, n ? "all" : "none", n))));
      options().forEach((made, i) => (made.id = `${list.id}-${i}`));
      status.textContent = say(words, n ? "count" : "none", n);
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      select(-1);
    } catch {
      if (mine === turn) close(); // the form still goes to the search page
    }
  }

  // The search page is in the site's main language: it is told of the reader's.
  const reading = document.documentElement.lang;
  const told = page ? null : el("input", { type: "hidden", name: "lang", value: reading, disabled: "" });
  if (told) form.append(told);
  input.type = "text";
  for (const [key, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": list.id,
    "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", enterkeyhint: "search" })) input.setAttribute(key, value);
  form.append(list, status);
  let timer;
  input.addEventListener("focus", () => start().then(({ languages }) => {
    if (told) told.disabled = reading === languages[0] || !languages.includes(reading);
    return index(order(languages, input.value, chosen())[0]);
  }).catch(() => {}));
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 60);
  });
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    close();
  });
  form.addEventListener("focusout", event => form.contains(event.relatedTarget) || close());
  list.addEventListener("mousedown", event => event.preventDefault());
  input.addEventListener("keydown", event => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (list.hidden) return void show();
      const n = list.children.length + 1;
      select(((current + 1 + step + n) % n) - 1);
    } else if (event.key === "Enter" && current >= 0) {
      event.preventDefault();
      list.children[current].click();
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
}

/** The search page: everything found, by topic, in the address. */
function results() {
  const state = () => {
    const params = new URL(location).searchParams;
    return { query: params.get("q") || "", topic: params.get("topic") || "" };
  };
  const status = el("p", { class: "kb-results__count", role: "status" });
  const tongues = el("div", { class: "kb-results__topics", role: "group", hidden: "" });
  const chips = el("div", { class: "kb-results__topics", role: "group" });
  const list = el("ol", { class: "kb-results__list" });
  const more = el("button", { class: "kb-results__more kb-button", type: "button", hidden: "" });
  const inputs = forms.map(form => form.querySelector("input[name=q]"));
  let shown = PAGE, turn = 0;
  page.replaceChildren(status, tongues, chips, list, more);

  const button = (words, group, title, n, pressed, set, about = {}) => {
    const made = el("button", { type: "button", class: "kb-chip", "aria-pressed": String(pressed) },
      el("span", about, title), " ", el("span", { class: "kb-chip__count" }, n.toLocaleString(words.lang)));
    made.addEventListener("click", () => {
      const url = new URL(location);
      set(url.searchParams);
      history.pushState(null, "", url);
      shown = PAGE;
      show(false).then(() => [...group.children].find(c => c.getAttribute("aria-pressed") === "true")?.focus());
    });
    return made;
  };
  const chip = (words, slug, title, n, topic) => button(words, chips, title, n, slug === topic, params =>
    slug && slug !== topic ? params.set("topic", slug) : params.delete("topic"));

  /** In which other languages something is found, to choose from; nothing to choose, nothing shown. */
  async function offer(query, own, mine) {
    const { words, languages } = await start();
    const count = async lang => [lang, (await (await index(lang)).search(query, false, lang !== own)).ranked.length];
    const found = (await Promise.all(languages.map(count))).filter(([, n]) => n), counts = found.length > 1 ? found : [];
    if (mine !== turn) return;
    const named = lang => new Intl.DisplayNames([lang], { type: "language" }).of(lang);
    tongues.setAttribute("aria-label", words.language || "");
    tongues.replaceChildren(...counts.map(([lang, n]) => button(words, tongues, named(lang), n, lang === own, params => {
      params.set("lang", lang);
      params.delete("topic");
    }, { lang, dir: "auto" })));
    tongues.hidden = !counts.length;
  }

  async function show(typing) {
    const { query, topic } = state(), mine = ++turn;
    if (!query.trim()) return page.replaceChildren(...(page.dataset.empty ? [el("p", {}, page.dataset.empty)] : []));
    try {
      const { words } = await start();
      const found = await find(query, typing, chosen());
      const { topics, lang } = found.used.meta;
      const range = topics.find(([slug]) => slug === topic);
      const ids = found.ranked.map(([doc]) => doc).filter(doc => !range || (doc >= range[2] && doc < range[3]));
      const rows = await found.used.results(ids.slice(0, shown));
      if (mine !== turn) return;
      const counts = topics.map(t => [t, found.ranked.filter(([doc]) => doc >= t[2] && doc < t[3]).length]);
      const full = counts.filter(([, n]) => n).sort((a, b) => b[1] - a[1]).slice(0, 12);
      chips.setAttribute("aria-label", words.topics);
      chips.replaceChildren(...(full.length > 1 || range
        ? [chip(words, "", words.everything, found.ranked.length, topic), ...full.map(([t, n]) => chip(words, t[0], t[1], n, topic))] : []));
      status.textContent = say(words, ids.length ? "count" : "none", ids.length);
      list.replaceChildren(...rows.map(row =>
        el("li", lang === document.documentElement.lang ? {} : { lang, dir: "auto" },
          el("a", { class: "kb-hit", href: address(row.path) }, ...body(found, row, words)))));
      more.hidden = ids.length <= shown;
      more.textContent = words.more;
      page.replaceChildren(status, tongues, chips, list, more, ...(ids.length ? [] : nothing(words, topics)));
      if ((await start()).languages.length > 1) offer(query, lang, mine).catch(() => {});
    } catch {
      if (mine !== turn) return;
      status.textContent = page.dataset.failed || "Search is not available right now.";
      page.replaceChildren(status);
    }
  }

  /** Nothing found: the topics to look through, and where to ask. */
  function nothing(words, topics) {
    const big = [...topics].sort((a, b) => b[3] - b[2] - (a[3] - a[2])).slice(0, 8);
    const links = big.map(([slug, title]) => el("li", {}, el("a", { href: address(`/topics/${slug}/`) }, title)));
    const { ask } = page.dataset;
    return [
      el("p", {}, words.try),
      ...(links.length ? [el("h2", {}, words.browse), el("ul", { class: "kb-results__browse kb-chips" }, ...links)] : []),
      ...(ask ? [el("p", {}, el("a", { class: "kb-button", href: ask }, page.dataset.askLabel || words.ask))] : []),
    ];
  }

  more.addEventListener("click", async () => {
    const first = shown;
    shown += PAGE;
    await show(false);
    list.children[first]?.querySelector("a").focus();
  });
  const sync = () => inputs.forEach(input => (input.value = state().query));
  addEventListener("popstate", () => {
    sync();
    show(false);
  });
  forms.forEach(form => form.addEventListener("submit", event => {
    event.preventDefault();
    const url = new URL(root);
    url.searchParams.set("q", form.querySelector("input[name=q]").value);
    if (chosen()) url.searchParams.set("lang", chosen());
    history.pushState(null, "", url);
    shown = PAGE;
    sync();
    show(false);
  }));
  sync();
  show(false);
}

/** Keys of one letter get in the way of who speaks to the browser or types by accident: they can be switched off (WCAG 2.1.4). */
const keys = {
  get on() {
    try {
      return localStorage.getItem("kb-keys") !== "off";
    } catch {
      return true;
    }
  },
  set on(on) {
    try {
      localStorage.setItem("kb-keys", on ? "on" : "off");
    } catch {} // nothing is remembered here: they are on again on the next page
  },
};

function keySwitch(box) {
  box.checked = keys.on;
  box.addEventListener("change", () => (keys.on = box.checked));
  box.closest("[hidden]").hidden = false;
}

forms.forEach(attach);
if (page) results();
document.querySelectorAll("#kb-search-keys").forEach(keySwitch);
document.addEventListener("keydown", event => {
  const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !["/", "s", "f"].includes(event.key) || !keys.on) return;
  const input = forms[0]?.querySelector("input[name=q]");
  if (!input) return;
  event.preventDefault();
  input.focus();
  input.select();
});
