// [data-progress-url]: asks how far something is and shows it; loads the page anew when it is over. The URL
// answers {"done": 120, "total": 1001 or null, "text": "120 of 1,001 people", "label": "Being made", "over": false}.
const PAUSE_MS = 1000;
// Asking keeps the session alive. Whoever waits longer than this looks again by hand.
const LONGEST_MS = 10 * 60 * 1000;

async function ask(place) {
  const answer = await fetch(place.dataset.progressUrl, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

function show(place, state) {
  const text = place.querySelector("[data-progress-text]");
  // A reader is told of a change only.
  if (text.textContent !== state.text) text.textContent = state.text;
  const label = document.querySelector("[data-progress-label]");
  if (label && label.textContent !== state.label) label.textContent = state.label;
  const bar = place.querySelector("[data-progress-bar]");
  bar.max = state.total || 1;
  bar.value = state.done;
}

async function follow(place) {
  const end = Date.now() + LONGEST_MS;
  while (Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    let state;
    try {
      state = await ask(place);
    } catch {
      // Signed out, or the server restarts: the page says so when it is loaded by hand.
      return;
    }
    show(place, state);
    if (state.over) {
      location.replace(location.pathname);
      return;
    }
  }
}

export function setUpProgress() {
  for (const place of document.querySelectorAll("[data-progress-url]")) follow(place);
}
