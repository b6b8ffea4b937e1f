// Files of doses: a page that waits follows the run; the queue is walked with j and k, a row decided by letter.
const waiting = document.querySelector("[data-progress-url]");

async function follow() {
  const answer = await fetch(waiting.dataset.progressUrl, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const now = await answer.json();
  if (!now.running) {
    location.reload();
    return;
  }
  waiting.querySelector("[data-progress-phase]").textContent = now.phase;
  waiting.querySelector("[data-progress-text]").textContent = now.text;
  const bar = waiting.querySelector("progress");
  if (now.total) {
    bar.max = now.total;
    bar.value = now.done;
  } else {
    bar.removeAttribute("value");
  }
  setTimeout(follow, 1000);
}

if (waiting) setTimeout(follow, 500);

const rows = [...document.querySelectorAll("[data-row]")];
let at = -1;

function choose(next) {
  if (rows.length === 0) return;
  if (at >= 0) rows[at].removeAttribute("aria-selected");
  at = Math.max(0, Math.min(rows.length - 1, next));
  rows[at].setAttribute("aria-selected", "true");
  rows[at].scrollIntoView({ block: "nearest" });
  rows[at].querySelector("a")?.focus();
}

function isTyping(target) {
  return target.closest("input:not([type=checkbox], [type=radio], [type=submit]), textarea, select") !== null;
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]") || localStorage.getItem("yvax.single-keys-off")) return;
  if (rows.length > 0 && (event.key === "j" || event.key === "k")) {
    event.preventDefault();
    choose(at + (event.key === "j" ? 1 : -1));
  }
});
