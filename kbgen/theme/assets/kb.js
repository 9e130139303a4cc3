// Light and dark, and a copy button on code blocks. Nothing a page says depends on this file.
(() => {
  const body = document.body;
  const button = document.querySelector(".kb-scheme");
  const apply = (scheme) => body.setAttribute("data-md-color-scheme", scheme);
  const stored = () => {
    try {
      return localStorage.getItem("kb-scheme");
    } catch {
      return null;
    }
  };
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", (event) => stored() || apply(event.matches ? "slate" : "default"));
  button?.addEventListener("click", () => {
    const next = body.getAttribute("data-md-color-scheme") === "slate" ? "default" : "slate";
    apply(next);
    try {
      // The system's own choice is not stored, so that the page follows it again.
      if ((next === "slate") === system.matches) localStorage.removeItem("kb-scheme");
      else localStorage.setItem("kb-scheme", next);
    } catch {
      // A browser that keeps nothing still switches for this page.
    }
  });

  const words = button?.dataset ?? {};
  const codes = ".kb-body pre, .kb-written pre";
  // What scrolls must be reachable by keyboard, and say what it is.
  const reach = (selector, name) => {
    for (const block of document.querySelectorAll(selector)) {
      if (block.scrollWidth <= block.clientWidth) continue;
      block.tabIndex = 0;
      block.setAttribute("role", "group");
      block.setAttribute("aria-label", name);
    }
  };
  reach(codes, words.code);
  // Material's script wraps tables first.
  addEventListener("load", () => reach(".md-typeset__scrollwrap", words.table));
  for (const block of navigator.clipboard ? document.querySelectorAll(codes) : []) {
    const frame = document.createElement("div");
    frame.className = "kb-code";
    block.replaceWith(frame);
    const copy = document.createElement("button");
    copy.type = "button";
    copy.className = "kb-copy";
    copy.textContent = words.copy;
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.textContent.trimEnd());
      copy.textContent = words.copied;
      setTimeout(() => (copy.textContent = words.copy), 2000);
    });
    frame.append(block, copy);
  }
  // A place to scroll to may be folded away.
  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const fold = target && target.closest("details");
    if (fold) fold.open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();
})();
