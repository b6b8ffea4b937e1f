// One-letter shortcuts, dialogs, Esc. One-letter keys can be switched off (WCAG 2.2, 2.1.4).
const OFF = "yvax.single-keys-off";

function isTyping(target) {
  return target.closest("input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select, [contenteditable]") !== null;
}

function openDialog(dialog) {
  if (dialog && !dialog.open && !document.querySelector("dialog[open]")) dialog.showModal();
}

function act(key) {
  if (key === "/") {
    const box = document.getElementById("portal-search");
    box?.focus();
    box?.select();
    return box !== null;
  }
  if (key === "?") {
    openDialog(document.getElementById("shortcut-help"));
    return true;
  }
  if (key === "p") {
    const toggle = document.querySelector("[data-privacy-toggle]");
    toggle?.click();
    return toggle !== null;
  }
  const wanted = [...document.querySelectorAll("[data-shortcut]")].find((element) => element.dataset.shortcut === key);
  wanted?.click();
  return wanted !== undefined;
}

export function setUpShortcuts() {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented) return;
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details[data-menu][open]")) menu.open = false;
      if (event.target.id === "portal-search") event.target.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.key.length !== 1) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]") || localStorage.getItem(OFF)) return;
    if (act(event.key)) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open-dialog]");
    if (opener) openDialog(document.getElementById(opener.dataset.openDialog));
  });

  const choice = document.querySelector("[data-single-keys]");
  if (choice) {
    choice.checked = !localStorage.getItem(OFF);
    choice.addEventListener("change", () => {
      if (choice.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "yes");
    });
  }
}
