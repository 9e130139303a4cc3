// What Material's own script expects: a scope for what it stores, and access to it. Here instead of in the page, so
// that pages carry no more inline code than the choice of light or dark.
var __md_scope = new URL("../../", document.currentScript.src);
var __md_hash = (text) => [...text].reduce((hash, char) => ((hash << 5) - hash + char.charCodeAt(0)) | 0, 0);
var __md_get = (key, store = localStorage, scope = __md_scope) => JSON.parse(store.getItem(scope.pathname + "." + key));
var __md_set = (key, value, store = localStorage, scope = __md_scope) => {
  try {
    store.setItem(scope.pathname + "." + key, JSON.stringify(value));
  } catch {
    // A full or forbidden store only means that nothing is remembered.
  }
};
addEventListener("DOMContentLoaded", () => {
  const tab = document.getElementById(location.hash.slice(1));
  if (tab && tab.name && tab.name.startsWith("__tabbed_")) tab.checked = true;
});
