/* The search index's reader: kbgen/search/analysis.py and query.py say what it does and why; it must give the same
   terms and the same scores as they do, and tests hold it to that. No page elements here. */

const MAX_WORDS = 24, MAX_EXPANSIONS = 8, MAX_TERM = 48, CHUNK = 16, GROUP = 8;
const HUMPS = /[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+/g;
const CODE = /^([A-Za-z]{2,})([0-9]{2,})$/;
const range = (a, z) => Array.from({ length: z.codePointAt() - a.codePointAt() + 1 }, (_, i) => String.fromCodePoint(a.codePointAt() + i));
const ALPHABETS = [["a", "z"], ["\u0430", "\u044f"], ["\u05d0", "\u05ea"], ["\u03b1", "\u03c9"]].map(ends => range(...ends));
const ENDING = 5;
const ACCENTS = /([a-zα-ω])[\u0300-\u036f]+/gu;
const ASCII = /^[\x00-\x7f]*$/;
const unique = list => [...new Set(list)];
const short = terms => terms.filter(t => t && t.length <= MAX_TERM);
const size = word => [...word].length;

/** Fetch and inflate; a host that inflated already is welcome. */
async function bytes(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  const data = new Uint8Array(await answer.arrayBuffer());
  if (data[0] !== 31 || data[1] !== 139) return data;
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export class Analyser {
  constructor(rules, stem) {
    this.stem = stem;
    this.stop = new Set(rules.stop.split(" "));
    this.folds = rules.fold;
    this.prefixes = new Set(rules.prefixes);
    const word = `[^\\x00-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7f${rules.separators}${rules.ngrams}]`;
    this.chunk = new RegExp(`[${rules.ngrams}]+|${word}+(?:[._\\-]${word}+)*(?:\\+\\+|#(?!${word}))?`, "gu");
    this.ngram = new RegExp(`^[${rules.ngrams}]`, "u");
    this.drop = new RegExp(`[${rules.drop}]`, "gu");
    this.marks = new RegExp(`[${rules.marks}]`, "gu");
  }

  clean(text) {
    if (ASCII.test(text)) return text;
    return text.normalize("NFKC").replace(this.drop, "").replace(/([א-ת])["'״׳](?=[א-ת])/gu, "$1");
  }

  endsOpen(text) {
    const clean = this.clean(text), chunks = clean.match(this.chunk);
    return !!chunks && clean.endsWith(chunks.at(-1));
  }

  words(text) {
    return (this.clean(text).match(this.chunk) || []).flatMap(chunk => this.chunkWords(chunk));
  }

  chunkWords(chunk) {
    if (this.ngram.test(chunk)) {
      const signs = [...chunk];
      if (signs.length === 1) return [{ terms: [chunk], stop: false, plain: chunk }];
      return signs.slice(1).map((sign, i) => ({ terms: [signs[i] + sign], stop: false, plain: "" }));
    }
    const parts = chunk.split(/[._-]/);
    if (parts.length === 1) return this.single(chunk);
    if (!/[._]/.test(chunk)) return this.hyphenated(parts);
    return this.joined(short([chunk.toLowerCase()]), this.partTerms(parts));
  }

  joined(terms, parts, plain = "") {
    const own = unique(terms), all = unique([...own, ...parts]);
    return all.length ? [{ terms: all, stop: false, plain, own: all.length > own.length ? own.length : 0 }] : [];
  }

  single(chunk) {
    const word = chunk.toLowerCase(), plain = this.fold(word);
    if (this.stop.has(plain)) return [{ terms: [plain], stop: true, plain }];
    const code = chunk.match(CODE), humps = code ? code.slice(1) : chunk.match(HUMPS) || [];
    const camel = code || (humps.join("") === chunk && (humps.length > 2 || (humps.length === 2 && /^[a-z]/.test(chunk))));
    return this.joined(this.variants(word), camel ? this.partTerms(humps) : [], plain);
  }

  hyphenated(parts) {
    const joined = parts.join("");
    const code = /^([A-Za-z]{2,}-[0-9]{2,}|[0-9]{2,}-[A-Za-z]{2,})$/.test(parts.join("-"));
    if (parts.length === 2 && Math.min(...parts.map(size)) <= 3 && (code || !/[0-9]/.test(joined)))
      return this.joined(this.variants(joined.toLowerCase()), this.partTerms(parts));
    return parts.flatMap(part => this.single(part));
  }

  partTerms(parts) {
    return parts.map(p => p.toLowerCase()).filter(p => size(p) > 1 && !this.stop.has(this.fold(p))).flatMap(p => this.variants(p));
  }

  variants(word) {
    let folded = this.fold(word);
    const terms = [this.fold(this.stemmed(word))];
    if (folded !== word) terms.push(this.fold(this.stemmed(folded)));
    while (size(folded) > 3 && this.prefixes.has(folded[0])) terms.push((folded = folded.slice(1)));
    return short(terms);
  }

  /** Stems of what an unknown word may be when there is a slip in its ending. */
  lateSlips(word) {
    const mended = [];
    for (let at = Math.max(3, word.length - ENDING); at <= word.length; at++) {
      const head = word.slice(0, at), tail = word.slice(at);
      mended.push(head + tail.slice(1, 2) + tail.slice(0, 1) + tail.slice(2), head + tail.slice(1), ...otherLetters(word, at));
    }
    const stems = mended.map(one => [one, this.fold(this.stemmed(one))]).filter(([one, stem]) => stem !== one && size(stem) >= 3);
    return unique(stems.map(pair => pair[1]));
  }

  stemmed(word) {
    return this.stem && word.length >= 3 && !/[0-9\ud800-\udfff]/.test(word) ? this.stem(word) || word : word;
  }

  fold(word) {
    if (ASCII.test(word)) return word;
    const apart = [...word].map(sign => this.folds[sign] ?? sign).join("").normalize("NFD");
    return apart.replace(ACCENTS, "$1").replace(this.marks, "").normalize("NFC");
  }
}

class Block {
  constructor(data) {
    this.data = data;
    this.at = 0;
    const [, words, heads, gaps] = [0, 0, 0, 0].map(() => this.next());
    const terms = new TextDecoder().decode(data.subarray(this.at, this.at + words)).split("\n");
    this.at += words;
    let gap = this.at + heads, impact = gap + gaps;
    this.terms = new Map();
    for (const term of terms) {
      const count = this.next(), scale = this.next();
      this.terms.set(term, { count, scale, gap, impact });
      for (let left = count; left; gap++) if (data[gap] < 128) left--;
      if (count > 1) impact += count;
    }
  }

  next() {
    let value = 0, shift = 0, byte;
    do {
      byte = this.data[this.at++];
      value |= (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    return value;
  }

  each(term, visit) {
    const { count, scale, gap, impact } = this.terms.get(term);
    this.at = gap;
    for (let i = 0, doc = -1; i < count; i++) visit((doc += this.next() + 1), scale * (count > 1 ? this.data[impact + i] : 63));
  }
}

/** One slip: a letter swapped with its neighbour, left out, added or mistaken. */
function oneSlip(a, b) {
  if (a === b || Math.abs(a.length - b.length) > 1) return false;
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  const x = a.slice(i), y = b.slice(i);
  if (x.length !== y.length) return x.length > y.length ? x.slice(1) === y : x === y.slice(1);
  return x.slice(1) === y.slice(1) || (x[0] === y[1] && x[1] === y[0] && x.slice(2) === y.slice(2));
}

function earlySlips(w) {
  const swapped = [0, 1, 2].map(i => w.slice(0, i) + w[i + 1] + w[i] + w.slice(i + 2));
  return unique([...swapped, ...[0, 1, 2].map(i => w.slice(0, i) + w.slice(i + 1))]).filter(x => x !== w);
}

/** A word with each letter of its alphabet in a place: one that was left out there, and one instead of another. */
function otherLetters(w, at) {
  const letters = ALPHABETS.find(known => known.includes(w[0])) || [];
  return letters.flatMap(letter => [0, 1].map(gap => w.slice(0, at) + letter + w.slice(at + gap)));
}

export class Index {
  /** @param {URL} root the site's search folder; @param {string} lang a language of languages.json */
  static async open(root, lang) {
    const base = new URL(`${lang}/`, root);
    const answer = await fetch(new URL("meta.json", base), { cache: "no-cache" });
    if (!answer.ok) throw new Error(`${base}: ${answer.status}`);
    const meta = await answer.json();
    if (meta.version !== 1) throw new Error(`search index version ${meta.version}`);
    const name = meta.analysis.stemmer;
    return new Index(base, meta, name ? (await import(new URL(name, base))).default : null);
  }

  constructor(base, meta, stem) {
    this.base = base;
    this.meta = meta;
    this.analyser = new Analyser(meta.analysis, stem);
    this.held = new Map();
  }

  load(path, read) {
    if (!this.held.has(path)) this.held.set(path, bytes(new URL(path, this.base)).then(read));
    return this.held.get(path);
  }

  numberOf(term) {
    let low = 0, high = this.meta.blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.meta.blocks[middle][0] <= term) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  block(number) {
    return number in this.meta.blocks ? this.load(`b/${this.meta.blocks[number][1]}`, data => new Block(data)) : undefined;
  }

  /** The block that has the term, or nothing. */
  async holder(term) {
    const block = await this.block(this.numberOf(term));
    return block?.terms.has(term) ? block : undefined;
  }

  async neighbours(prefix) {
    const first = Math.max(0, this.numberOf(prefix));
    const blocks = await Promise.all([this.block(first), this.block(first + 1)]);
    return blocks.flatMap(block => (block ? [...block.terms.keys()].filter(t => t.startsWith(prefix)) : []));
  }

  async frequent(terms) {
    const sized = await Promise.all(terms.map(async t => [t, (await this.holder(t)).terms.get(t).count]));
    return sized.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, MAX_EXPANSIONS).map(pair => pair[0]);
  }

  async completions({ plain }, exact) {
    if (!plain || (size(plain) < 2 && ASCII.test(plain))) return [];
    return this.frequent((await this.neighbours(plain)).filter(t => !exact.includes(t)));
  }

  async known(terms) {
    return (await Promise.all(terms.map(async t => (await this.holder(t)) && t))).filter(Boolean);
  }

  async corrections({ terms: [stem], plain }) {
    if (stem.length < 4 || /[\ud800-\udfff]/.test(stem)) return [];
    const near = await this.neighbours(stem.slice(0, 3));
    const mended = await this.known([...earlySlips(stem), ...this.analyser.lateSlips(plain)]);
    let slips = [...near.filter(t => oneSlip(stem, t)), ...mended];
    for (const place of [2, 1]) if (!slips.length) slips = await this.known(otherLetters(stem, place));
    if (slips.length) return (await this.frequent(unique(slips))).slice(0, 3);
    const shorter = near.filter(t => t.length >= 4 && t.length < stem.length && stem.length - t.length <= 4 && stem.startsWith(t));
    return shorter.sort((a, b) => a.length - b.length).slice(-1);
  }

  async weights(word, open, hit, strict) {
    const weights = new Map();
    const holders = await Promise.all(word.terms.map(t => this.holder(t)));
    const exact = word.terms.filter((_, i) => holders[i]);
    const parts = new Map(), own = word.own || word.terms.length;
    word.terms.forEach((term, i) => {
      const sums = i < own ? weights : parts;
      holders[i]?.each(term, (doc, w) => sums.set(doc, (sums.get(doc) || 0) + 2 * w));
    });
    // Who pastes fooBarBaz means that: no page that only has its parts comes before one that has it.
    const most = weights.size ? [...weights.values()].reduce((a, b) => Math.min(a, b)) - 1 : -1;
    parts.forEach((w, doc) => weights.set(doc, (weights.get(doc) || 0) + (most < 0 ? w : Math.min(Math.floor(w / 4), most))));
    exact.forEach(t => hit.add(t));
    if (exact.length && !open) return weights;
    let guesses = open ? await this.completions(word, exact) : [];
    if (!guesses.length && !exact.length && !strict) guesses = await this.corrections(word);
    const best = new Map();
    for (const term of guesses) {
      hit.add(term);
      (await this.holder(term)).each(term, (doc, w) => w > (best.get(doc) || 0) && best.set(doc, w));
    }
    best.forEach((w, doc) => w > (weights.get(doc) || 0) && weights.set(doc, w));
    return weights;
  }

  queryWords(query) {
    const seen = new Map(this.analyser.words(query).map(w => [`${w.terms.join(" ")} ${w.plain}`, w]));
    const words = [...seen.values()], full = words.filter(w => !w.stop);
    return (full.length ? full : words).slice(0, MAX_WORDS);
  }

  /** Every page with any of the words. @param {boolean} strict mend no slips
      @returns {{ranked: [id, score][], hit: Set<string>}} best first */
  async search(query, typing = false, strict = false) {
    const words = this.queryWords(query), hit = new Set();
    const unfinished = typing && this.analyser.endsOpen(query);
    const open = i => unfinished && i === words.length - 1;
    const each = await Promise.all(words.map((word, i) => this.weights(word, open(i), hit, strict)));
    const sums = new Map();
    for (const weights of each)
      weights.forEach((w, doc) => {
        const sum = sums.get(doc);
        if (sum) (sum[1] += w), sum[2]++;
        else sums.set(doc, [doc, w, 1]);
      });
    const ranked = [...sums.values()].map(([doc, score, found]) => [doc, score * (words.length ** 2 + 4 * found)]);
    return { ranked: ranked.sort((a, b) => b[1] - a[1] || a[0] - b[0]), hit };
  }

  /** What is shown of pages. @param {number[]} docs ids */
  results(docs) {
    return Promise.all(docs.map(async doc => {
      const chunk = Math.floor(doc / CHUNK);
      const path = `r/${this.meta.results[Math.floor(chunk / GROUP)]}/${chunk}`;
      const rows = await this.load(path, data => JSON.parse(new TextDecoder().decode(data)));
      const [title, address, summary, topic, badge, updated, kind] = rows[doc % CHUNK];
      return { title, path: address, summary, topic: this.meta.topics[topic], badge, updated, kind };
    }));
  }

  /** Runs of text, each with whether the query found it. */
  marked(text, hit) {
    const runs = [];
    let end = 0;
    const put = (from, to) => {
      if (from > end) runs.push([text.slice(end, from), false]);
      runs.push([text.slice(from, to), true]);
      end = to;
    };
    for (const { 0: chunk, index } of text.matchAll(this.analyser.chunk)) {
      if (!this.analyser.ngram.test(chunk)) {
        const found = this.analyser.words(chunk).some(w => w.terms.some(t => hit.has(t)));
        if (found) put(index, index + chunk.length);
        continue;
      }
      const signs = [...chunk];
      const good = signs.map((sign, i) => hit.has(sign) || hit.has(signs[i - 1] + sign) || hit.has(sign + signs[i + 1]));
      let at = index;
      signs.forEach((sign, i) => {
        if (good[i]) put(at, at + sign.length);
        at += sign.length;
      });
    }
    if (end < text.length) runs.push([text.slice(end), false]);
    return runs;
  }
}
