// #dose-judgement[data-url]: what the rules say of the dose in the form, asked while it is typed.
// Without script, or when nothing answers, saving the form says the same.
const PAUSE_MS = 250;
const ASKED = ["vaccine", "given_on", "dose_number", "dose_category"];
const place = document.getElementById("dose-judgement");
const form = document.getElementById("dose");
let timer;
let asking;

function typed() {
  const values = new URLSearchParams();
  for (const name of ASKED) values.set(name, form.elements.namedItem(name)?.value ?? "");
  values.set("judgement", form.querySelector("input[type=radio][value=given]")?.checked ? "given" : "");
  return values;
}

function show(answer) {
  const status = document.createElement("span");
  status.className = `status is-${answer.kind}`;
  status.textContent = answer.text;
  const list = document.createElement("ul");
  for (const reason of answer.reasons) {
    const line = document.createElement("li");
    line.textContent = reason.text;
    if (reason.citation) {
      const citation = document.createElement("span");
      citation.className = "due-citation";
      citation.textContent = reason.citation;
      line.append(citation);
    }
    list.append(line);
  }
  place.replaceChildren(...(answer.kind ? [status, list] : []));
  place.hidden = !answer.kind;
}

async function ask() {
  asking?.abort();
  asking = new AbortController();
  const headers = { Accept: "application/json", "X-CSRF-Token": form.elements.namedItem("csrf_token")?.value ?? "" };
  try {
    const answer = await fetch(place.dataset.url, { method: "POST", body: typed(), headers, signal: asking.signal, redirect: "error" });
    show(answer.ok ? await answer.json() : { kind: "" });
  } catch (problem) {
    if (problem.name !== "AbortError") show({ kind: "" });
  }
}

if (place && form) {
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE_MS);
  };
  form.addEventListener("input", wait);
  form.addEventListener("change", wait);
  wait();
}
