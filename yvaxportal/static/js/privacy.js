// Privacy screen mode, and values that are shown for a limited time (measures M12, M18).
const KEY = "yvax.privacy";

function apply(on) {
  document.documentElement.classList.toggle("privacy", on);
  for (const toggle of document.querySelectorAll("[data-privacy-toggle]")) toggle.setAttribute("aria-pressed", String(on));
  // Reachable by keyboard while hidden: focus shows one item, as pointing at it does.
  for (const item of document.querySelectorAll(".private")) {
    if (item.matches("a, button, input") || item.closest("a, button")) continue;
    if (on) item.tabIndex = 0;
    else item.removeAttribute("tabindex");
  }
}

export function setUpPrivacy() {
  if (!document.querySelector("[data-privacy-toggle]")) {
    sessionStorage.removeItem(KEY);
    document.documentElement.classList.remove("privacy");
    return;
  }
  apply(sessionStorage.getItem(KEY) === "on");
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-privacy-toggle]")) return;
    const on = !document.documentElement.classList.contains("privacy");
    sessionStorage.setItem(KEY, on ? "on" : "off");
    apply(on);
  });
}

function hide(block) {
  if (block.dataset.hidden) return;
  block.dataset.hidden = "yes";
  for (const value of block.querySelectorAll("[data-hide-content]")) value.remove();
  for (const gone of block.querySelectorAll("[data-hidden-note]")) gone.hidden = false;
  for (const left of block.querySelectorAll("[data-countdown], progress")) left.closest("[data-countdown-line]")?.remove();
}

export function setUpTimedHiding() {
  for (const block of document.querySelectorAll("[data-hide-after-seconds]")) {
    const seconds = Number(block.dataset.hideAfterSeconds);
    const end = Date.now() + seconds * 1000;
    const tick = () => {
      const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
      for (const shown of block.querySelectorAll("[data-countdown]")) shown.textContent = String(left);
      for (const bar of block.querySelectorAll("progress")) bar.value = left / seconds;
      if (left > 0) setTimeout(tick, 250);
      else hide(block);
    };
    tick();
    // Looking away ends it: another tab, another window over it, the back button's copy of the page, paper.
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && hide(block));
    window.addEventListener("pagehide", () => hide(block));
    window.addEventListener("beforeprint", () => hide(block));
  }
}
